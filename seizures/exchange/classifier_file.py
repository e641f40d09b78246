"""The file in which a trained classifier is handed over, read without trusting anything in it.

docs/classifier-file.md describes it. A zip of four members: `classifier.json` says what it is, `classifier.safetensors`
holds plain tensors, `CARD.md` is for people, `SHA256SUMS` is over the other three. Nothing in it is executed: there is
no pickle, and a network is built from a name of ours and from numbers that were checked first.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from seizures.errors import SeizuresError
from seizures.exchange.classifier_schema import (
    CARD_NAME,
    FAMILIARITY,
    FORMAT,
    FORMAT_VERSION,
    INFO_NAME,
    MEMBERS,
    SUMS_NAME,
    TENSORS_NAME,
    info_faults,
)
from seizures.files.archives import UNREADABLE, Layout, checked_members, write_members
from seizures.settings import digest

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "ClassifierContent",
    "ClassifierFileError",
    "identify",
    "modules_of",
    "read_classifier",
    "write_classifier",
]

LARGEST_WEIGHT = 1e6
LARGEST_BYTES = {INFO_NAME: 2**24, TENSORS_NAME: 2**30, CARD_NAME: 2**20, SUMS_NAME: 2**12}
LAYOUT = Layout.of_names("a classifier's file", MEMBERS)
BASELINE = "baseline"
_MOST_SHOWN = 8

Builder = Callable[[str, int, int], nn.Module]


class ClassifierFileError(SeizuresError):
    """A file is no classifier's file, was changed, or is not sound."""


@dataclasses.dataclass(frozen=True, eq=False)
class ClassifierContent:
    """What a classifier's file holds.

    Attributes:
        info: classifier.json, checked.
        tensors: float32, finite, by name: `seed<k>.<parameter>`, `baseline` (D,), `familiarity.*`.
    """

    info: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]


def identify(content: ClassifierContent) -> ClassifierContent:
    """Return the content with the id that follows from all of it but who wrote it: 12 hex digits."""
    return dataclasses.replace(content, info={**content.info, "classifier_id": _identity(content)})


def write_classifier(path: Path, content: ClassifierContent, card: str) -> None:
    """Write the file; the same content gives the same bytes.

    Raises:
        ClassifierFileError: what is to be written would be refused when it is read.
    """
    faults = [*info_faults(content.info), *_tensor_faults(content.tensors)]
    _refuse(path, faults)
    members = {
        INFO_NAME: (json.dumps(content.info, indent=1, sort_keys=True, allow_nan=False) + "\n").encode(),
        TENSORS_NAME: save({name: value.contiguous() for name, value in sorted(content.tensors.items())}),
        CARD_NAME: card.encode(),
    }
    members[SUMS_NAME] = b"".join(f"{_sha256(members[name])}  {name}\n".encode() for name in sorted(members))
    write_members(path, members)


def read_classifier(path: Path, build: Builder | None = None) -> ClassifierContent:
    """Read the file.

    Args:
        path: what `write_classifier` wrote, here or elsewhere.
        build: makes an untrained network of an aggregation's name, feature_dim and hidden_units; with it, the weights
            are checked to be that network's.

    Raises:
        ClassifierFileError: the message says what was expected, what was found, and what to do.
    """
    members = _read_members(path)
    _check_sums(path, members)
    info = _read_info(path, members[INFO_NAME])
    tensors = _read_tensors(path, members[TENSORS_NAME])
    content = ClassifierContent(info, tensors)
    faults = [*_tensor_faults(tensors), *_fit_faults(content)]
    if not faults and build is not None:
        faults += _network_faults(content, build)
    if not faults and info["classifier_id"] != _identity(content):
        faults.append(f"its classifier_id is {info['classifier_id']}, and its content has {_identity(content)}")
    _refuse(path, faults)
    return content


def modules_of(content: ClassifierContent, build: Builder) -> tuple[nn.Module, ...]:
    """Return the network of each seed with its weights, ready to predict."""
    networks = []
    for weights in _weights_by_seed(content):
        network = _untrained(content.info, build)
        network.load_state_dict(weights)
        networks.append(network.eval())
    return tuple(networks)


def _untrained(info: Mapping[str, Any], build: Builder) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        return build(info["training"]["aggregation"], info["features"]["feature_dim"], info["training"]["hidden_units"])


def _weights_by_seed(content: ClassifierContent) -> list[dict[str, torch.Tensor]]:
    found: list[dict[str, torch.Tensor]] = [{} for _ in content.info["seeds"]]
    numbers = {f"seed{number}": weights for number, weights in enumerate(found)}
    for name, value in content.tensors.items():
        seed, _, parameter = name.partition(".")
        if seed in numbers:
            numbers[seed][parameter] = value
    return found


def _identity(content: ClassifierContent) -> str:
    told = {name: value for name, value in content.info.items() if name not in ("classifier_id", "created_by")}
    weights = hashlib.sha256()
    for name, value in sorted(content.tensors.items()):
        weights.update(f"{name} {tuple(value.shape)}\n".encode())
        weights.update(value.contiguous().numpy().tobytes())
    return digest([told, weights.hexdigest()])


def _read_members(path: Path) -> dict[str, bytes]:
    """Return the four members, none of them larger than it may be; what else a zip can hold is refused."""
    if not path.is_file():
        it_is = "a folder" if path.is_dir() else "no such file"
        raise ClassifierFileError(f"{path}: {it_is}; expected a classifier's file, as ExportClassifier writes it")
    try:
        with zipfile.ZipFile(path) as archive:
            members = checked_members(archive, path, LAYOUT)
            missing = sorted(set(MEMBERS) - {member.filename for member in members})
            large = [
                f"{member.filename} declares {member.file_size} bytes, more than {LARGEST_BYTES[member.filename]}"
                for member in members
                if member.file_size > LARGEST_BYTES[member.filename]
            ]
            large += [  # numbers of a network hardly shrink: what does is there to fill the memory
                f"{TENSORS_NAME} declares {member.file_size} bytes, packed into {member.compress_size}"
                for member in members
                if member.filename == TENSORS_NAME and member.file_size > 16 * member.compress_size + 2**20
            ]
            _refuse(path, [*(f"{name} is missing" for name in missing), *large])
            found = {}
            for member in members:
                with archive.open(member) as source:
                    found[member.filename] = source.read(LARGEST_BYTES[member.filename])
            return found
    except ClassifierFileError:
        raise
    except SeizuresError as error:
        raise ClassifierFileError(str(error)) from error
    except UNREADABLE as error:
        raise ClassifierFileError(
            f"{path}: not a classifier's file ({error}); expected a zip, as ExportClassifier writes it; fetch it again"
        ) from error


def _check_sums(path: Path, members: Mapping[str, bytes]) -> None:
    lines = members[SUMS_NAME].decode("ascii", "replace").splitlines()
    said = {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}
    wanted = sorted(set(MEMBERS) - {SUMS_NAME})
    wrong = [name for name in wanted if said.get(name) != _sha256(members[name])]
    faults = [f"{name} is not what {SUMS_NAME} says: it was damaged or changed; fetch the file again" for name in wrong]
    faults += [f"{SUMS_NAME} names {name[:40]!r}, which is no member" for name in sorted(set(said) - set(wanted))]
    _refuse(path, faults)


def _read_info(path: Path, content: bytes) -> dict[str, Any]:
    def refuse_constant(name: str) -> Any:
        raise ValueError(f"{name} is no number of JSON")

    try:
        info = json.loads(content.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ClassifierFileError(f"{path}: {INFO_NAME} cannot be read: {error}; fetch the file again") from error
    _refuse(path, info_faults(info))
    return dict(info)


def _read_tensors(path: Path, content: bytes) -> dict[str, torch.Tensor]:
    try:
        _check_header(content)
        return dict(load(content))
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, struct.error) as error:
        raise ClassifierFileError(
            f"{path}: {TENSORS_NAME} is not safetensors ({error}); weights in another form, such as a pickle, are "
            "never read"
        ) from error


def _check_header(content: bytes) -> None:
    """Refuse a header that promises more than the file holds, before anything is made of it."""
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(len(content) - 8, 2**22):
        raise ValueError(f"its header says that it has {length} bytes, and the file has {len(content)}")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, stop = entry["data_offsets"]
        if not 0 <= start <= stop <= len(content) - 8 - length:
            raise ValueError(f"tensor {str(name)[:40]!r} does not lie in the file")
        if entry["dtype"] != "F32":
            raise ValueError(f"tensor {str(name)[:40]!r} is {str(entry['dtype'])[:10]}; expected F32")


def _tensor_faults(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    faults = []
    for name, value in tensors.items():
        if value.dtype != torch.float32:
            faults.append(f"tensor {name[:60]!r} is {value.dtype}")
        elif not bool(torch.isfinite(value).all()):
            faults.append(f"tensor {name[:60]!r} has values that are not finite")
        elif name.startswith("seed") and value.numel() and float(value.abs().max()) > LARGEST_WEIGHT:
            faults.append(f"tensor {name[:60]!r} has values above {LARGEST_WEIGHT:g}; no network learns such")
    return faults


def _fit_faults(content: ClassifierContent) -> list[str]:
    """Return which tensors are missing, too many, or of another shape than classifier.json says."""
    info, tensors = content.info, content.tensors
    dim = info["features"]["feature_dim"]
    wanted: dict[str, tuple[int, ...]] = {BASELINE: (dim,)}
    if info["familiarity"] is not None:
        found = tensors.get("familiarity.components")
        number = int(found.shape[0]) if found is not None and found.ndim == 2 else 0
        shapes = ((2 * dim,), (number, 2 * dim), (number,), (1,))
        wanted |= dict(zip((f"familiarity.{name}" for name in FAMILIARITY), shapes, strict=True))
    faults = [
        f"tensor {name}: expected the shape {shape}, found {tuple(tensors[name].shape) if name in tensors else 'none'}"
        for name, shape in wanted.items()
        if name not in tensors or tuple(tensors[name].shape) != shape
    ]
    for name in ("familiarity.variances", "familiarity.residual_variance"):
        if name in wanted and name in tensors and not bool((tensors[name] > 0).all()):
            faults.append(f"tensor {name}: expected numbers above 0")
    starts = tuple(f"seed{number}." for number in range(len(info["seeds"])))
    strange = sorted(name for name in tensors if name not in wanted and not name.startswith(starts))
    return faults + [f"tensor {name[:60]!r} belongs to nothing that {INFO_NAME} names" for name in strange]


def _network_faults(content: ClassifierContent, build: Builder) -> list[str]:
    """Return where the weights do not fit their network, whose shapes are taken from one without memory of its own."""
    try:
        with torch.device("meta"):
            network = _untrained(content.info, build)
    except Exception as error:  # noqa: BLE001  # whatever the caller's builder says of a name that it does not know
        return [f"the network that it names cannot be built here: {error}"]
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    faults = []
    for number, weights in enumerate(_weights_by_seed(content)):
        found = {name: tuple(value.shape) for name, value in weights.items()}
        faults += [f"seed{number}.{name} is missing" for name in sorted(wanted.keys() - found.keys())]
        faults += [f"seed{number}.{name[:60]} is no parameter of it" for name in sorted(found.keys() - wanted.keys())]
        faults += [
            f"seed{number}.{name} has the shape {str(found[name])[:60]}, expected {shape}"
            for name, shape in wanted.items()
            if found.get(name, shape) != shape
        ]
    aggregation = content.info["training"]["aggregation"]
    return [f"the weights do not fit {aggregation}: {fault}" for fault in faults]


def _refuse(path: Path, faults: Iterable[str]) -> None:
    found = list(faults)
    if found:
        more = [f"and {len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
        raise ClassifierFileError(
            "\n  ".join([f"{path}: this classifier's file is not used:", *found[:_MOST_SHOWN], *more])
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
