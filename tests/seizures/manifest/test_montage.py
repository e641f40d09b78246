"""A site's geometry, from the profile to the pixels."""

from __future__ import annotations

from pathlib import Path

import pytest
import zoo
from reading import decode, read_numbers

from seizures.errors import SettingsError
from seizures.manifest.montage import ViewGeometry, apply_profile, read_profile
from seizures.manifest.recordings import Box, read_manifest

MANIFEST = """patient_id,seizure_id,view,video,label,crop,mask
P1,1,large,a.mpg,FOS,,
P1,1,small,a.mpg,FOS,,
P2,1,large,b.mpg,TCS,,"0,0,10,10"
P2,1,other,b.mpg,TCS,,
"""


def test_the_papers_montage_ships():
    profile = read_profile(Path(__file__).parents[3] / "configs" / "views_gestures.cfg")
    assert profile == {
        "large": ViewGeometry(crop=None, mask=Box(0, 0, 800, 450)),
        "small": ViewGeometry(crop=Box(0, 0, 800, 450), mask=None),
    }


def test_the_manifests_own_boxes_win(tmp_path):
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    profile = {"large": ViewGeometry(None, Box(0, 0, 800, 450)), "small": ViewGeometry(Box(0, 0, 800, 450), None)}
    rows = apply_profile(read_manifest(tmp_path / "manifest.csv"), profile)
    assert [row.mask for row in rows] == [Box(0, 0, 800, 450), None, Box(0, 0, 10, 10), None]
    assert [row.crop for row in rows] == [None, Box(0, 0, 800, 450), None, None]


def test_all_faults_are_told_at_once(tmp_path):
    path = tmp_path / "site.cfg"
    path.write_text("[large]\nmask = 0,0,800\nmusk = 1,1,1,1\n[small]\npicture = 640,480\ncrop = 0,0,800,450\n")
    with pytest.raises(SettingsError) as error:
        read_profile(path)
    for part in ("3 faults", "[large] mask = 0,0,800", "[large] musk: no such key", "[small] crop: does not fit"):
        assert part in str(error.value)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_profile(tmp_path / "absent.cfg")
    path.write_text("")
    with pytest.raises(SettingsError, match="names no view"):
        read_profile(path)


def test_one_file_gives_both_views_of_a_montage(tmp_path):
    item = zoo.Specimen("montage.mpg", "mpeg2video", size=(320, 192), inset=True, num_frames=30)
    path = item.make(tmp_path)
    inset, rest = Box(0, 0, 160, 96), Box(0, 96, 320, 96)
    small, _, _ = decode(path, crop=inset)
    assert read_numbers(small) == item.expected([k / 15 for k in range(len(small))])
    large, _, _ = decode(path, mask=inset)
    assert (large[:, 26:50, 2:48] < 8).all()
    below, _, _ = decode(path, crop=rest)
    assert (below[0] > 100).any()
