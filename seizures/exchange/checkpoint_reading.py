"""The weights in somebody's checkpoint, read without executing anything: of a classifier in the authors' layout.

torch's restricted reader (`weights_only=True`) builds tensors and plain values, and refuses everything else that a
pickle can ask for. Even so a hostile file may ask for all the memory there is, or crash the library. So a child process
reads: its memory and time are bounded, it writes no file, and it hands over names, shapes and float32 numbers as text.
"""

from __future__ import annotations

import base64
import itertools
import math
import pickle
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from seizures.processes.child import Child, ChildError
from seizures.processes.serving import Reporter, Work

PREFIX = "model."  # of the parameters of the module that a LightningModule of the authors' trains
LOSS_PREFIX = "criterion."  # of its loss, such as criterion.pos_weight; not the classifier's
MAX_FILE_BYTES = 2**29
MAX_TENSORS = 64
MAX_NUMBERS = MAX_FILE_BYTES // 4  # of all tensors of a file, whose shapes may declare far more than it holds
MEMORY_BYTES = 2**31  # a file of the largest size is in memory twice for a moment
CPU_SECONDS = 60.0
WALL_SECONDS = 120.0
_PART_ELEMENTS = 2**20
_NAME = re.compile(r"[A-Za-z0-9_.]{1,100}")
_FORBIDDEN = re.compile(r"GLOBAL ([\w.]{1,100})")  # torch's word for what a pickle asks for
_REASON = re.compile(r"WeightsUnpickler error:\s*(.*)")  # what stands before it is advice that would execute the file

State = dict[str, torch.Tensor]


def read_checkpoints(paths: Sequence[Path]) -> list[State | str]:
    """Return the named weights of each file, float32 on the CPU, or what is wrong with it in a line.

    Only what may be a classifier's is read: the parameters behind `model.`, without it, where any name of the
    `state_dict` begins so, and else all but `criterion.*`. Whether they are finite is not looked at.

    Args:
        paths: files of `torch.save` or safetensors: a `state_dict`, or a dict that has one under this name.

    Raises:
        TransientError: somebody killed the reading process, or the disk failed.
        SoftwareError: this software or its installation is at fault.
    """
    with Child(
        load,
        name="reading process",
        input_kind="checkpoint",
        memory_bytes=MEMORY_BYTES,
        is_distrusted=True,
        may_write=False,
    ) as child:
        return [_file_problem(path) or _ask(child, path) for path in paths]


def load() -> Work:
    """Return what the child does; torch is imported by then."""
    torch.set_num_threads(1)
    return _read_one


def _file_problem(path: Path) -> str:
    if not path.exists():
        return "no such file"
    if path.is_dir():
        return "a folder; expected a checkpoint, such as epoch=42.ckpt, weights.pt or weights.safetensors"
    if not path.is_file():
        return "not a regular file"
    size = path.stat().st_size
    if size == 0:
        return "an empty file; copy it again"
    if size > MAX_FILE_BYTES:
        return f"{size >> 20} MiB; a classifier of features has at most {MAX_FILE_BYTES >> 20} MiB"
    return ""


def _ask(child: Child, path: Path) -> State | str:
    """Read one file in the child; what it sends is checked, for the file may have taken it over."""
    found: State = {}
    room = MAX_NUMBERS
    answers = child.ask(str(path), path.name, silence_seconds=WALL_SECONDS, cpu_seconds=CPU_SECONDS)
    try:
        while True:
            try:
                name, shape = _checked_head(next(answers), room)
            except StopIteration as end:
                return found if end.value == "" else _one_line(end.value)
            if name in found or len(found) >= MAX_TENSORS:
                raise ValueError
            found[name] = _hear_tensor(answers, shape)
            room -= math.prod(shape)
    except (ValueError, TypeError):
        return "the process that read it sent what is no answer"
    except ChildError as error:
        return f"the process that read it {error}"
    finally:
        answers.close()


def _checked_head(part: Any, room: int) -> tuple[str, tuple[int, ...]]:
    """Return the name and the shape of the next tensor; ValueError where they are none."""
    name, shape = part
    sizes = tuple(shape)
    if not _NAME.fullmatch(name) or not 0 < len(sizes) < 4 or not all(type(size) is int and size > 0 for size in sizes):
        raise ValueError
    if math.prod(sizes) > room:
        raise ValueError
    return name, sizes


def _hear_tensor(answers: Iterator[Any], shape: tuple[int, ...]) -> torch.Tensor:
    wanted = 4 * math.prod(shape)
    content = bytearray()
    while len(content) < wanted:
        part = next(answers, None)
        block = base64.b64decode(part, validate=True) if isinstance(part, str) else b""
        if not block:
            raise ValueError
        content += block
    if len(content) != wanted:
        raise ValueError
    return torch.frombuffer(content, dtype=torch.float32).reshape(shape)


def _one_line(text: Any) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:600]


def _read_one(path: str, reporter: Reporter) -> str:
    """Send each tensor of a file: name and shape, then its numbers. Return what is wrong; empty where nothing is."""
    try:
        state = _classifier_state(_content_of(Path(path)))
        room = MAX_NUMBERS
        for name, value in state.items():
            _require_plain(name, value, room)
            room -= value.numel()
        for name, value in state.items():
            reporter.send([name, list(value.shape)])
            flat = value.detach().to(torch.float32).reshape(-1).contiguous()
            for block in flat.split(_PART_ELEMENTS):
                reporter.send(base64.b64encode(block.numpy().tobytes()).decode())
    except _ProblemError as problem:
        return str(problem)
    return ""


class _ProblemError(Exception):
    """What is wrong with a file."""


def _content_of(path: Path) -> Any:
    """Return the content of a file, built of tensors and plain values alone."""
    with path.open("rb") as file:
        start = file.read(9)
    try:
        if _is_safetensors(start, path.stat().st_size):
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (MemoryError, OSError):
        raise
    except pickle.UnpicklingError as error:
        named = _FORBIDDEN.search(str(error))
        if named is None:
            raise _ProblemError(_damaged(error)) from error
        raise _ProblemError(_other_objects(path.name, named[1])) from error
    except Exception as error:  # a hostile file can make torch raise anything
        raise _ProblemError(_damaged(error)) from error


def _is_safetensors(start: bytes, size: int) -> bool:
    """Tell by its first bytes: the length of a JSON header, and its brace."""
    return len(start) == 9 and start[8:] == b"{" and struct.unpack("<Q", start[:8])[0] <= size


def _damaged(error: Exception) -> str:
    named = _REASON.search(str(error))
    reason = (named[1] if named else re.split(r"[.:]?\s*\n|\. ", str(error).strip())[0])[:150]
    return f"not a checkpoint of torch.save or safetensors, or a damaged one ({type(error).__name__}: {reason})"


def _other_objects(name: str, found: str) -> str:
    return (
        f"it holds other objects than weights ({found}), which could only be read by executing what the file says, so "
        "it is not read. Where it was trained, and only if you trust the file, save its weights alone: "
        f"torch.save(torch.load({name!r}, map_location='cpu', weights_only=False)['state_dict'], 'weights.pt')"
    )


def _classifier_state(content: Any) -> dict[str, Any]:
    """Return the entries that may be a classifier's, by their bare names."""
    state = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(state, Mapping) or not state:
        raise _ProblemError(f"expected named weights, a state_dict; found {type(state).__name__}")
    names = list(itertools.islice(state, 100_000))
    if not all(isinstance(name, str) for name in names):
        raise _ProblemError("expected named weights, a state_dict; found names that are not text")
    behind = {name.removeprefix(PREFIX): state[name] for name in names if name.startswith(PREFIX)}
    if behind and any(name.startswith(("lstm.", "fc.")) for name in names):
        raise _ProblemError(
            f"it has weights both with and without {PREFIX} before their names; save one classifier alone"
        )
    found = behind or {name: state[name] for name in names if not name.startswith(LOSS_PREFIX)}
    if len(found) > MAX_TENSORS:
        raise _ProblemError(f"it has {len(found)} weights, too many for the authors' classifier: {_some(list(found))}")
    return found


def _require_plain(name: str, value: Any, room: int) -> None:
    """Refuse what is no array of at most `room` real numbers, before anything of the declared size is made of it."""
    if not _NAME.fullmatch(name):
        raise _ProblemError(f"the name {name[:40]!r} is none of the authors' classifier")
    if not isinstance(value, torch.Tensor):
        raise _ProblemError(f"{name} is no tensor but {type(value).__name__}; expected a state_dict of weights alone")
    if value.layout != torch.strided or value.device.type != "cpu" or not value.is_floating_point():
        kind = f"{value.dtype}".removeprefix("torch.")
        raise _ProblemError(f"{name} is no array of real numbers ({kind}, {value.layout}, {value.device.type})")
    shape = list(value.shape)
    if not 0 < len(shape) < 4 or min(shape) < 1:
        raise _ProblemError(f"{name} has the shape {tuple(shape[:8])}, which no weight has")
    if value.numel() > room:
        raise _ProblemError(f"{name} declares {value.numel()} numbers; at most {MAX_NUMBERS} are read of a file")


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:60] for name in names[:4]) + (", ..." if len(names) > 4 else "")
