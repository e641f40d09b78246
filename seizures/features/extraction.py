"""Frames and a frozen network in, one feature vector per snippet out (paper, section 2.2).

Letters in shapes: T frames, H rows, W columns, b snippets of a batch, l frames per snippet, D features. The frames of a
batch are read ahead in a thread and uploaded once, as uint8; the overlapping snippets are cut out on the device::

    held from the batch before  | new frames
    f f f f f f f f f f f f f f f f f f      chunk (T, H, W, 3), uint8, on the device
    [- - snippet r - - ]
        [- - snippet r+1 - ]                 one every stride frames: a view, copied once, as floats

Memory depends on the batch, never on the length of the film. Nothing here asks for CUDA before a function is called.

On CUDA the thread that reads also uploads, from pinned memory and on a stream of its own, while the network computes on
the batch before; a batch that does not fit into the device's memory is halved, and the halves stay. Tests run these
paths on a CPU as far as they go there; `make bench-gpu` runs them on a GPU.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from seizures.errors import FeatureFileError, SeizuresError, SettingsError
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.snippets import count_snippets, span_frames, usable_snippets
from seizures.features.writer import FeatureFileWriter
from seizures.manifest.identity import RecordingId
from seizures.settings import PRECISIONS
from seizures.video.frame_cache import FrameFile, open_frames

READ_AHEAD = 2  # batches
LARGEST_BATCH = {"cpu": 16, "cuda": 1024}  # snippets: a CPU gains nothing by more; CUDA halves it until it fits
HALF_TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
UNKNOWN_TIMES = ("onset_seconds", "offset_seconds", "clonic_onset_seconds")

logger = logging.getLogger(__name__)


class SnippetNetwork(Protocol):
    """What is wanted of a network: float32 (b, 3, T, H, W), RGB in [0, 1], to (b, D); normalisation lives inside.

    T is `frames_per_snippet`. They are every `frame_step`-th frame of a snippet, whose length is that of their span.
    """

    frames_per_snippet: int
    frame_step: int
    feature_dim: int
    frame_size: int

    def __call__(self, snippets: torch.Tensor, /) -> torch.Tensor:
        """Compute the features of the snippets."""

    def to(self, device: str, /) -> Any:
        """Move the weights."""

    def eval(self) -> Any:
        """Switch dropout off and freeze the statistics of the normalisation."""


class FrameReader(Protocol):
    """What is wanted of frames that are read here and there."""

    frame_size: int

    def read(self, start: int, stop: int, /) -> npt.NDArray[np.uint8]:
        """Return frames `start` to `stop` (half-open), uint8 (t, H, W, 3)."""


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
        raise SettingsError(f"device = {name}: expected auto, cpu, cuda or cuda:<number>") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise SettingsError(f"device = {name}: this machine has no usable CUDA device; set auto or cpu")
    return name


def snippet_length(network: SnippetNetwork) -> int:
    """Return the length of a network's snippets in frames: from the first that it takes to the last, both counted."""
    return span_frames(network.frames_per_snippet, network.frame_step)


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
        batch_size: snippets that go through the network at once; 0 is 16 on a CPU, and as many as fit on CUDA.
        device: what `choose_device` returned.
        precision: `float32` (TensorFloat-32 off), `tf32` (CUDA only), or `float16` and `bfloat16` by autocast.

    Yields:
        (row of the first snippet, float32 (b, D)), in order and without gaps; nothing for a film without a snippet.

    Raises:
        SettingsError: unknown precision, or a size or stride below 1.
        SeizuresError: the frames are of another size than the network wants, or a feature is not finite.

    """
    if precision not in PRECISIONS or stride_frames < 1 or batch_size < 0:
        wanted = f"expected at least 1, at least 0, and one of {', '.join(PRECISIONS)}"
        raise SettingsError(f"stride {stride_frames}, batch size {batch_size}, precision {precision}: {wanted}")
    network.to(device)
    network.eval()
    length, step = snippet_length(network), network.frame_step
    batch_size = batch_size or LARGEST_BATCH[torch.device(device).type]
    fitting = _FittingBatches(network, precision, batch_size)
    held, held_start = torch.empty(0, dtype=torch.uint8, device=device), 0
    for row, first_frame, uploaded in _read_ahead(frames, length, stride_frames, batch_size, _Uploader(device)):
        _check_size(tuple(uploaded.shape[1:]), network)
        start = row * stride_frames
        chunk = uploaded if start >= first_frame else torch.cat([held[start - held_start :], uploaded])
        rows = fitting.compute(chunk.unfold(0, length, stride_frames)[..., ::step].permute(0, 3, 4, 1, 2))
        if not np.isfinite(rows).all():
            raise SeizuresError(f"features of snippets {row} to {row + len(rows)} are not finite ({precision})")
        yield row, rows
        held, held_start = chunk, start


def extract_chosen(
    frames: FrameReader,
    network: SnippetNetwork,
    rows: npt.ArrayLike,
    *,
    stride_frames: int,
    batch_size: int,
    device: str,
    precision: str = "float32",
) -> npt.NDArray[np.float32]:
    """Compute the features of some snippets and of no others; one that is asked for twice is computed once.

    Args:
        frames: such as an open frame file.
        network: see `SnippetNetwork`.
        rows: (N,) numbers of snippets, as `extract_features` counts them.
        stride_frames: see `extract_features`.
        batch_size: see `extract_features`.
        device: see `choose_device`.
        precision: see `extract_features`.

    Returns:
        float32 (N, D).

    Raises:
        SeizuresError: the frames are of another size than the network wants, or a feature is not finite.

    """
    network.to(device)
    network.eval()
    _check_size((frames.frame_size, frames.frame_size, 3), network)
    wanted, place = np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True)
    batch_size = batch_size or LARGEST_BATCH[torch.device(device).type]
    fitting, upload = _FittingBatches(network, precision, batch_size), _Uploader(device)
    length, parts = snippet_length(network), []
    for at in range(0, len(wanted), batch_size):
        starts = wanted[at : at + batch_size] * stride_frames
        snippets = np.stack([frames.read(start, start + length)[:: network.frame_step] for start in starts])
        parts.append(fitting.compute(upload(snippets).permute(0, 4, 1, 2, 3)))
    found = np.concatenate(parts)
    if not np.isfinite(found).all():
        raise SeizuresError(f"features of snippets {wanted.min()} to {wanted.max()} are not finite ({precision})")
    return found[place.reshape(-1)]


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
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the feature file of one seizure from the frame files of its views; return how many snippets it holds.

    Args:
        frame_files: view to frame file.
        network: see `extract_features`.
        path: where to write; make it a temporary name.
        header: goes into the file; its snippet length and frame rate must be the network's and the frames'.
        view_attributes: view to those attributes of docs/format.md that the frame file does not hold; they win over it.
        batch_size: see `extract_features`; like the device it may change the last bits, and nothing else.
        device: see `choose_device`.
        precision: see `extract_features`.
        progress: called with the snippets written, of all views, and those to write.

    Raises:
        VideoError: a view is shorter than one snippet, or has no snippet whose frames were all decoded.
        FeatureFileError: a frame file disagrees with the header or lacks an attribute.

    """
    for what, has, said in (
        ("its snippets have {} frames", snippet_length(network), header.frames_per_snippet),
        ("frame_step = {}", network.frame_step, header.frame_step),
    ):
        if has != said:
            raise FeatureFileError(f"{header.network}: {what.format(has)}, the header says {said}")
    num_done, num_snippets = 0, _count_all(frame_files.values(), header)
    with FeatureFileWriter(path, header) as file:
        for view, frame_path in frame_files.items():
            name = RecordingId(header.patient_id, header.seizure_id, view).name
            with open_frames(frame_path) as frames:
                if frames.frame_rate_hz != header.frame_rate_hz:
                    found = f"{frames.frame_rate_hz} Hz, expected {header.frame_rate_hz} Hz"
                    raise FeatureFileError(f"{name}: {frame_path} has {found}; decode again")
                valid = usable_snippets(name, frames.valid, header.frames_per_snippet, header.stride_frames)
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
                        num_done += len(rows)
                        if progress is not None:
                            progress(num_done, num_snippets)
            logger.info("%s: %d snippets, %d of them valid", name, len(valid), int(valid.sum()))
    return num_snippets


def _check_size(found: tuple[int, ...], network: SnippetNetwork) -> None:
    if found != (network.frame_size, network.frame_size, 3):
        wanted = f"{network.frame_size} x {network.frame_size} x 3"
        raise SeizuresError(f"the frames are {found}, the network wants {wanted}; decode again")


def _count_all(paths: Iterable[Path], header: FeatureHeader) -> int:
    """Count the snippets of several frame files."""
    total = 0
    for path in paths:
        with open_frames(path) as frames:
            total += count_snippets(frames.num_frames, header.frames_per_snippet, header.stride_frames)
    return total


def _view_facts(name: str, attributes: Mapping[str, Any]) -> ViewFacts:
    # A frame file leaves out what is not known.
    known = {**dict.fromkeys(UNKNOWN_TIMES), **attributes}
    missing = [field.name for field in fields(ViewFacts) if field.name not in known]
    if missing:
        raise FeatureFileError(f"{name}: neither frame file nor caller says {', '.join(missing)}; decode again")
    return ViewFacts(**{field.name: known[field.name] for field in fields(ViewFacts)})


class _Uploader:
    """Brings frames to the device; to CUDA from pinned memory, on a stream of its own, while the network computes."""

    def __init__(self, device: str) -> None:
        self._device = device
        is_cuda = torch.device(device).type == "cuda"
        self._stream = torch.cuda.Stream(device) if is_cuda else None  # type: ignore[no-untyped-call]

    def __call__(self, frames: npt.NDArray[np.uint8]) -> torch.Tensor:
        """Return the frames, uint8 (t, H, W, 3), on the device."""
        if self._stream is None:
            return torch.from_numpy(frames).to(self._device)
        with torch.cuda.stream(self._stream):
            uploaded = torch.from_numpy(frames).pin_memory().to(self._device, non_blocking=True)
        self._stream.synchronize()  # keeps only the thread waiting that reads ahead
        uploaded.record_stream(torch.cuda.default_stream(self._device))
        return uploaded


def _read_ahead(
    frames: FrameFile, length: int, stride: int, batch_size: int, upload: _Uploader
) -> Iterator[tuple[int, int, torch.Tensor]]:
    """Yield, per batch, its first row, the number of its first frame not read before, and those (t, H, W, 3)."""
    num_snippets = count_snippets(frames.num_frames, length, stride)
    pending: deque[tuple[int, int, Future[torch.Tensor]]] = deque()
    next_frame = 0
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        for row in range(0, num_snippets, batch_size):
            start = max(next_frame, row * stride)
            next_frame = (min(row + batch_size, num_snippets) - 1) * stride + length
            pending.append((row, start, reader.submit(_fetch, frames, start, next_frame, upload)))
            if len(pending) > READ_AHEAD:
                first_row, first_frame, future = pending.popleft()
                yield first_row, first_frame, future.result()
        for first_row, first_frame, future in pending:
            yield first_row, first_frame, future.result()


def _fetch(frames: FrameFile, start: int, stop: int, upload: _Uploader) -> torch.Tensor:
    return upload(frames.read(start, stop))


class _FittingBatches:
    """Runs the network on batches that fit into the device's memory: halved where one does not, for good."""

    def __init__(self, network: SnippetNetwork, precision: str, batch_size: int) -> None:
        self._network, self._precision, self._batch_size = network, precision, batch_size

    def compute(self, windows: torch.Tensor) -> npt.NDArray[np.float32]:
        """Return the features, float32 (b, D), of windows of frames, uint8 (b, 3, l, H, W): a view of a chunk."""
        parts, done = [], 0
        while done < len(windows):
            try:
                parts.append(_compute(windows[done : done + self._batch_size], self._network, self._precision))
                done += self._batch_size
            except torch.OutOfMemoryError:
                if self._batch_size == 1:
                    raise
                self._batch_size = (min(self._batch_size, len(windows)) + 1) // 2
                logger.info("out of memory: %d snippets at once from here on", self._batch_size)
                torch.cuda.empty_cache()
        return np.concatenate(parts)


def _compute(windows: torch.Tensor, network: SnippetNetwork, precision: str) -> npt.NDArray[np.float32]:
    """Copy windows, uint8 (b, 3, l, H, W), into snippets and return their features, float32 (b, D)."""
    device = windows.device.type
    layout = torch.contiguous_format
    with torch.inference_mode(), contextlib.ExitStack() as settings:
        if device == "cuda":
            allow_tf32 = precision == "tf32"
            settings.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=allow_tf32))
            layout = torch.channels_last_3d  # in which frames come, and in which tensor cores want them
        if precision in HALF_TYPES:
            settings.enter_context(torch.autocast(device, dtype=HALF_TYPES[precision]))
        snippets = torch.empty(windows.shape, dtype=torch.float32, device=windows.device, memory_format=layout)
        snippets.copy_(windows).div_(255)
        return network(snippets).float().cpu().numpy()
