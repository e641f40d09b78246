"""Whether an HDF5 file from elsewhere has the plain shape of a feature file, before any of its data is read.

HDF5 can point out of a file (external links and storage, virtual datasets), run in circles, declare arrays far larger
than the file, and load code (filter plugins). A feature file needs none of it, so everything that is not named here is
refused: one group `views`, in it a group a view, in it three plain datasets. Nothing is opened through a link that is
not a hard link of the file itself, and no bytes of an array are read.
"""

from __future__ import annotations

import math
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5t, h5z

from seizures.features.schema import DESCRIPTIONS

MAX_FILE_BYTES = 2**34
MAX_VIEWS = 16
MAX_CHUNK_BYTES = 2**25
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_BYTES = 2**20
MAX_INFLATION = 16  # declared bytes for each byte of the file; real features shrink by a tenth
SLACK_BYTES = 2**20
FILTERS = {h5z.FILTER_FLETCHER32: "fletcher32", h5z.FILTER_DEFLATE: "gzip", h5z.FILTER_SHUFFLE: "shuffle"}
WANTED_TYPES = {"features": np.dtype("<f4"), "start_seconds": np.dtype("<f8"), "valid": np.dtype(np.bool_)}

# What h5py and HDF5 raise on damaged files, depending on where they stumble.
HDF5_ERRORS = (
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    SystemError,
)
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1


def structure_faults(path: str | os.PathLike[str]) -> list[str]:
    """Return what makes the file unfit to be read as a feature file; nothing where it may be.

    No array is read, and no other file is opened, whatever the file says.
    """
    path = Path(path)
    try:
        faults = list(_outside_faults(path))
        if faults:
            return faults
        with h5py.File(path, "r", locking=False) as file:
            return list(_file_faults(file, path.stat().st_size))
    except HDF5_ERRORS as error:
        return [f"cannot be read as HDF5: {error or type(error).__name__}"]


def _outside_faults(path: Path) -> Iterator[str]:
    """Check what can be checked without the HDF5 library: the kind of file, its size, its superblock."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        yield "is not a regular file"
        return
    if status.st_size > MAX_FILE_BYTES:
        yield f"has {status.st_size} bytes; at most {MAX_FILE_BYTES} are read"
        return
    with path.open("rb") as file:
        head = file.read(96)
    if not head.startswith(_SIGNATURE):
        with path.open("rb") as file:
            inside = _SIGNATURE in file.read(2**16)
        yield "has a user block before its HDF5 content" if inside else "is not HDF5"
        return
    version = head[8] if len(head) == 96 else 255
    if version not in (0, 1, 2, 3):
        yield "has a damaged superblock"
        return
    start = {0: 24, 1: 28}.get(version, 12)
    base, _, end, last = struct.unpack_from("<4Q", head, start)
    if base != 0:
        yield "has a user block before its HDF5 content"
    if end != status.st_size:
        yield f"is cut off or has bytes after its end: {status.st_size} bytes, its superblock says {end}"
    if version < 2 and last != _UNDEFINED:
        yield "is one part of several files (a driver information block)"


def _file_faults(file: Any, num_bytes: int) -> Iterator[str]:
    root = file.id
    yield from _attribute_faults(root, "/")
    names, faults = _children(root, "/")
    yield from faults
    if faults:
        return
    if names != ["views"]:
        yield f"/: expected the one group views, found {_listed(names)}"
        return
    views = _open_group(root, "views", "/views")
    if isinstance(views, str):
        yield views
        return
    names, faults = _children(views, "/views")
    yield from faults
    if faults or not 1 <= len(names) <= MAX_VIEWS:
        yield f"/views: expected 1 to {MAX_VIEWS} views that are plain groups, found {len(names)}"
        return
    seen = {_address(root), _address(views)}
    declared = 0
    for name in names:
        place = f"/views/{name}"
        group = _open_group(views, name, place)
        if isinstance(group, str):
            yield group
            continue
        if _address(group) in seen:
            yield f"{place}: the same group under two names"
            continue
        seen.add(_address(group))
        found, faults = _view_faults(group, place, seen)
        declared += found
        yield from faults
    if declared > MAX_INFLATION * num_bytes + SLACK_BYTES:
        yield f"declares {declared} bytes of data in a file of {num_bytes}"


def _view_faults(group: Any, place: str, seen: set[int]) -> tuple[int, list[str]]:
    """Return the bytes that the datasets of a view declare, and the faults."""
    faults = list(_attribute_faults(group, place))
    names, found = _children(group, place)
    faults += found
    if found or sorted(names) != sorted(DESCRIPTIONS):
        return 0, [*faults, f"{place}: expected {_listed(sorted(DESCRIPTIONS))}, found {_listed(names)}"]
    declared = 0
    for name in names:
        if h5o.get_info(group, name.encode()).type != h5o.TYPE_DATASET:
            faults.append(f"{place}/{name}: is not a dataset")
            continue
        dataset = h5d.open(group, name.encode())
        if _address(dataset) in seen:
            faults.append(f"{place}/{name}: the same dataset under two names")
        seen.add(_address(dataset))
        problem, num_bytes = _dataset_problem(dataset, name)
        declared += num_bytes
        if problem:
            faults.append(f"{place}/{name}: {problem}")
        else:
            faults += _attribute_faults(dataset, f"{place}/{name}")
    return declared, faults


def _dataset_problem(dataset: Any, name: str) -> tuple[str, int]:
    """Return what is wrong with a dataset (empty: nothing) and the bytes that it declares, without reading it."""
    plan = dataset.get_create_plist()
    layout = plan.get_layout()
    if layout == h5d.VIRTUAL:
        return "is a virtual dataset: its data would come from other files", 0
    if plan.get_external_count():
        return f"keeps its data in another file ({os.fsdecode(plan.get_external(0)[0])!r})", 0
    used = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
    if not set(used) <= set(FILTERS) or len(set(used)) < len(used):
        found = ", ".join(FILTERS.get(code, f"filter {code}") for code in used)
        return f"is filtered by {found}; expected {', '.join(FILTERS.values())}, each once at most", 0
    kind = dataset.get_type()
    if kind.get_class() not in (h5t.FLOAT, h5t.ENUM):
        return "holds no plain numbers; objects, references, texts and records are not read", 0
    if kind.dtype != WANTED_TYPES[name]:
        return f"holds {kind.dtype}, expected {WANTED_TYPES[name]}", 0
    shape = dataset.get_space().get_simple_extent_dims()
    num_bytes = math.prod(shape) * kind.get_size()
    if len(shape) != (2 if name == "features" else 1) or not num_bytes:
        return f"has the shape {shape}", 0
    if num_bytes > MAX_INFLATION * MAX_FILE_BYTES:
        return f"declares the shape {shape}: {num_bytes} bytes", num_bytes
    if layout == h5d.CHUNKED:
        return _chunk_problem(dataset, plan.get_chunk(), shape, kind.get_size()), num_bytes
    stored = dataset.get_storage_size()
    return ("" if stored >= num_bytes else f"declares {num_bytes} bytes, and {stored} are stored"), num_bytes


def _chunk_problem(dataset: Any, chunk: tuple[int, ...], shape: tuple[int, ...], item_bytes: int) -> str:
    if math.prod(chunk) * item_bytes > MAX_CHUNK_BYTES:
        return f"has chunks of {math.prod(chunk) * item_bytes} bytes; at most {MAX_CHUNK_BYTES} are read"
    wanted = math.prod(-(-size // step) for size, step in zip(shape, chunk, strict=True))
    if wanted > MAX_FILE_BYTES // 16:
        return f"declares the shape {shape} in chunks of {chunk}"
    found = dataset.get_num_chunks()
    return "" if found == wanted else f"declares {wanted} chunks, and {found} are stored"


def _children(group: Any, place: str) -> tuple[list[str], list[str]]:
    """Return the names in a group, and a fault for each link that is not a hard link; nothing is followed."""
    names, faults = [], []
    if group.get_num_objs() > MAX_ATTRIBUTES:
        return [], [f"{place}: {group.get_num_objs()} members"]
    for raw in group:
        name = raw.decode("utf-8", "replace")
        names.append(name)
        kind = group.links.get_info(raw).type
        if kind != h5l.TYPE_HARD:
            word = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "an external link, to another file,"}
            found = word.get(kind, "a link of a foreign kind")
            faults.append(f"{place.rstrip('/')}/{name}: is {found}; none is followed")
    return names, faults


def _open_group(parent: Any, name: str, place: str) -> Any:
    """Return the group, or what is wrong."""
    if h5o.get_info(parent, name.encode()).type != h5o.TYPE_GROUP:
        return f"{place}: is not a group"
    return h5g.open(parent, name.encode())


def _attribute_faults(item: Any, place: str) -> Iterator[str]:
    """Check that all attributes are single numbers or texts of modest size, before any is read."""
    count = h5a.get_num_attrs(item)
    if count > MAX_ATTRIBUTES:
        yield f"{place}: {count} attributes; at most {MAX_ATTRIBUTES} are read"
        return
    for index in range(count):
        attribute = h5a.open(item, index=index)
        kind = attribute.get_type()
        name = attribute.name.decode("utf-8", "replace")
        if kind.get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.STRING):
            yield f"{place}: attribute {name} is neither a number nor a text"
        elif attribute.get_space().get_simple_extent_npoints() != 1:
            yield f"{place}: attribute {name} is not a single value"
        elif kind.get_size() > MAX_ATTRIBUTE_BYTES:
            yield f"{place}: attribute {name} has {kind.get_size()} bytes"


def _address(item: Any) -> int:
    return int(h5o.get_info(item).addr)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "nothing"
