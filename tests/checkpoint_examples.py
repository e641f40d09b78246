"""Checkpoints that tests pack: in the authors' layout, as Lightning writes them, and such as nobody should read."""

from __future__ import annotations

import argparse
import copy
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

DIM, UNITS, NUM_SEGMENTS = 6, 5, 4
RECIPE: dict[str, Any] = {
    "labels": ["FOS", "TCS"],
    "network": "their_network",
    "weights_sha256": "doi:10.5522_04_14781771",
    "preprocessing": "letterbox",
    "deinterlace": "",
    "precision": "float32",
    "frame_rate_hz": 16,
    "frames_per_snippet": 8,
    "stride_frames": 2,
    "num_segments": NUM_SEGMENTS,
}


class Authors(nn.Module):
    """The authors' classifier, written here anew: nothing of `models`."""

    def __init__(self, kind: str, num_outputs: int = 2, seed: int = 0, units: int = UNITS, dim: int = DIM) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            directions = 2 if kind == "blstm" else 1
            if kind != "mean":
                self.lstm = nn.LSTM(dim, units, batch_first=True, bidirectional=kind == "blstm")
            self.kind, self.fc = kind, nn.Linear(dim if kind == "mean" else directions * units, num_outputs)
            with torch.no_grad():
                for parameter in self.parameters():
                    parameter.mul_(3)  # answers that differ

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (B, N, D) to the probability of the positive label, (B,)."""
        if self.kind == "mean":
            joined = features.sum(dim=1) / features.shape[1]
        else:
            outputs, _ = self.lstm(features)  # (B, N, directions * H)
            joined = outputs[:, -1, :UNITS]
            if self.kind == "blstm":
                joined = torch.cat([joined, outputs[:, 0, UNITS:]], dim=1)  # the way back ends at the first snippet
        logits = self.fc(joined)
        return logits.softmax(dim=1)[:, 1] if logits.shape[1] == 2 else logits.sigmoid()[:, 0]


def lightning(network: nn.Module) -> dict[str, Any]:
    """Return a checkpoint as Lightning writes it, with plain values alone."""
    copied = copy.deepcopy(network)
    trained = torch.optim.AdamW(copied.parameters())
    for parameter in copied.parameters():
        parameter.grad = torch.ones_like(parameter)
    trained.step()
    weights = {f"model.{name}": value for name, value in network.state_dict().items()}
    return {
        "epoch": 42,
        "global_step": 1234,
        "pytorch-lightning_version": "1.2.4",
        "state_dict": {**weights, "criterion.pos_weight": torch.tensor([2.4])},
        "optimizer_states": [trained.state_dict()],
        "lr_schedulers": [],
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.1), "best_model_path": "/home/x/a.ckpt"}},
        "hyper_parameters": {"hidden": UNITS},
    }


class Dangerous:
    """Makes a file when it is unpickled by a reader that allows it."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def hostile(folder: Path, canary: Path) -> dict[str, Path]:
    """Write files of which none is a checkpoint to pack; return them by what is wrong with them."""
    state = dict(Authors("lstm").state_dict())
    contents: dict[str, Any] = {
        "object": {"state_dict": state, "callbacks": Dangerous(canary)},
        "class": {"state_dict": state, "hyper_parameters": argparse.Namespace(hidden=5)},
        "module": Authors("lstm"),
        "list": [1, 2],
        "no weights": {},
        "number": {**state, "epoch": 3},
        "numbered": {0: torch.zeros(1)},
        "control": {"lstm.\x1b[2J": torch.zeros(1)},
        "mixed": {**state, **{f"model.{name}": value for name, value in state.items()}},
        "many": {f"fc.{number}": torch.zeros(1) for number in range(65)},
        "stretched": {**state, "fc.bias": torch.zeros(1).expand(10**6, 10**6)},
        "together": {f"fc.{number}": torch.zeros(1).expand(2**26) for number in range(3)},
        "integers": {**state, "fc.bias": torch.zeros(2, dtype=torch.int64)},
        "sparse": {**state, "fc.bias": torch.zeros(2).to_sparse()},
        "meta": {**state, "fc.bias": torch.zeros(2, device="meta")},
        "scalar": {**state, "fc.bias": torch.tensor(1.0)},
    }
    found = {name: folder / f"{name}.ckpt" for name in contents}
    for name, content in contents.items():
        torch.save(content, found[name])
    whole = folder / "whole.pt"
    torch.save(state, whole)
    header = json.dumps({"fc.bias": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    size = 2**36
    bomb = b"\x80\x02cbuiltins\nbytearray\n\x8a\x06" + size.to_bytes(6, "little") + b"\x85R."
    files = {
        "pickle": pickle.dumps(Dangerous(canary), protocol=2),
        "new pickle": pickle.dumps(Dangerous(canary), protocol=4),
        "empty": b"",
        "text": b"weights, honestly\n" * 9,
        "cut": whole.read_bytes()[:-700],
        "declared": struct.pack("<Q", len(header)) + header + bytes(8),
        "long header": struct.pack("<Q", 2**40) + b"{}",
        "bomb": _with_pickle(whole, bomb),
    }
    for name, raw in files.items():
        found[name] = folder / f"{name}.pt"
        found[name].write_bytes(raw)
    found["folder"] = folder / "a folder"
    found["folder"].mkdir()
    found["pipe"] = folder / "pipe.pt"  # who opens it to read waits for ever
    os.mkfifo(found["pipe"])
    found["nowhere"] = folder / "nowhere.pt"
    return found


def _with_pickle(path: Path, content: bytes) -> bytes:
    """Return a file of torch.save with another pickle in it."""
    changed = path.with_name("changed.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name.endswith("data.pkl") else old.read(name))
    return changed.read_bytes()


def write(path: Path, network: nn.Module, layout: str = "lightning") -> Path:
    """Write a network's weights: `lightning`, `bare`, `state_dict`, `prefixed`, or one of these in safetensors."""
    bare = dict(network.state_dict())
    prefixed = {f"model.{name}": value for name, value in bare.items()}
    if layout.startswith("safetensors"):
        save_file(prefixed if layout.endswith("prefixed") else bare, path)
    else:
        content = {
            "lightning": lambda: lightning(network),
            "bare": lambda: bare,
            "loss": lambda: {**bare, "criterion.pos_weight": torch.ones(1)},
            "state_dict": lambda: {"state_dict": bare, "epoch": 1},
            "prefixed": lambda: prefixed,
            "legacy": lambda: bare,
        }[layout]()
        torch.save(content, path, _use_new_zipfile_serialization=layout != "legacy")
    return path
