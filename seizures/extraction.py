"""Frames and a frozen network in, one feature vector per snippet out (paper, section 2.2).

Letters in shapes: T frames, H rows, W columns, b snippets of a batch, l frames per snippet, D features. The frames of a
batch are read ahead in a thread and uploaded once, as uint8; the overlapping snippets are cut out on the device::

    held from the batch before  | new frames
    f f f f f f f f f f f f f f f f f f      chunk (T, H, W, 3), uint8, on the device
    [- - snippet r - - ]
        [- - snippet r+1 - ]                 one every stride frames: a view, copied once, as floats

Memory depends on the batch, never on the length of the film. Nothing here asks for CUDA before a function is called.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from seizures.errors import FeatureFileError, SeizuresError, SettingsError, VideoError
from seizures.feature_file import FeatureFileWriter, FeatureHeader, ViewFacts
from seizures.frame_file import FrameFile, open_frames
from seizures.snippets import count_snippets, snippet_starts

READ_AHEAD = 2  # batches
HALF_TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
PRECISIONS = ("float32", "tf32", *HALF_TYPES)
UNKNOWN_TIMES = ("onset_seconds", "offset_seconds", "clonic_onset_seconds")

logger = logging.getLogger(__name__)


class SnippetNetwork(Protocol):
    """What is wanted of a network: float32 (b, 3, l, H, W), RGB in [0, 1], to (b, D); normalisation lives inside."""

    frames_per_snippet: int
    feature_dim: int
    frame_size: int

    def __call__(self, snippets: torch.Tensor, /) -> torch.Tensor:
        """Compute the features of the snippets."""

    def to(self, device: str, /) -> Any:
        """Move the weights."""

    def eval(self) -> Any:
        """Switch dropout off and freeze the statistics of the normalisation."""


def choose_device(name: str = "auto") -> str:
    """Return the torch device for a setting: `auto` is CUDA where there is one, else the CPU.

    Raises:
        SettingsError: no such device, or CUDA asked for where there is none.

    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise SettingsError(f"device = {name}: wanted auto, cpu, cuda or cuda:<number>") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise SettingsError(f"device = {name}: this machine has no usable CUDA device; set auto or cpu")
    return name


def valid_snippets(
    valid_frames: npt.NDArray[np.bool_], frames_per_snippet: int, stride_frames: int
) -> npt.NDArray[np.bool_]:
    """Return which snippets have only valid frames, bool (S,), from the frames' flags, bool (T,)."""
    num_bad_before = np.concatenate([[0], np.cumsum(~valid_frames)])
    starts = snippet_starts(len(valid_frames), frames_per_snippet, stride_frames)
    return np.asarray(num_bad_before[starts + frames_per_snippet] == num_bad_before[starts])


def extract_features(
    frames: FrameFile,
    network: SnippetNetwork,
    *,
    stride_frames: int,
    batch_size: int,
    device: str,
    precision: str = "float32",
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Compute the features of every snippet, batch by batch, at boundaries that depend on `batch_size` alone.

    Args:
        frames: an open frame file, uint8 frames (T, H, W, 3).
        network: see `SnippetNetwork`; it is moved to `device` and set to evaluate.
        stride_frames: frames between the starts of neighbouring snippets.
        batch_size: snippets that go through the network at once.
        device: what `choose_device` returned.
        precision: `float32` (TensorFloat-32 off), `tf32` (CUDA only), or `float16` and `bfloat16` by autocast.

    Yields:
        (row of the first snippet, float32 (b, D)), in order and without gaps; nothing for a film without a snippet.

    Raises:
        SettingsError: unknown precision, or a size or stride below 1.
        SeizuresError: the frames are of another size than the network wants, or a feature is not finite.

    """
    if precision not in PRECISIONS or min(stride_frames, batch_size) < 1:
        wanted = f"wanted at least 1, at least 1, and one of {', '.join(PRECISIONS)}"
        raise SettingsError(f"stride {stride_frames}, batch size {batch_size}, precision {precision}: {wanted}")
    network.to(device)
    network.eval()
    length = network.frames_per_snippet
    held, held_start = torch.empty(0, dtype=torch.uint8, device=device), 0
    for row, first_frame, new_frames in _read_ahead(frames, length, stride_frames, batch_size):
        if new_frames.shape[1:] != (network.frame_size, network.frame_size, 3):
            wanted = f"{network.frame_size} x {network.frame_size} x 3"
            raise SeizuresError(f"the frames are {new_frames.shape[1:]}, the network wants {wanted}; decode again")
        uploaded = torch.from_numpy(new_frames).to(device)
        start = row * stride_frames
        chunk = uploaded if start >= first_frame else torch.cat([held[start - held_start :], uploaded])
        rows = _compute(chunk, network, stride_frames, precision)
        if not np.isfinite(rows).all():
            raise SeizuresError(f"features of snippets {row} to {row + len(rows)} are not finite ({precision})")
        yield row, rows
        held, held_start = chunk, start


def extract_seizure(
    frame_files: Mapping[str, Path],
    network: SnippetNetwork,
    path: Path,
    header: FeatureHeader,
    *,
    view_attributes: Mapping[str, Mapping[str, Any]],
    batch_size: int,
    device: str,
    precision: str = "float32",
) -> None:
    """Write the feature file of one seizure from the frame files of its views.

    Args:
        frame_files: view to frame file.
        network: see `extract_features`.
        path: where to write; make it a temporary name.
        header: goes into the file; its snippet length and frame rate must be the network's and the frames'.
        view_attributes: view to those attributes of FORMATS.md that the frame file does not hold; they win over it.
        batch_size: see `extract_features`; like the device it may change the last bits, and nothing else.
        device: see `choose_device`.
        precision: see `extract_features`.

    Raises:
        VideoError: a view is shorter than one snippet, or has no snippet whose frames were all decoded.
        FeatureFileError: a frame file disagrees with the header or lacks an attribute.

    """
    if header.frames_per_snippet != network.frames_per_snippet:
        found = f"{network.frames_per_snippet} frames, the header says {header.frames_per_snippet}"
        raise FeatureFileError(f"{header.network}: its snippets have {found}")
    with FeatureFileWriter(path, header) as file:
        for view, frame_path in frame_files.items():
            name = f"{header.patient_id}+{header.seizure_id}+{view}"
            with open_frames(frame_path) as frames:
                if frames.frame_rate_hz != header.frame_rate_hz:
                    found = f"{frames.frame_rate_hz} Hz, wanted {header.frame_rate_hz} Hz"
                    raise FeatureFileError(f"{name}: {frame_path} has {found}; decode again")
                valid = _usable_snippets(name, frames, header)
                facts = _view_facts(name, {**frames.facts, **view_attributes.get(view, {})})
                writer = file.create_view(view, len(valid), network.feature_dim, facts, valid)
                batches = extract_features(
                    frames,
                    network,
                    stride_frames=header.stride_frames,
                    batch_size=batch_size,
                    device=device,
                    precision=precision,
                )
                with contextlib.closing(batches):  # type: ignore[type-var]  # a generator: its thread ends here
                    for row, rows in batches:
                        writer.write(row, rows)
            logger.info("%s: %d snippets, %d of them valid", name, len(valid), int(valid.sum()))


def _usable_snippets(name: str, frames: FrameFile, header: FeatureHeader) -> npt.NDArray[np.bool_]:
    length = header.frames_per_snippet
    if count_snippets(frames.num_frames, length, header.stride_frames) == 0:
        found = f"{frames.num_frames} frames, and a snippet takes {length}"
        raise VideoError(f"{name}: too short: it has {found}; correct its times or say use = skip")
    valid = valid_snippets(np.asarray(frames.valid), length, header.stride_frames)
    if not valid.any():
        found = f"no {length} frames in a row of its {frames.num_frames} could be decoded"
        raise VideoError(f"{name}: {found}; repair the video or say use = skip")
    return valid


def _view_facts(name: str, attributes: Mapping[str, Any]) -> ViewFacts:
    # A frame file leaves out what is not known.
    known = {**dict.fromkeys(UNKNOWN_TIMES), **attributes}
    missing = [field.name for field in fields(ViewFacts) if field.name not in known]
    if missing:
        raise FeatureFileError(f"{name}: neither frame file nor caller says {', '.join(missing)}; decode again")
    return ViewFacts(**{field.name: known[field.name] for field in fields(ViewFacts)})


def _read_ahead(
    frames: FrameFile, length: int, stride: int, batch_size: int
) -> Iterator[tuple[int, int, npt.NDArray[np.uint8]]]:
    """Yield, per batch, its first row, and its frames (t, H, W, 3) not read before with the number of their first."""
    num_snippets = count_snippets(frames.num_frames, length, stride)
    pending: deque[tuple[int, int, Future[npt.NDArray[np.uint8]]]] = deque()
    next_frame = 0
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        for row in range(0, num_snippets, batch_size):
            start = max(next_frame, row * stride)
            next_frame = (min(row + batch_size, num_snippets) - 1) * stride + length
            pending.append((row, start, reader.submit(frames.read, start, next_frame)))
            if len(pending) > READ_AHEAD:
                first_row, first_frame, future = pending.popleft()
                yield first_row, first_frame, future.result()
        for first_row, first_frame, future in pending:
            yield first_row, first_frame, future.result()


def _compute(chunk: torch.Tensor, network: SnippetNetwork, stride: int, precision: str) -> npt.NDArray[np.float32]:
    """Cut the chunk, uint8 (T, H, W, 3), into snippets and return their features, float32 (b, D)."""
    device = chunk.device.type
    with torch.inference_mode(), contextlib.ExitStack() as settings:
        if device == "cuda":
            allow_tf32 = precision == "tf32"
            settings.enter_context(torch.backends.cudnn.flags(deterministic=True, allow_tf32=allow_tf32))
        if precision in HALF_TYPES:
            settings.enter_context(torch.autocast(device, dtype=HALF_TYPES[precision]))
        windows = chunk.unfold(0, network.frames_per_snippet, stride).permute(0, 3, 4, 1, 2)
        snippets = torch.empty(windows.shape, dtype=torch.float32, device=chunk.device)
        snippets.copy_(windows).div_(255)
        return network(snippets).float().cpu().numpy()
