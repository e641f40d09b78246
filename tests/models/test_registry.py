from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import models
from models.networks import NETWORKS
from models.spec import NetworkSpec

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
SPDX = {
    "Apache-2.0",
    "BSD-3-Clause",
    "CC-BY-NC-4.0",
    "MIT",
}  # licences of present networks and weights, as SPDX spells them


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys, models\n"
        "for name in models.network_names():\n"
        "    models.network_spec(name)\n"
        "    wanted = 'random:0' if models.network_spec(name).has_weights else models.NO_WEIGHTS\n"
        "    assert models.weights_identity(name, 'random:0') == wanted\n"
        "    assert models.network_spec(name).library or models.check_weights(name, 'random:0') == []\n"
        "assert models.aggregation_names()[:3] == ('mean', 'lstm', 'blstm')\n"
        "assert 'load_network' in dir(models)\n"
        "assert not {'torch', 'torchvision', 'pytorchvideo', 'transformers'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_door_opens() -> None:
    for name in models.__all__:
        assert getattr(models, name) is not None
    with pytest.raises(AttributeError, match="no_such_door"):
        _ = models.no_such_door


def test_names_are_unique_and_the_papers_network_is_the_first() -> None:
    assert models.network_names()[0] == "r2plus1d_34_8_kinetics"
    assert len(models.network_names()) == len(NETWORKS)


def test_the_published_files_of_the_paper_are_those_of_ig65m_and_torchvision() -> None:
    found = {spec.name: spec.public_weights.sha256_prefix for spec in NETWORKS if spec.public_weights}
    assert {name: found[name] for name in models.network_names()[:6]} == {
        "r2plus1d_34_8_kinetics": "0aa0550b",
        "r2plus1d_34_32_kinetics": "ade133f1",
        "r2plus1d_34_8_ig65m": "9bae36ae",
        "r2plus1d_34_32_ig65m": "449a7af9",
        "resnet_34": "b627a593",
        "wide_resnet_50_2": "95faca4d",
    }


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: spec.name)
def test_every_spec_says_what_a_reader_needs(spec: NetworkSpec) -> None:
    assert re.fullmatch(r"[a-z0-9_]+", spec.name)
    assert spec.words
    assert spec.licence in SPDX
    assert re.search(r"arXiv:\d{4}\.\d{5}|https://", spec.citation) or not spec.has_weights
    assert (spec.kind == "frame") == (spec.frames_per_snippet == 1)
    if spec.kinetics_400_top1_percent is not None:
        assert 50 < spec.kinetics_400_top1_percent < 95
        assert "clip" in spec.top1_source
    assert min(spec.feature_dim, spec.frame_size, spec.frames_per_snippet, spec.frame_step) >= 1
    assert all(0 < value < 1 for value in spec.colour_mean + spec.colour_std) or not spec.has_weights
    public = spec.public_weights
    if public is not None:
        assert public.url.startswith("https://")
        if public.sha256_prefix:
            assert re.fullmatch(r"[0-9a-f]{8}", public.sha256_prefix)
            assert re.fullmatch(rf".+[-_]{public.sha256_prefix}\.pth", public.file_name)
        else:
            assert public.identity == f"file:{public.file_name}"
        assert public.identity == models.weights_identity(spec.name, weights_dir="empty")
        assert public.licence in SPDX
        assert public.words
        assert re.search(r"arXiv:\d{4}\.\d{5}|https://", public.citation)


@pytest.mark.parametrize("spec", NETWORKS, ids=lambda spec: spec.name)
def test_the_page_of_networks_has_every_spec(spec: NetworkSpec) -> None:
    """If this fails, put the lines that the message shows into the tables and the list of docs/networks.md."""
    public = spec.public_weights
    input_ = f"{spec.frames_per_snippet} x {spec.frame_size} x {spec.frame_size}, step {spec.frame_step}"
    percent, source = spec.kinetics_400_top1_percent, spec.top1_source
    top1 = "-" if percent is None else f"{percent:.1f} % ({source})"
    row = f"| `{spec.name}` | {spec.kind} | {input_} | {spec.span_frames / 15:.2f} s | {spec.feature_dim} | {top1} |"
    code = f"| `{spec.name}` | {spec.licence} |"
    weights = f"{code} [`{public.file_name}`]({public.url}) | {public.licence} |" if public else ""
    page = PAGE.read_text(encoding="utf-8")
    papers = [f"- {citation}" for citation in (spec.citation, public.citation if public else spec.citation)]
    lines = dict.fromkeys([row, weights or code, *papers])
    missing = [line for line in lines if line not in page]
    assert not missing, "docs/networks.md lacks:\n" + "\n".join(missing)


def test_the_words_for_a_network_name_its_weights() -> None:
    found = [
        models.describe_network("r2plus1d_34_8_kinetics", "sha256:0aa0550b"),
        models.describe_network("resnet_34", "sha256:b627a593"),
        models.describe_network("r2plus1d_small", "random:0"),
        models.describe_network("r2plus1d_34_8_kinetics", f"sha256:{'f' * 64}"),
        models.describe_network("r2plus1d_34_8_kinetics", "doi:10.5522/04/14781771"),
        models.describe_network("of_another_lab", "sha256:0123456789abcdef"),
        models.describe_network("x3d_s", "file:X3D_S.pyth"),
        models.describe_network("of_another_lab", "file:theirs.pth"),
    ]
    assert found == [
        "R(2+1)D-34 (r2plus1d_34_8_kinetics) pre-trained on IG-65M and fine-tuned on Kinetics-400 (SHA-256 of the "
        "weights: 0aa0550b...)",
        "ResNet-34 (resnet_34) pre-trained on ImageNet (SHA-256 of the weights: b627a593...)",
        "a small R(2+1)D network (r2plus1d_small) with random, untrained weights (random:0)",
        "R(2+1)D-34 (r2plus1d_34_8_kinetics) with weights of its own (SHA-256 of the weights: ffffffff...)",
        "R(2+1)D-34 (r2plus1d_34_8_kinetics) with the weights of doi:10.5522/04/14781771",
        "a network (of_another_lab) with weights of its own (SHA-256 of the weights: 01234567...)",
        "X3D-S (x3d_s) pre-trained on Kinetics-400 (weights: X3D_S.pyth)",
        "a network (of_another_lab) with weights of its own (weights: theirs.pth)",
    ]


def test_an_unknown_network_is_answered_with_the_nearest() -> None:
    with pytest.raises(models.UnknownNameError, match=r"'r2plus1d_34_8_kinetic'.* 'r2plus1d_34_8_kinetics'\?"):
        models.network_spec("r2plus1d_34_8_kinetic")
    with pytest.raises(models.UnknownNameError, match=r"Did you mean 'r2plus1d_small'\?"):
        models.load_network("R2plus1D-small", "random:0")


def test_an_unknown_aggregation_is_answered_with_the_nearest() -> None:
    with pytest.raises(models.UnknownNameError, match=r"Did you mean 'blstm'\?"):
        models.build_aggregation("bilstm", 4, 4)
    with pytest.raises(models.ModelsError, match="Known: mean, lstm, blstm, attention"):
        models.build_aggregation("???", 4, 4)
