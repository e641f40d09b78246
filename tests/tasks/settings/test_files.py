"""luigi.cfg as people save it: what can be meant is read, what cannot is refused with its line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_project import REPOSITORY, Project, make_small_project

from tasks.settings.files import expand_path, read_settings
from tasks.settings.luigi_command import asks_for

TEXT = "# für Müller\n[Dataset]\nvideo_root = videos\n\n[Training]\nnum_epochs = 5\n"
WANTED = {"Dataset": {"video_root": "videos"}, "Training": {"num_epochs": "5"}}


def read(tmp_path: Path, content: str | bytes) -> tuple[dict[str, dict[str, str]], list[str]]:
    path = tmp_path / "luigi.cfg"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    sections, mistakes = read_settings(path)
    return sections, [line.removeprefix(f"{path}: ") for line in mistakes]


@pytest.mark.parametrize(
    "save",
    [
        str.encode,
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("latin-1"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode("cp1252"),
        lambda text: text.replace(" = ", "=").encode(),
        lambda text: text.replace(" = ", ": ").encode(),
        lambda text: text.replace("= videos", '= "videos"').replace("= 5", "= '5'").encode(),
        lambda text: text.replace("= videos", "= \u201cvideos\u201d").replace("= 5", "= \u201e5\u201c").encode(),
        lambda text: text.replace("= videos", "= \u00a0videos \u200b").encode(),
    ],
)
def test_settings_as_people_save_them(tmp_path: Path, save: Callable[[str], bytes]) -> None:
    assert read(tmp_path, save(TEXT)) == (WANTED, [])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("videos 50%", "videos 50%"),
        ("50%% of them", "50% of them"),
        ('"', '"'),
        ("'a' and 'b'", "'a' and 'b'"),
        ("it's", "it's"),
        ("aggregation=mean,lstm; gamma=1", "aggregation=mean,lstm; gamma=1"),
        ("$HOME/videos", "$HOME/videos"),  # the setting's own matter: only a path has variables
        ("${SITE}/videos", "north/videos"),
    ],
)
def test_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, meant: str) -> None:
    monkeypatch.setenv("SITE", "north")
    assert read(tmp_path, f"[Dataset]\nvideo_root = {written}\n") == ({"Dataset": {"video_root": meant}}, [])


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            "[Training]\nnum-epochs = 4\n[Folds]\nseed = 1\n[Training]\nnum_epochs = 5\n",
            [
                "line 5: [Training] is there twice, first in line 1; join the two",
                "line 6: [Training] num_epochs is there twice, first in line 2; remove one",
            ],
        ),
        ("[Folds]\nseed = 1\nseed = 1\n", ["line 3: [Folds] seed is there twice, first in line 2; remove one"]),
        ("seed = 1\n[Folds]\n", ["line 1: 'seed = 1' stands before the first section, such as [Dataset]"]),
        ("[Folds]\nseed\nnum folds\n", ["line 2: 'seed' is neither [section] nor key = value",
                                        "line 3: 'num folds' is neither [section] nor key = value"]),
        ("[Folds]\nseed = 1\n  num_folds = 2\n",
         ["[Folds] seed: the line below, 'num_folds = 2', is indented and so belongs to it; remove the spaces before "
          "it"]),
        ("[Folds]\nseed = 1  # one\n", ["[Folds] seed: a comment needs a line of its own"]),
        ("[Results]\nroot = %(home)s/x\n",
         ["[Results] root: %(home)s is not replaced here; write out what it stands for"]),
        ("[Results]\nroot = ${NOBODY_SETS_ME}/x\n",
         ["[Results] root: ${NOBODY_SETS_ME}: there is no such environment variable"]),
        (b"[Folds]\nseed = \x81\n", ["line 2: neither UTF-8 nor Windows-1252; save it as plain text in UTF-8"]),
        (b"[Folds]\nseed = \x00\n", ["not a text file; save it as plain text in UTF-8"]),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named_with_its_line(tmp_path: Path, text: str | bytes, mistakes: list[str]) -> None:
    assert read(tmp_path, text)[1] == mistakes


def test_the_case_of_a_key_counts(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    project.set("Training", Num_Epochs=5)
    assert "[Training] Num_Epochs: no such key - did you mean num_epochs?" in project.luigi("Plan").output


@given(st.text(max_size=200))
def test_no_text_is_an_exception(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.cfg"
    path.write_text(f"[Dataset]\n{text}", encoding="utf-8", errors="ignore")
    read_settings(path)


def test_paths_have_home_and_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_path("~/a") == expand_path("$HOME/a") == expand_path("${HOME}/a") == f"{tmp_path}/a"
    assert expand_path("random:0") == "random:0"
    assert expand_path("") == ""
    with pytest.raises(ValueError, match=r"a path, and there is no environment variable \$NOBODY_SETS_ME"):
        expand_path("$NOBODY_SETS_ME/a")
    with pytest.raises(ValueError, match="~nobody_has_this_name is nobody's home folder"):
        expand_path("~nobody_has_this_name/a")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~x").mkdir()
    (tmp_path / "$NOBODY_SETS_ME").mkdir()
    assert expand_path("$NOBODY_SETS_ME") == "$NOBODY_SETS_ME"


def command(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command `luigi` of an installed environment, from nothing."""
    return subprocess.run(
        [sys.executable, "-m", "tasks.settings.luigi_command", *words],
        cwd=project.folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: b"# f\xfcr M\xfcller\n" + content,
        lambda content: content + b"\n[logging]\nfolder = 50 %\n",
        lambda content: content.decode().encode("utf-16"),
    ],
)
def test_the_command_reads_what_luigi_alone_cannot(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    project = make_small_project(tmp_path)
    config = project.folder / "luigi.cfg"
    config.write_bytes(spoil(config.read_bytes()))
    done = command(project, "--module", "pipeline", "Plan")
    assert done.returncode == 0, done.stderr
    assert "NEW   WriteReport" in done.stdout
    assert done.stderr == ""


def test_the_command_refuses_what_nobody_can_read(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    with (project.folder / "luigi.cfg").open("a") as file:
        file.write("[Training]\ngamma = 2\n")
    for words in (("--module", "pipeline", "Plan"), ("--module=pipeline", "Plan"), ("--mod", "pipeline", "Plan")):
        done = command(project, *words)
        assert (done.returncode, done.stdout) == (2, "")
        first, *rest = done.stderr.splitlines()
        assert first == "nothing was run: 2 mistakes"
        assert all("is there twice" in line for line in rest)


def test_a_command_for_another_module_is_luigis_own(tmp_path: Path) -> None:
    project = make_small_project(tmp_path)
    (project.folder / "other.py").write_text(
        "import luigi\n\nclass Say(luigi.Task):\n    def complete(self):\n"
        "        print('as before')\n        return True\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "from tasks.settings.luigi_command import main; main()",
         "--module", "other", "Say", "--local-scheduler"],
        cwd=project.folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, "as before" in done.stdout) == (0, True), done.stderr


def test_installing_gives_this_command() -> None:
    assert "luigi = tasks.settings.luigi_command:main" in (REPOSITORY / "setup.cfg").read_text()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], False),
        (["--module"], False),
        (["RunAll", "--module", "pipeline"], True),
        (["--mod=pipeline"], True),
        (["--module", "other"], False),
        (["pipeline"], False),
    ],
)
def test_which_module_is_asked_for(words: list[str], wanted: bool) -> None:
    assert asks_for("pipeline", words) == wanted


def test_the_command_of_this_environment_is_ours() -> None:
    script = Path(sys.executable).with_name("luigi").read_text()
    if "tasks.settings.luigi_command" not in script:
        pytest.skip("this environment was installed before; make install puts our command in it")
    assert "main" in script
