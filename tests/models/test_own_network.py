"""A network of a person's own: as people write them, right and wrong."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import models
from models.own_building import examine

RIGHT = """
import torch
from torch import nn

class Net(nn.Module):
    frames_per_snippet = 4
    frame_size = 16
    feature_dim = 5

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        print("a word to nobody")
        self.conv = nn.Conv3d(3, 5, 3, padding=1)
        self.norm = nn.BatchNorm3d(5)

    def forward(self, snippets):
        return self.norm(self.conv(snippets)).relu().mean((2, 3, 4))

def build():
    return Net()
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def write(name: str, source: str) -> str:
    """Write a module; return what luigi.cfg says."""
    Path(f"{name}.py").write_text(textwrap.dedent(source))
    sys.modules.pop(name, None)
    return f"{name}:build"


def test_it_is_known_without_torch_and_remembered(here: Path) -> None:
    name = write("mine_a", RIGHT)
    spec = models.network_spec(name)
    assert (spec.frames_per_snippet, spec.frame_size, spec.feature_dim, spec.frame_step) == (4, 16, 5, 1)
    assert models.check_weights(name) == []
    code = (
        "import sys, models; spec = models.network_spec(sys.argv[1]); "
        "print(spec.feature_dim, models.weights_identity(sys.argv[1]), 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["5", models.weights_identity(name), "False"]
    assert len(list((here / "cache" / "gestures" / "networks").iterdir())) == 1


def test_it_computes_what_it_says_with_every_engine() -> None:
    name = write("mine_b", RIGHT)
    network = models.load_network(name)
    assert (network.feature_dim, network.training, network.frame_size) == (5, False, 16)
    snippets = torch.rand(3, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    wanted = network(snippets)
    for engine in ("torch", "openvino") if "openvino" in models.choose_engine() else ("torch",):
        found = models.prepare(network, engine=engine, num_threads=1)(snippets)
        assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-5), engine


def test_source_and_weights_make_the_identity(here: Path) -> None:
    name = write("mine_c", RIGHT)
    first = models.weights_identity(name)
    network = models.load_network(name)
    torch.save({key: value + 1 for key, value in network.net.state_dict().items()}, here / "weights.pth")
    other = models.weights_identity(name, here / "weights.pth")
    assert models.load_network(name, here / "weights.pth").net.conv.bias[0] == network.net.conv.bias[0] + 1
    write("mine_c", RIGHT + "\n# a word more\n")
    assert len({first, other, models.weights_identity(name)}) == 3
    assert models.describe_network(name, first).startswith("a network of the laboratory's own (mine_c:build; SHA-256")


def test_colours_and_steps_are_heeded() -> None:
    more = "    frame_step = 2\n    colour_mean = (0.5, 0.5, 0.5)\n    colour_std = [0.25, 0.25, 0.25]\n"
    name = write("mine_d", RIGHT.replace("    feature_dim = 5\n", "    feature_dim = 5\n" + more))
    network = models.load_network(name)
    assert network.frame_step == 2
    snippets = torch.rand(1, 3, 4, 16, 16)
    assert torch.equal(network(snippets), network.net((snippets - 0.5) / 0.25))


def test_weights_that_change_behind_the_source_are_noticed(here: Path) -> None:
    lines = (
        "from pathlib import Path; net = Net(); net.conv.bias.data.fill_(float(Path('b.txt').read_text())); return net"
    )
    source = RIGHT.replace("return Net()", lines)
    (here / "b.txt").write_text("1")
    name = write("mine_e", source)
    first = models.weights_identity(name)
    models.load_network(name)
    (here / "b.txt").write_text("2")
    with pytest.raises(models.WeightsError, match="other weights than when it was examined"):
        models.load_network(name)
    assert models.weights_identity(name) != first
    models.load_network(name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_library\n", "importing wrong fails: ModuleNotFoundError: No module named 'no_such_library'"),
        ("def build(:\n", "importing wrong fails: SyntaxError"),
        ("x = 1\n", "wrong has no function build"),
        (RIGHT.replace("def build():", "def build(size):"), "build() fails: TypeError: build() missing 1 required"),
        ("def build():\n    return 3\n", "returns int, expected a torch.nn.Module"),
        (RIGHT.replace("frame_size = 16", "frame_size = 16.0"), "frame_size = 16.0: expected a whole number"),
        (RIGHT.replace("    frame_size = 16\n", "").replace("    feature_dim = 5\n", ""), "feature_dim = None"),
        (RIGHT.replace("feature_dim = 5", "feature_dim = 7"), "gives (1, 5), expected the shape (1, 7)"),
        (RIGHT.replace("frame_size = 16", "frame_size = 16; colour_std = (1, 0, 1)"), "colour_std: expected three"),
        (RIGHT.replace(".relu()", ".log().sqrt()"), "not finite"),
        (RIGHT.replace(".relu()", ".add(torch.rand(1))"), "gives other features the second time"),
        (RIGHT.replace(".relu()", ".no_such()"), "AttributeError"),
    ],
)
def test_what_is_no_network_is_told_in_one_message(source: str, said: str) -> None:
    name = write(f"wrong_{hashlib.sha256(source.encode()).hexdigest()[:8]}", source)
    assert said in examine(name, "")["fault"].replace(name.partition(":")[0], "wrong")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os; os._exit(3)", "the process that builds it ended with code 3"),
        ("raise SystemExit('no licence')", "no licence"),
        ("raise ValueError('not today')", "build() fails: ValueError: not today (mine_g.py, line 21)"),
    ],
)
def test_a_function_that_ends_its_process_ends_no_other(line: str, said: str) -> None:
    name = write("mine_g", RIGHT.replace("return Net()", line))
    with pytest.raises(models.ModelsError) as caught:
        models.network_spec(name)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert len(models.check_weights(name)) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such:build", "Python files here: wrong_name.py"),
        ("models:load_network", "a package of this software"),
        ("a-b:build", "expected module:function"),
        (":build", "expected module:function"),
        ("../x:build", "expected module:function"),
    ],
)
def test_a_name_that_leads_nowhere_is_told(name: str, said: str) -> None:
    write("wrong_name", RIGHT)
    with pytest.raises(models.UnknownNameError) as caught:
        models.network_spec(name)
    assert said in str(caught.value)


def test_weights_that_do_not_fit_or_are_random_are_refused(here: Path) -> None:
    name = write("mine_f", RIGHT)
    torch.save({"other": torch.zeros(2)}, here / "other.pth")
    assert "does not fit the network mine_f:build" in models.check_weights(name, here / "other.pth")[0]
    assert "Cannot read the weights" in models.check_weights(name, here / "none.pth")[0]
    assert "has the weights that its function gives it" in models.check_weights(name, "random:0")[0]


def test_the_example_of_the_docs_is_a_network() -> None:
    text = (Path(__file__).parents[2] / "docs/howto/bring-your-own-network.md").read_text()
    name = write("my_module", text.partition("```python\n")[2].partition("```")[0])
    assert models.network_spec(name).feature_dim == 6
    assert json.dumps(models.load_network(name)(torch.rand(1, 3, 8, 64, 64)).tolist())
