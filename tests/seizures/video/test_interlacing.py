"""Combs are found in the frames, whatever the header says, and are gone from the pictures."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from itertools import pairwise

import damage
import numpy as np
import pytest
import zoo
from reading import decode, specimens

from seizures.video.film import Pieces
from seizures.video.interlacing import comb_ratio, scan_film
from seizures.video.open_file import OpenFile


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("interlaced")
    return {item.name: item.make(folder)[0] for item in (*zoo.INTERLACED, *zoo.NOT_INTERLACED)}


@pytest.mark.parametrize("item", list(specimens(zoo.INTERLACED)))
def test_interlaced_films_are_found_and_their_field_order_too(films, item):
    _, _, facts = decode([films[item.name]])
    assert facts.deinterlacing.startswith("yes: combing in ")
    assert facts.preprocessing.startswith(f"bwdif=mode=send_frame:parity={item.interlaced}:deint=all,")


@pytest.mark.parametrize("item", list(specimens(zoo.NOT_INTERLACED)))
def test_the_headers_word_does_not_count(films, item):
    file = OpenFile(films[item.name])
    assert next(file.shots()).frame.interlaced_frame
    file.close()
    _, _, facts = decode([films[item.name]])
    assert facts.deinterlacing.startswith("no: combing in 0 of ")
    assert "bwdif" not in facts.preprocessing


def bar(frames: np.ndarray) -> list[np.ndarray]:
    """Return the rows of the moving bar, levels as int16, without the bars above and below the picture."""
    return [frame[22:40, :, 1].astype(np.int16) for frame in frames]


@pytest.mark.parametrize("name", ["tff.mpg", "bff.mpg", "unflagged.avi"])
def test_combs_are_gone(tmp_path, name):
    item = dataclasses.replace(next(one for one in zoo.INTERLACED if one.name == name), size=(160, 160))
    path = item.make(tmp_path)[0]
    # Scaled by less than a half the combs would blur away by themselves: look at the rows as they are.
    shown = {mode: bar(decode([path], deinterlace=mode, preprocessing="center_crop")[0]) for mode in ("never", "auto")}
    ratios = {
        mode: [ratio for one, other in pairwise(rows) if (ratio := comb_ratio(one, other)) is not None]
        for mode, rows in shown.items()
    }
    assert np.median(ratios["never"]) > 1.3 * np.median(ratios["auto"])
    assert np.median(ratios["auto"]) < 1


def test_the_setting_wins(films):
    path = films["progressive-flagged.mpg"]
    assert decode([path], deinterlace="always")[2].preprocessing.startswith("bwdif")
    assert decode([films["tff.mpg"]], deinterlace="never")[2].deinterlacing == "never"


@pytest.mark.parametrize("rows", [8, 50])
def test_a_comb_is_what_alternates_from_row_to_row(rows):
    still = np.full((rows, 40), 100, np.int16)
    combed, smooth = still.copy(), still.copy()
    combed[::2, 10:20] = 200
    smooth[:, 10:20] = 200
    assert comb_ratio(still, combed) > 10
    assert comb_ratio(still, smooth) < 0.1
    assert comb_ratio(still, still) is None


def test_damage_does_not_change_the_decision(tmp_path, films):
    content = films["tff.mpg"].read_bytes()
    cut = tmp_path / "cut.mpg"
    cut.write_bytes(damage.cut(content, 0.225, 0))
    with closing(OpenFile(cut)) as file:
        assert all(shot.is_damaged for shot in file.shots())
    assert scan_film(cut).is_interlaced
    assert scan_film(cut).field_order == "tff"


def test_a_film_with_one_key_frame_is_sampled_too(tmp_path):
    path = zoo.Specimen("long.ts", interlaced="tff", flagged=False, gop=500, num_frames=300, num_b_frames=2).make(
        tmp_path
    )[0]
    assert scan_film(path).why.startswith("combing in ")
    assert scan_film(path).is_interlaced


def test_every_frame_knows_its_film_to_the_end(films):
    path = films["tff.mpg"]
    with closing(Pieces([path], 0.0)) as pieces:
        found = [origin.film for stamped in pieces.frames() if (origin := stamped.frame.opaque) is not None]
    assert found == [path] * 60
