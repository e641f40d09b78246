"""Classifier files that tests read: a sound one, and hostile ones, each with a word of why it is refused."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from classifier_examples import DIM, information
from safetensors.torch import save

import models
from seizures.exchange.classifier_file import ClassifierContent, identify, write_classifier
from seizures.prediction.familiarity import Familiarity

INFO, TENSORS, CARD, SUMS = "classifier.json", "classifier.safetensors", "CARD.md", "SHA256SUMS"
SALT = "5a" * 32


def content(*, familiar: bool = False, **changes: Any) -> ClassifierContent:
    """Return what a sound file holds."""
    info = information(**changes)
    info["training"] = {**info["training"]}
    info["decision"] = {"no_call": [0.4, 0.6], "target_accuracy": 0.95, "reached": True, "share_called": 0.9,
                        "accuracy_called": {"mean": 0.95, "low": 0.8, "high": 1.0},
                        "curve": [{"threshold": 0.5, "share_called": 1.0, "accuracy": 0.9}]}  # fmt: skip
    info["cohort"] = {"num_patients": 9, "num_seizures": 20, "num_views": 40,
                      "num_seizures_by_label": {"FOS": 9, "TCS": 11},
                      "num_patients_by_label": {"FOS": 5, "TCS": 6}}  # fmt: skip
    info["trained_on"] = {"salt": SALT, "films": ["0" * 64], "features": []}
    info |= {"created_by": "0.1.0", **changes}
    tensors: dict[str, torch.Tensor] = {"baseline": torch.zeros(info["features"]["feature_dim"])}
    with torch.random.fork_rng(devices=[]):
        for number in range(len(info["seeds"])):
            torch.manual_seed(number)
            network = models.build_aggregation(info["training"]["aggregation"], DIM, info["training"]["hidden_units"])
            tensors |= {f"seed{number}.{name}": value.detach() for name, value in network.state_dict().items()}
    if familiar:
        info["familiarity"] = {"threshold": 1.2, "num_held_out_patients": 9, "num_held_out_seizures": 20,
                               "num_held_out_flagged": 1, "kinds": {"black": {"num": 9, "num_flagged": 9}}}  # fmt: skip
        tensors |= {"familiarity.mean": torch.zeros(2 * DIM), "familiarity.components": torch.eye(2 * DIM)[:3],
                    "familiarity.variances": torch.ones(3), "familiarity.residual_variance": torch.ones(1)}  # fmt: skip
    return identify(ClassifierContent(info, tensors))


def write(path: Path, **changes: Any) -> Path:
    """Write a sound file."""
    write_classifier(path, content(**changes), "# A card\n")
    return path


def members_of(path: Path) -> dict[str, bytes]:
    """Return what a file holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_raw(path: Path, members: Mapping[str, bytes], *, sums: bool = True) -> Path:
    """Write members as somebody would who means harm; with `sums`, the hashes fit them."""
    found = dict(members)
    if sums:
        found[SUMS] = b"".join(
            f"{hashlib.sha256(value).hexdigest()}  {name}\n".encode() for name, value in found.items() if name != SUMS
        )
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in found.items():
            archive.writestr(name, value)
    return path


class Bomb:
    """An object whose unpickling makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


Change = Callable[[dict[str, bytes], Path], dict[str, bytes]]


def info_change(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Return a change of classifier.json."""

    def change(members: dict[str, bytes], _: Path) -> dict[str, bytes]:
        info = json.loads(members[INFO])
        edit(info)
        return {**members, INFO: json.dumps(info).encode()}

    return change


def _in(name: str, key: str, value: Any) -> Change:
    return info_change(lambda info: info[name].update({key: value}))


def _top(key: str, value: Any) -> Change:
    return info_change(lambda info: info.update({key: value}))


def _raw_info(text: bytes) -> Change:
    return lambda members, _: {**members, INFO: text}


def _tensors(edit: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    from safetensors.torch import load

    def change(members: dict[str, bytes], _: Path) -> dict[str, bytes]:
        found = load(members[TENSORS])
        edit(found)
        return {**members, TENSORS: save(found)}

    return change


def _header(header: bytes, rest: bytes = b"") -> Change:
    return lambda members, _: {**members, TENSORS: struct.pack("<Q", len(header)) + header + rest}


def _pickled(members: dict[str, bytes], canary: Path) -> dict[str, bytes]:
    return {**members, TENSORS: pickle.dumps(Bomb(canary))}


def _torch_saved(members: dict[str, bytes], canary: Path) -> dict[str, bytes]:
    file = io.BytesIO()
    torch.save({"bomb": Bomb(canary)}, file)
    return {**members, TENSORS: file.getvalue()}


def _huge(name: str) -> bytes:
    return json.dumps({name: {"dtype": "F32", "shape": [2**40, 2**20], "data_offsets": [0, 2**62]}}).encode()


def _renamed(name: str) -> Change:
    return lambda members, _: {(name if key == CARD else key): value for key, value in members.items()}


HOSTILE: dict[str, tuple[Change, str]] = {
    "a pickle for weights": (_pickled, "never read"),
    "a torch file for weights": (_torch_saved, "never read"),
    "a header of terabytes": (_header(_huge("baseline")), "does not lie in the file"),
    "a header longer than the file": (lambda m, _: {**m, TENSORS: struct.pack("<Q", 2**60) + b"{}"}, "its header says"),
    "an empty tensor file": (lambda m, _: {**m, TENSORS: b""}, "not safetensors"),
    "a header that is no JSON": (_header(b"{{{{"), "not safetensors"),
    "a header that is a list": (_header(b"[]"), "not safetensors"),
    "weights of another type": (_tensors(lambda t: t.update(baseline=t["baseline"].double())), "expected F32"),
    "weights that are NaN": (_tensors(lambda t: t["seed0.fc.weight"].fill_(float("nan"))), "not finite"),
    "weights that are infinite": (_tensors(lambda t: t["seed1.fc.bias"].fill_(float("inf"))), "not finite"),
    "a parameter that is missing": (_tensors(lambda t: t.pop("seed2.fc.bias")), "seed2.fc.bias is missing"),
    "a parameter too many": (_tensors(lambda t: t.update({"seed0.evil": torch.zeros(3)})), "no parameter of it"),
    "a tensor of nobody": (_tensors(lambda t: t.update({"../evil": torch.zeros(3)})), "belongs to nothing"),
    "another shape": (_tensors(lambda t: t.update({"seed0.fc.bias": torch.zeros(3)})), "has the shape (3,)"),
    "no baseline": (_tensors(lambda t: t.pop("baseline")), "tensor baseline"),
    "an absurd number of features": (_in("features", "feature_dim", 2**31 - 1), "features.feature_dim"),
    "an absurd number of units": (_in("training", "hidden_units", 2**30), "hidden units"),
    "an absurd number of segments": (_in("training", "num_segments", 10**9), "segments"),
    "absurdly many seeds": (_top("seeds", list(range(10**5))), "seeds"),
    "a seed twice": (_top("seeds", [1, 1, 2]), "each once"),
    "an unknown aggregation": (_in("training", "aggregation", "os.system"), "os.system"),
    "an unknown setting": (_in("training", "evil", 1), "evil"),
    "a text for a number": (_in("training", "num_segments", "4"), "training"),
    "a negative rate": (_in("features", "frame_rate_hz", -1), "frame_rate_hz"),
    "a sentence for a network": (_in("features", "network", "x\n" * 50), "features.network"),
    "another format": (_top("format", "seizure-bundle"), "its format is 'seizure-bundle'"),
    "another version": (_top("format_version", 99), "its format_version is 99"),
    "one label": (_top("labels", ["TCS", "TCS"]), "two different labels"),
    "a label that is none": (_top("labels", ["FOS", "<script>"]), "two different labels"),
    "an unknown calibration": (_in("calibration", "method", "magic"), "magic"),
    "a calibration that is no number": (_in("calibration", "slope", None), "calibration.slope"),
    "a zone around nothing": (_in("decision", "no_call", [0.8, 0.9]), "no_call"),
    "a field of nobody": (_top("evil", 1), "'evil' is no field"),
    "a field that is missing": (info_change(lambda info: info.pop("labels")), "labels is missing"),
    "hashes that are none": (_in("trained_on", "films", ["../../etc/passwd"]), "trained_on.films"),
    "another id": (_top("classifier_id", "0" * 12), "classifier_id"),
    "a list for JSON": (_raw_info(b"[1, 2]"), "expected an object"),
    "no JSON": (_raw_info(b"{"), "cannot be read"),
    "a number that JSON has not": (_raw_info(b'{"format": NaN}'), "no number of JSON"),
    "text that is no UTF-8": (_raw_info(b'{"format": "\xff\xfe"}'), "cannot be read"),
    "deep nesting": (_raw_info(b"[" * 100_000 + b"]" * 100_000), "cannot be read"),
    "a member too many": (lambda m, _: {**m, "evil.py": b"print()"}, "at most 4"),
    "a member that leaves": (_renamed("../CARD.md"), "is not a name"),
    "a member by an absolute path": (_renamed("/CARD.md"), "is not a name"),
    "a member in other case": (_renamed(CARD.lower()), "is not a name"),
    "a member that is missing": (lambda m, _: {k: v for k, v in m.items() if k != CARD}, "CARD.md is missing"),
}  # fmt: skip


def familiarity() -> Familiarity:
    """Return what `content(familiar=True)` knows."""
    import numpy as np

    return Familiarity(np.zeros(2 * DIM), np.eye(2 * DIM)[:3], np.ones(3), 1.0, 1.2)
