"""The rules of docs/architecture.md: a current picture, small rooms, short files, imports that only go down."""

from __future__ import annotations

import configparser
import runpy
import statistics
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def drawing() -> dict[str, Any]:
    return runpy.run_path(str(PROJECT / "docs" / "draw_architecture.py"))


def test_the_picture_shows_the_code_as_it_is(drawing: dict[str, Any]) -> None:
    is_current = (PROJECT / "docs" / "architecture.svg").read_text(encoding="utf-8") == drawing["draw"]()
    assert is_current, "docs/architecture.svg is out of date; redraw it: python docs/draw_architecture.py"


@pytest.mark.parametrize("floor", ["seizures", "tasks"])
def test_a_floor_has_at_most_15_entries(floor: str) -> None:
    entries = {path.name for path in (PROJECT / floor).iterdir()} - {"__init__.py", "__pycache__", "py.typed"}
    assert len(entries) <= 15, f"{floor}/ has {len(entries)} entries at its top, expected at most 15: {sorted(entries)}"


def test_files_stay_short(drawing: dict[str, Any]) -> None:
    lines = {path: len(path.read_text().splitlines()) for path in drawing["modules"]().values() if path.stat().st_size}
    too_long = {path.relative_to(PROJECT).as_posix(): count for path, count in lines.items() if count > 400}
    assert not too_long, f"files of more than 400 lines: {too_long}"
    assert statistics.median(lines.values()) < 160


@pytest.mark.parametrize("floor", ["seizures", "tasks"])
def test_no_circle_among_rooms(drawing: dict[str, Any], floor: str) -> None:
    drawing["storeys"](
        drawing["below"](set(drawing["rooms"](floor)))
    )  # a circle is a graphlib.CycleError that names it


def heights() -> dict[str, int]:
    """Return the height of every floor and room, from the layers in setup.cfg."""
    config = configparser.ConfigParser()
    config.read(PROJECT / "setup.cfg")
    found: dict[str, int] = {}
    for contract in ("floors", "rooms-of-seizures", "rooms-of-tasks"):
        section = config[f"importlinter:contract:{contract}"]
        prefix = section["containers"].strip() + "." if "containers" in section else ""
        layers = section["layers"].strip().splitlines()
        found |= {prefix + name.strip(): -at for at, layer in enumerate(layers) for name in layer.split("|")}
    return found


def test_every_arrow_points_down(drawing: dict[str, Any]) -> None:
    height = heights()
    wrong = []
    for (source, target), imports in drawing["arrows"]().items():
        floors = source.split(".")[0], target.split(".")[0]
        above, under = (source, target) if floors[0] == floors[1] else floors
        if height[above] <= height[under]:
            wrong += [f"{item.where} imports {item.what}" for item in imports]
    # One door opens to the other side, and says why: docs/decisions/0011-a-classifier-that-is-handed-over.md.
    wrong.remove("seizures.exchange.open_classifier imports models.build_aggregation")
    assert not wrong, f"imports that do not go down: {wrong}"
