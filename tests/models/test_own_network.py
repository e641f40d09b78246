"""A network of a person's own: as people write them, right and wrong."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import models
from models import own_network
from models.own_building import examine
from models.own_network import source_sha256
from models.spec import NetworkSpec

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
    monkeypatch.setattr(sys, "path", [*sys.path])
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
        (RIGHT.replace("feature_dim = 5", "feature_dim = 7"), "give (1, 5), expected the shape (1, 7)"),
        (RIGHT.replace("frame_size = 16", "frame_size = 16; colour_std = (1, 0, 1)"), "colour_std: expected three"),
        (RIGHT.replace(".relu()", ".log().sqrt()"), "not finite"),
        (RIGHT.replace(".relu()", ".add(torch.rand(1))"), "gives other features the second time"),
        (RIGHT.replace(".relu()", ".no_such()"), "AttributeError"),
        ("def bild():\n    pass\n", "wrong has no function build; it has bild"),
        (RIGHT.replace("return Net()", "return Net().to('meta')"), "conv.weight has no values when build() returns"),
        (RIGHT.replace("nn.Conv3d(3, 5, 3", "nn.LazyConv3d(5, 3"), "those of lazy layers are drawn by the first"),
        (RIGHT.replace(".relu()", ".relu().sub(snippets.mean())"), "has other features beside another one"),
        (RIGHT.replace("3, 4))", "3, 4)).view(1, -1)"), "give (1, 10), expected the shape (2, 5)"),
        (RIGHT.replace("3, 4))", "3, 4)).view(-1)"), "give (5,), expected the shape (1, 5)"),
        (RIGHT.replace("3, 4))", "3, 4)).round().int()"), "are not finite numbers; their type is torch.int32"),
        (
            RIGHT.replace("    def forward", "    def get_extra_state(self):\n        return 3\n\n    def forward"),
            "it cannot be used: AttributeError: 'int' object has no attribute 'dtype'",
        ),
    ],
)
def test_what_is_no_network_is_told_in_one_message(source: str, said: str) -> None:
    name = write(f"wrong_{hashlib.sha256(source.encode()).hexdigest()[:8]}", source)
    assert said in examine(name, "")["fault"].replace(name.partition(":")[0], "wrong")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os; os._exit(3)", "the process that builds it ended with code 3"),
        ("import os; os._exit(0)", "the process that builds it ended with code 0"),
        ("raise SystemExit('no licence')", "build() fails: SystemExit: no licence (mine_g.py, line 21)"),
        ("input()", "build() fails: EOFError"),
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


def test_what_it_prints_is_its_own_affair() -> None:
    name = write("mine_h", RIGHT.replace("return Net()", "import os; os.write(1, b'{ a library says }'); return Net()"))
    assert models.network_spec(name).feature_dim == 5


def test_all_files_of_a_package_are_its_source_and_those_of_editors_are_not(here: Path) -> None:
    package = here / "pkg"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "net.py").write_text(RIGHT)
    (package / "deep" / "part.py").write_text("SIZE = 1")
    first = source_sha256("pkg.net:build")
    (package / ".#net.py").symlink_to("somebody@this.machine")  # Emacs, while a file is edited
    (package / ".ipynb_checkpoints").mkdir()
    (package / ".ipynb_checkpoints" / "net-checkpoint.py").write_text("an old one")
    assert source_sha256("pkg.net:build") == first
    assert models.network_spec("pkg.net:build").feature_dim == 5
    (package / "deep" / "part.py").rename(package / "part.py")
    moved = source_sha256("pkg.net:build")
    (package / "part.py").write_text("SIZE = 2")
    assert len({first, moved, source_sha256("pkg.net:build")}) == 3


def test_a_package_that_is_installed_in_place_is_found(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = here / "elsewhere" / "mine_i.py"
    place.parent.mkdir()
    place.write_text(RIGHT)

    class Finder:  # as pip install --editable leaves one
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            return importlib.util.spec_from_file_location(name, place) if name == "mine_i" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    found = source_sha256("mine_i:build")
    write("mine_i", RIGHT)
    assert source_sha256("mine_i:build") == found
    with pytest.raises(models.UnknownNameError, match="no module sys in"):
        source_sha256("sys:build")


def test_what_another_release_remembered_is_asked_again(here: Path) -> None:
    name = write("mine_j", RIGHT)
    models.network_spec(name)
    (note,) = (here / "cache" / "gestures" / "networks").iterdir()
    note.write_text("[1, 2]")
    own_network._told.cache_clear()
    assert models.network_spec(name).feature_dim == 5
    names = [*dataclasses.fields(NetworkSpec), *dataclasses.fields(own_network.Facts)]
    own_network._told.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_network, "fields", lambda _: names)  # as if a network had more to say
        models.network_spec(name)
    assert len(list(note.parent.iterdir())) == 2


def test_a_module_that_forward_imports_is_found_as_luigi_runs(here: Path) -> None:
    (here / "helper_of_k.py").write_text("def pool(x):\n    return x.mean((2, 3, 4))\n")
    late = "import helper_of_k; return helper_of_k.pool(self.conv(snippets))"
    name = write("mine_k", RIGHT.replace("return self.norm(self.conv(snippets)).relu().mean((2, 3, 4))", late))
    code = (
        "import sys; sys.path.remove(''); import models, torch; "  # as the command `luigi` starts
        "print(models.load_network(sys.argv[1])(torch.rand(1, 3, 4, 16, 16)).shape)"
    )
    run = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True)
    assert "torch.Size([1, 5])" in run.stdout, run.stderr


def test_the_most_alike_file_is_named_first() -> None:
    for stem in ("aaa", "bbb", "my_network", "zzz"):
        write(stem, RIGHT)
    with pytest.raises(models.UnknownNameError, match=r"Python files here: my_network\.py, "):
        models.network_spec("my_netwrk:build")


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
