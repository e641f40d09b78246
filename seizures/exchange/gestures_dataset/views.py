"""One seizure of the authors' public dataset, from thousands of small files to one feature file.

Nothing in the dataset is trusted: `torch.load(weights_only=True)`, one file after the other, in a process whose memory
is bounded, and the feature file is examined as one from another laboratory is. A frame whose vector is missing
or bad takes the vector before it and is marked in `valid`, so that times stay true and sampling passes it by. A view of
which less than half is good is left out. Letters: S snippets, D = 512 features.
"""

from __future__ import annotations

import dataclasses
import io
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from seizures.errors import TransientError
from seizures.exchange.gestures_dataset import source
from seizures.exchange.gestures_dataset.outcome import RECIPE, Outcome
from seizures.exchange.gestures_dataset.table import TableRow
from seizures.features.schema import FeatureHeader, ViewFacts
from seizures.features.validation import DURATION_TOLERANCE_SECONDS, FAULT, WARNING, Finding, examine
from seizures.features.writer import FeatureFileWriter
from seizures.processes.serving import Reporter
from seizures.settings import digest

FEATURE_DIM: int = RECIPE["feature_dim"]
MAX_FILES = 2**17  # of one view, two hours and a half; the paper's longest has 16,470
SPARE_BYTES = 2**27  # more than what is honest takes to be read, or to be examined
VERSION = 2


class View(NamedTuple):
    """The features of one view (S, D), which rows are its own (S,), and the first frame index."""

    rows: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    first_frame: int

    @property
    def seconds(self) -> float:
        """How long the snippets last together."""
        return float((len(self.rows) + RECIPE["frames_per_snippet"] - 1) / RECIPE["frame_rate_hz"])


def take_seizure(row: TableRow, views: Mapping[str, Mapping[str, Any]], path: Path, known_stamp: str) -> Outcome | None:
    """Read the views of a seizure and write its feature file to `path`; None where `known_stamp` is still true."""
    findings = list[Finding]()
    taken = dict[str, View]()
    stamps = {}
    for name, place in views.items():
        with source.opened(dict(place)) as listing:
            stamps[name] = listing.stamp
    stamp = digest({"version": VERSION, "row": row, "views": stamps})
    if stamp == known_stamp:
        return None
    for name, place in views.items():
        with source.opened(dict(place)) as listing:
            view, problems = read_view(listing)
        findings += [Finding(row.name, name, WARNING if view else FAULT, what) for what in problems]
        if view is not None:
            taken[name] = view
    problems, offset, clonic = _times(row, taken)
    findings += [Finding(row.name, "", WARNING, what) for what in problems]
    findings += _write(row, taken, path, offset, clonic)
    seconds = max((view.seconds for view in taken.values()), default=0.0)
    return Outcome(stamp, tuple(taken), seconds, offset, clonic, tuple(findings))


def read_view(listing: source.Listing) -> tuple[View | None, list[str]]:
    """Read the vectors of a view in the order of their frame indices; return them and what was found.

    The first entry is None where the view is left out; what was found then says why.
    """
    problems = [f"{_some(listing.strangers)}: not read, expected names that end in _<frame index>.pth"]
    problems = problems if listing.strangers else []
    num_files, frames = len(listing.frames), listing.frames
    if not num_files:
        return None, [*problems, "left out: it has no files of features"]
    if num_files > MAX_FILES:
        return None, [*problems, f"left out: {num_files} files; at most {MAX_FILES} are read"]
    order = np.argsort(frames, kind="stable")
    steps = np.diff(frames[order])
    if (steps == 0).any():
        twice = order[1:][steps == 0]
        return None, [*problems, f"left out: {len(twice)} frame indices are there twice ({_name(listing, twice[0])})"]
    first, span = int(frames[order[0]]), int(frames.max() - frames.min()) + 1
    if span != num_files:
        problems.append(f"gaps in the frame indices: {span - num_files} of {span} missing ({_gaps(frames[order])})")
    if 2 * num_files < span:
        return None, [*problems, "left out: more than half of its frames are missing"]
    rows, valid = np.zeros((span, FEATURE_DIM), np.float32), np.zeros(span, np.bool_)
    bad = list[str]()
    for place in order.tolist():
        try:
            rows[frames[place] - first] = read_vector(listing.read(place))
            valid[frames[place] - first] = True
        except (ValueError, zlib.error) as error:
            bad.append(f"frame {frames[place]}: {error}")
    if bad:
        problems.append(f"{len(bad)} of {num_files} files hold no vector of {FEATURE_DIM} numbers ({_some(bad)})")
    if 2 * int(valid.sum()) < span or not valid.any():
        return None, [*problems, "left out: less than half of its frames have a vector"]
    if first > 1:
        problems.append(f"its first frame index is {first}, which is taken as the onset")
    before = np.maximum.accumulate(np.where(valid, np.arange(span), -1))
    rows[~valid] = rows[np.where(before < 0, valid.argmax(), before)[~valid]]
    return View(rows, valid, first), problems


def read_vector(content: bytes) -> npt.NDArray[np.float32]:
    """Return the vector (D,) in a .pth file. Nothing in the file is executed.

    Raises:
        ValueError: it holds none; says what is wrong.
        MemoryError: it could not be read, and nor could any other.

    """
    if len(content) > source.MAX_FILE_BYTES:
        raise ValueError(f"larger than {source.MAX_FILE_BYTES >> 10} KiB")
    try:
        vector = _vector_of(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except Exception as error:  # noqa: BLE001 - a hostile file can make torch raise anything, also of what it loaded
        vector = f"cannot be loaded safely ({type(error).__name__})"
    if isinstance(vector, str):
        bytearray(SPARE_BYTES)  # MemoryError: this process has no room for any file, and it is not this one's fault
        raise ValueError(vector)
    if not np.isfinite(vector).all():
        raise ValueError("holds numbers that are not finite")
    return vector


def _vector_of(loaded: Any) -> npt.NDArray[np.float32] | str:
    """Return the vector (D,) that was loaded, or what is wrong with it."""
    if not isinstance(loaded, torch.Tensor) or loaded.layout != torch.strided or not loaded.is_floating_point():
        return "holds no tensor of real numbers"
    if [size for size in loaded.shape if size != 1] != [FEATURE_DIM]:
        return f"has the shape {tuple(loaded.shape)[:8]}"
    vector: npt.NDArray[np.float32] = loaded.detach().reshape(FEATURE_DIM).to(torch.float32).numpy()
    return vector


def _times(row: TableRow, views: Mapping[str, View]) -> tuple[list[str], float | None, float | None]:
    """Return what does not fit in the times, the offset where the views agree on it, and the clonic onset."""
    if not views:
        return [], None, None
    problems = []
    seconds = {name: view.seconds for name, view in views.items()}
    longest = max(seconds.values())
    offset: float | None = longest
    told = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    if longest - min(seconds.values()) > DURATION_TOLERANCE_SECONDS:
        problems.append(f"its views do not last equally long ({told}); its offset is not stated")
        offset = None
    if len({view.first_frame for view in views.values()}) > 1:
        firsts = ", ".join(f"{name} {view.first_frame}" for name, view in views.items())
        problems.append(f"its views start at different frame indices ({firsts}); each start is taken as the onset")
    stated = row.duration_seconds
    if stated is not None and abs(stated - longest) > DURATION_TOLERANCE_SECONDS:
        problems.append(f"Duration = {stated:g} s, its features last {longest:.1f} s; they are taken")
    is_known = row.label == "TCS" and row.clonic_ratio is not None and 0 <= row.clonic_ratio < 1
    return problems, offset, (row.clonic_ratio or 0.0) * longest if is_known else None


def _write(
    row: TableRow, views: dict[str, View], path: Path, offset: float | None, clonic: float | None
) -> Iterator[Finding]:
    """Write the feature file, examine it, and write it again without the views that have faults, which are removed."""
    while views:
        header = FeatureHeader(
            row.patient_id, row.seizure_id, row.label, RECIPE, digest(RECIPE), RECIPE["network"],
            RECIPE["weights_sha256"], RECIPE["frames_per_snippet"], RECIPE["stride_frames"], RECIPE["frame_rate_hz"],
        )  # fmt: skip
        with FeatureFileWriter(path, header, for_exchange=True) as file:  # the same bytes whenever it is imported
            for name, view in views.items():
                facts = ViewFacts(
                    "", "", 0.0, offset, clonic, row.uses[name], 0, 0, 0.0, "", 0, str(RECIPE["preprocessing"])
                )
                file.create_view(name, len(view.rows), FEATURE_DIM, facts, view.valid).write(0, view.rows)
        faults = [found for found in examine(path).findings if found.severity == FAULT]
        faulty = [name for name in views if any(found.place == f"/views/{name}" for found in faults)]
        for found in faults:
            yield Finding(row.name, found.place.removeprefix("/views/"), FAULT, f"left out: {found.problem}")
        if not faults:
            return
        bytearray(SPARE_BYTES)  # MemoryError: what was found may be that there was no room to look
        for name in faulty or list(views):
            del views[name]
    path.unlink(missing_ok=True)


def _name(listing: source.Listing, place: int) -> str:
    try:
        return listing.name(int(place))
    except (ValueError, zlib.error) as error:  # damaged in a zip, where the name stands before the content
        return f"frame {listing.frames[place]}: {error}"


def _gaps(frames: npt.NDArray[np.int64]) -> str:
    """Name the missing indices of sorted ones."""
    after = np.flatnonzero(np.diff(frames) > 1)
    spans = [(int(frames[at]) + 1, int(frames[at + 1]) - 1) for at in after]
    return _some([str(first) if first == last else f"{first}-{last}" for first, last in spans])


def _some(texts: list[str] | tuple[str, ...]) -> str:
    return ", ".join(text[:80] for text in texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def work(request: dict[str, Any], _: Reporter) -> dict[str, Any] | None:
    """Take one seizure, in a child of `seizures.exchange.gestures_dataset.readers`."""
    torch.set_num_threads(1)
    try:
        outcome = take_seizure(
            TableRow(**request["row"]), request["views"], Path(request["path"]), request["known_stamp"]
        )
    except (OSError, MemoryError, RuntimeError) as error:  # of the disk, the machine, and HDF5's word for them
        raise TransientError(f"cannot be read or written now: {str(error) or 'out of memory'}") from error
    return None if outcome is None else dataclasses.asdict(outcome)
