"""Networks whose layers are those of the library `transformers`, an optional dependency: facts only, and no torch.

The layers are in `models/transformers_video.py`. Their weights are on Hugging Face, all under the name
`model.safetensors`, so the local copies are named after the network.
"""

from __future__ import annotations

from models.colours import IMAGENET_MEAN, IMAGENET_STD
from models.spec import NetworkSpec, PublicWeights


def _hub(repository: str, licence: str, words: str, num_classes: int = 0) -> PublicWeights:
    """Return the weights of a repository on Hugging Face."""
    return PublicWeights(
        url=f"https://huggingface.co/{repository}/resolve/main/model.safetensors",
        sha256_prefix="",
        num_classes=num_classes,
        licence=licence,
        citation=f"Hugging Face, https://huggingface.co/{repository}",
        words=words,
        local_name=f"{repository.rpartition('/')[2]}.safetensors",
    )


VJEPA2_VITL = NetworkSpec(
    name="vjepa2_vitl",
    words="V-JEPA 2 ViT-L",
    kind="spatiotemporal",
    architecture="vjepa2_vitl",
    citation="Assran et al., V-JEPA 2: Self-Supervised Video Models Enable Understanding, Prediction and Planning, "
    "2025, arXiv:2506.09985",
    licence="Apache-2.0",
    feature_dim=1024,
    frame_size=256,
    frames_per_snippet=16,  # of the 64 that it can take: as many as its authors' classifiers of Kinetics-400 do
    colour_mean=IMAGENET_MEAN,
    colour_std=IMAGENET_STD,
    public_weights=_hub("facebook/vjepa2-vitl-fpc64-256", "MIT", "pre-trained on videos without labels"),
    frame_step=2,
    is_size_fixed=True,
    library="transformers",
)
VIDEOMAE_B = NetworkSpec(
    name="videomae_b",
    words="VideoMAE ViT-B",
    kind="spatiotemporal",
    architecture="videomae_b",
    citation="Tong, Song, Wang, Wang, VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised "
    "Video Pre-Training, NeurIPS 2022, arXiv:2203.12602",
    licence="Apache-2.0",
    feature_dim=768,
    frame_size=224,
    frames_per_snippet=16,
    colour_mean=IMAGENET_MEAN,
    colour_std=IMAGENET_STD,
    public_weights=_hub(
        "MCG-NJU/videomae-base-finetuned-kinetics",
        "CC-BY-NC-4.0",
        "pre-trained and fine-tuned on Kinetics-400",
        num_classes=400,
    ),
    frame_step=2,
    is_size_fixed=True,
    kinetics_400_top1_percent=80.9,
    top1_source="its card on Hugging Face, number of clips not stated",
    library="transformers",
)

HUB_NETWORKS = (VJEPA2_VITL, VIDEOMAE_B)
