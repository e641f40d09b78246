from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_examples import DIM, NUM_SEGMENTS, RECIPE, UNITS, Authors, hostile, write

import models
import seizures
from seizures.errors import SettingsError
from seizures.exchange.checkpoint_packing import pack_checkpoints
from seizures.exchange.checkpoint_reading import MAX_FILE_BYTES, read_checkpoints
from seizures.exchange.classifier_file import ClassifierContent, modules_of, write_classifier
from seizures.exchange.model_card import model_card
from seizures.settings import TrainingSettings

torch.set_num_threads(1)
LAYOUTS = ("lightning", "bare", "loss", "state_dict", "prefixed", "legacy", "safetensors", "safetensors prefixed")
SEQUENCES = torch.randn(7, NUM_SEGMENTS, DIM, generator=torch.Generator().manual_seed(1))


def pack(paths: list[Path], **recipe: Any) -> ClassifierContent:
    return pack_checkpoints(paths, {**RECIPE, **recipe}, models.build_aggregation)


def probabilities(content: ClassifierContent) -> list[torch.Tensor]:
    with torch.inference_mode():
        return [module(SEQUENCES).softmax(dim=1)[:, 1] for module in modules_of(content, models.build_aggregation)]


def refused(paths: list[Path], **recipe: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        pack(paths, **recipe)
    return str(caught.value)


@pytest.mark.parametrize("num_outputs", [2, 1])
@pytest.mark.parametrize("kind", ["mean", "lstm", "blstm"])
def test_packed_seeds_give_the_probabilities_of_the_authors_network(
    tmp_path: Path, kind: str, num_outputs: int
) -> None:
    networks = [Authors(kind, num_outputs, seed) for seed in range(3)]
    paths = [write(tmp_path / f"{seed}.ckpt", network) for seed, network in enumerate(networks)]
    content = pack(paths)
    with torch.inference_mode():
        wanted = [network(SEQUENCES) for network in networks]
    assert torch.stack(wanted).std() > 0.05
    for found, one in zip(probabilities(content), wanted, strict=True):
        torch.testing.assert_close(found, one, rtol=0, atol=1e-6)
    training = content.info["training"]
    assert (training["aggregation"], training["num_segments"]) == (kind, NUM_SEGMENTS)
    assert TrainingSettings(**training).hidden_units == (64 if kind == "mean" else UNITS)
    assert content.info["seeds"] == [0, 1, 2]


def test_every_layout_gives_the_same_classifier(tmp_path: Path) -> None:
    network = Authors("blstm")
    paths = [write(tmp_path / f"{layout}.pt", network, layout) for layout in LAYOUTS]
    first, *others = read_checkpoints(paths)
    assert isinstance(first, dict)
    assert {name: value.tolist() for name, value in first.items()} == {
        name: value.tolist() for name, value in network.state_dict().items()
    }
    for layout, other in zip(LAYOUTS[1:], others, strict=True):
        assert isinstance(other, dict), layout
        assert other.keys() == first.keys(), layout
        assert all(torch.equal(other[name], first[name]) for name in first), layout
    assert len({pack([path]).info["classifier_id"] for path in paths[:2]}) == 1


def test_nothing_stands_in_for_what_is_not_known(tmp_path: Path) -> None:
    info = pack([write(tmp_path / "a.ckpt", Authors("lstm"))]).info
    assert [info[name] for name in ("cohort", "scores", "decision", "reference", "familiarity", "trained_on")] == [
        None
    ] * 6
    assert info["calibration"] == {
        "method": "none", "slope": 1.0, "intercept": 0.0, "num_patients": 0, "num_seizures": 0, "ece_before": None,
        "ece_after": None,
    }  # fmt: skip
    assert (info["site"], info["is_simulated"], info["labels"]) == ("", False, ["FOS", "TCS"])
    assert info["features"] == {
        **{name: RECIPE[name] for name in ("network", "weights_sha256", "preprocessing", "deinterlace", "precision",
                                           "frames_per_snippet", "stride_frames")},
        "frame_rate_hz": 16.0, "feature_dim": DIM,
    }  # fmt: skip
    assert isinstance(info["features"]["frame_rate_hz"], float)


def test_the_baseline_is_zeros_and_all_is_float32(tmp_path: Path) -> None:
    kinds = (torch.float16, torch.bfloat16, torch.float64)
    networks = [Authors("lstm", 1, seed).to(kind) for seed, kind in enumerate(kinds)]
    paths = [write(tmp_path / f"{number}.pt", network, "bare") for number, network in enumerate(networks)]
    content = pack(paths)
    assert {value.dtype for value in content.tensors.values()} == {torch.float32}
    assert torch.equal(content.tensors["baseline"], torch.zeros(DIM))
    for seed, network in enumerate(networks):
        head = content.tensors[f"seed{seed}.fc.weight"]
        assert torch.equal(head[1:], network.fc.weight.float())
        assert not head[0].any()


def test_packing_draws_no_random_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ckpt", Authors("lstm"))
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    pack([path])
    assert torch.equal(torch.rand(1), wanted)


def test_an_opened_file_answers_without_calibration_or_abstention(tmp_path: Path) -> None:
    networks = [Authors("blstm", 1, seed) for seed in range(2)]
    content = pack([write(tmp_path / f"{seed}.pt", one, "bare") for seed, one in enumerate(networks)], site="LAB1")
    write_classifier(tmp_path / "classifier.zip", content, model_card(content.info))
    classifier = seizures.open_classifier(tmp_path / "classifier.zip")
    answer = classifier.answer({"large": SEQUENCES[0], "small": SEQUENCES[1]})
    with torch.inference_mode():
        wanted = float(torch.stack([network(SEQUENCES[:2]) for network in networks]).mean())
    assert answer.probability == pytest.approx(wanted, abs=1e-6)
    assert (answer.call, answer.distance) == ("TCS" if wanted >= 0.5 else "FOS", None)
    assert classifier.info["site"] == "LAB1"


PROBLEMS = {
    "object": r"other objects than weights \([\w.]*mkdir\).*only if you trust.*torch\.save\(.*\['state_dict'\]",
    "class": r"other objects than weights \(argparse\.Namespace\)",
    "module": r"other objects than weights \([\w.]*checkpoint_examples\.Authors\)",
    "pickle": r"other objects than weights \([\w.]*mkdir\)",
    "new pickle": r"not a checkpoint of torch.save .*Unsupported operand",
    "list": "a state_dict; found list",
    "no weights": "a state_dict; found dict",
    "number": "epoch is no tensor but int",
    "numbered": "names that are not text",
    "control": r"the name 'lstm\.\\x1b\[2J' is none",
    "mixed": "both with and without model.",
    "many": "has 65 weights, too many",
    "stretched": "fc.bias declares 1000000000000 numbers",
    "together": "fc.2 declares 67108864 numbers; at most 134217728 are read of a file",
    "integers": r"fc.bias is no array of real numbers \(int64",
    "sparse": "fc.bias is no array of real numbers",
    "meta": "fc.bias is no array of real numbers",
    "scalar": r"fc.bias has the shape \(\)",
    "empty": "an empty file",
    "text": "not a checkpoint of torch.save or safetensors",
    "cut": "not a checkpoint of torch.save or safetensors",
    "declared": "not a checkpoint of torch.save or safetensors",
    "long header": "not a checkpoint of torch.save or safetensors",
    "bomb": "the process that read it needed more than 2048 MiB of memory",
    "folder": "a folder; expected a checkpoint",
    "pipe": "not a regular file",
    "nowhere": "no such file",
}


def test_hostile_files_are_refused_all_at_once_and_nothing_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    files = hostile(tmp_path, canary)
    assert files.keys() == PROBLEMS.keys()
    found = dict(zip(files, read_checkpoints(list(files.values())), strict=True))
    assert not canary.exists()
    wrong = {name: found[name] for name, wanted in PROBLEMS.items() if not re.search(wanted, str(found[name]))}
    assert not wrong
    assert all(isinstance(one, str) and one.isprintable() and "weights_only=True" not in one for one in found.values())
    message = refused(list(files.values()), labels=["FOS"], sampel=1)
    for path in files.values():
        assert f"\n  {path}: " in message
    assert "\n  labels = " in message
    assert not canary.exists()


def test_the_advice_for_other_objects_makes_a_file_that_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile(tmp_path, tmp_path / "canary")
    message = refused([Path("class.ckpt")])
    (line,) = re.findall(r"torch\.save\(.*\)$", message, re.MULTILINE)
    exec(line, {"torch": torch})
    assert pack([Path("weights.pt")]).info["training"]["aggregation"] == "lstm"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.ckpt"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert "a classifier of features has at most 512 MiB" in refused([path])


BROKEN: dict[str, dict[str, torch.Tensor | None]] = {
    "missing: lstm.bias_hh_l0, fc.bias": {"lstm.bias_hh_l0": None, "fc.bias": None},
    "missing: lstm.weight_hh_l0_reverse": {"lstm.weight_ih_l0_reverse": torch.zeros(20, 6)},
    "unexpected: lstm.weight_ih_l1": {"lstm.weight_ih_l1": torch.zeros(20, 5)},
    "unexpected: attention.weight": {"attention.weight": torch.zeros(20, 5)},
    "of a wrong shape: fc.weight (2, 9), not (2, 5)": {"fc.weight": torch.zeros(2, 9)},
    "of a wrong shape: lstm.bias_ih_l0 (19,), not (20,)": {"lstm.bias_ih_l0": torch.zeros(19)},
    "found fc.weight (3, 5)": {"fc.weight": torch.zeros(3, 5)},
    "found no fc.weight": {"fc.weight": None},
    "lstm.weight_ih_l0: expected (4 H, D), found (21, 6)": {"lstm.weight_ih_l0": torch.zeros(21, 6)},
    "lstm.weight_ih_l0: expected (4 H, D), found none": {"lstm.weight_ih_l0": None},
    "at most 2048 units and 8192 features can be packed": {"lstm.weight_ih_l0": torch.zeros(20, 8193)},
    "lstm of 2049 units on 1 features with 2 outputs: at most": {"lstm.weight_ih_l0": torch.zeros(4 * 2049, 1)},
    "not finite: fc.bias": {"fc.bias": torch.tensor([0.0, torch.nan])},
    "not finite: lstm.bias_ih_l0": {"lstm.bias_ih_l0": torch.full((20,), 1e300, dtype=torch.float64)},
}


def test_weights_that_do_not_fit_together_are_named(tmp_path: Path) -> None:
    whole = dict(Authors("lstm").state_dict())
    paths = {wanted: tmp_path / f"{number}.pt" for number, wanted in enumerate(BROKEN)}
    for wanted, changes in BROKEN.items():
        torch.save({name: value for name, value in {**whole, **changes}.items() if value is not None}, paths[wanted])
    lines = refused(list(paths.values())).splitlines()[1:]
    assert len(lines) == len(BROKEN)
    for line, (wanted, path) in zip(lines, paths.items(), strict=True):
        assert line.startswith(f"  {path}: ")
        assert wanted in line


def test_seeds_are_of_one_classifier_and_each_is_named_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a.ckpt", Authors("lstm"))
    twin = write(tmp_path / "twin.pt", Authors("lstm"), "bare")
    others = [
        write(tmp_path / f"{number}.ckpt", network)
        for number, network in enumerate([Authors("blstm"), Authors("lstm", 1), Authors("lstm", units=7)])
    ]
    message = refused([first, twin, *others])
    assert f"{twin}: the same weights as {first}; name each seed once" in message
    assert f"{others[0]}: blstm of 5 units on 6 features with 2 outputs, and {first}: lstm of 5 units" in message
    assert f"{others[1]}: lstm of 5 units on 6 features with 1 output, and" in message
    assert f"{others[2]}: lstm of 7 units" in message
    assert "expected 1 to 100 checkpoints, found 0" in refused([])


def test_what_the_recipe_states_of_the_weights_must_be_so(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ckpt", Authors("lstm"))
    assert pack([path], aggregation="lstm", hidden_units=UNITS, feature_dim=DIM).info["features"]["feature_dim"] == DIM
    message = refused([path], aggregation="blstm", hidden_units=64, feature_dim=512)
    assert "aggregation = blstm: the checkpoint has lstm" in message
    assert "hidden_units = 64: the checkpoint has 5" in message
    assert "feature_dim = 512: the checkpoint has 6" in message
    assert "hidden_units = 5: the checkpoint has none" in refused(
        [write(tmp_path / "b.ckpt", Authors("mean"))], hidden_units=5
    )
