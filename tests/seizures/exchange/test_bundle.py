"""What an exchange file says of a view, and what is withheld from it when asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import feature_examples as examples
import numpy as np
import pytest
from feature_examples import change, write

from seizures.errors import SettingsError
from seizures.exchange.bundle import exchange_facts, write_features
from seizures.exchange.pseudonyms import Pseudonyms
from seizures.features.file import open_features
from seizures.features.validation import examine
from seizures.features.writer import FeatureFileWriter

SOURCE = {"source_width": 320, "source_height": 240, "source_frame_rate_hz": 25.0, "codec": "h264"}
NO_SOURCE = {"source_width": 0, "source_height": 0, "source_frame_rate_hz": 0.0, "codec": ""}
NAMES = Pseudonyms(b"k", "LAB1", [("P01", "02")])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a feature file with the onset of a clonic phase."""
    return change(tmp_path / "a.h5", lambda file: file["views/large"].attrs.__setitem__("clonic_onset_seconds", 4.25))


@pytest.mark.parametrize(
    ("withhold", "clonic", "source"),
    [
        ((), 1.8, SOURCE),
        (("clonic",), None, SOURCE),
        (("source",), 1.8, NO_SOURCE),
        (("clonic", "source"), None, NO_SOURCE),
    ],
)
def test_what_is_withheld_is_not_in_the_file(
    path: Path, tmp_path: Path, withhold: tuple[str, ...], clonic: float | None, source: dict[str, object]
) -> None:
    with open_features(path) as file:
        facts = exchange_facts(file.views["large"], preprocessing="letterbox", withhold=withhold)
    assert {name: getattr(facts, name) for name in SOURCE} == source
    assert (facts.onset_seconds, facts.offset_seconds, facts.clonic_onset_seconds) == (0.0, 5.5, clonic)
    write_features(tmp_path / "bundle", [path], NAMES, stated={}, withhold=withhold)
    (written,) = (tmp_path / "bundle" / "features").iterdir()
    with open_features(written) as file:
        said = file.views["large"].attributes
        assert {name: said[name] for name in SOURCE} == source
        assert said["clonic_onset_seconds"] == clonic
        assert (said["video_name"], said["video_sha256"], said["num_frames_decoded"]) == ("", "", 0)


def test_what_cannot_be_withheld_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"withhold = age: expected some of clonic, source, order"):
        write_features(tmp_path / "bundle", [write(tmp_path / "a.h5")], NAMES, stated={}, withhold=("clonic", "age"))
    assert not (tmp_path / "bundle").exists()


def test_a_step_goes_with_the_features(tmp_path: Path) -> None:
    header = dataclasses.replace(
        examples.header("P01", "02", frames_per_snippet=9, stride_frames=2), frame_step=2, weights_file_sha256="ab" * 32
    )
    with FeatureFileWriter(tmp_path / "a.h5", header) as file:
        view = file.create_view("large", 41, 6, examples.facts(), np.ones(41, dtype=bool))
        view.write(0, examples.rows(1))
    write_features(tmp_path / "bundle", [tmp_path / "a.h5"], NAMES, stated={}, withhold=())
    (written,) = (tmp_path / "bundle" / "features").iterdir()
    with open_features(written) as file:
        assert (file.frames_per_snippet, file.frame_step, file.recipe["frame_step"]) == (9, 2, 2)
        assert file.header.weights_file_sha256 == "ab" * 32
    assert examine(written).findings == ()
