"""Draw docs/architecture.svg from the code: `python docs/draw_architecture.py`.

Only the floors and the order of the stages are written by hand. Rooms are the packages and root modules of `seizures`
and `tasks`, each with the first line of its docstring; arrows are the imports that `ast` finds, including lazy and
type-only ones. A test redraws the picture and compares it with the committed file.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import html
import textwrap
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[1]
PICTURE = PROJECT / "docs" / "architecture.svg"
FLOORS = ("pipeline", "tasks", "seizures", "models")
WAY = (
    "DecodeRecording",
    "ExtractFeatures",
    "AssignFolds",
    "TrainFold",
    "EvaluateFold",
    "PoolPredictions",
    "ScorePredictions",
    "DrawPictures",
    "WriteProvenance",
    "TabulateChecklists",
    "WriteChecklists",
    "WriteReport",
)

WIDTH, LEFT, RIGHT = 1300, 190, 1080  # px; rooms stand between LEFT and RIGHT, `models` to the right of them
GAP = 24
STYLE = """
text { font-family: system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; fill: #1d2733 }
.paper { fill: #fbfcfd } .floor { fill: #edf1f6; stroke: none } .room { fill: #ffffff; stroke: #8597ab }
.module { fill: #ffffff; stroke: #8597ab; stroke-dasharray: 4 3 }
.title { font-size: 22px; font-weight: 650 } .storey { font-size: 18px; font-weight: 650 }
.name { font-size: 14.5px; font-weight: 650 } .note { font-size: 12.5px; fill: #4c5a69 }
.arrow { fill: none; stroke: #62768c; stroke-width: 1.4; marker-end: url(#head) } .head { fill: #62768c }
.fat { fill: none; stroke: #62768c; stroke-width: 3; marker-end: url(#fathead) }
.stop { fill: #b4541a } .number { font-size: 12px; font-weight: 700; fill: #ffffff; text-anchor: middle }
.way { fill: none; stroke: #b4541a; stroke-width: 2; marker-end: url(#wayhead) } .wayhead { fill: #b4541a }
@media (prefers-color-scheme: dark) {
text { fill: #e4eaf1 } .paper { fill: #10151b } .floor { fill: #1a222b }
.room, .module { fill: #243040; stroke: #6f859d } .note { fill: #b3c0ce }
.arrow, .fat { stroke: #93a9c0 } .head { fill: #93a9c0 }
.stop { fill: #e8894a } .number { fill: #10151b } .way { stroke: #e8894a }
.wayhead { fill: #e8894a } }
"""


class Import(NamedTuple):
    """Module `where` imports `what`."""

    where: str
    what: str


@functools.cache
def modules() -> dict[str, Path]:
    """Return every module of the four floors by its dotted name; a package is its `__init__`."""
    paths = sorted(path for floor in FLOORS for path in (PROJECT / floor).rglob("*.py"))
    parts = {path: path.relative_to(PROJECT).with_suffix("").parts for path in paths}
    return {".".join(names[:-1] if names[-1] == "__init__" else names): path for path, names in parts.items()}


def imported(tree: ast.AST) -> list[str]:
    """Return the names that some code imports from the four floors, at the top or inside functions."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.split(".")[0] in FLOORS]


def room(name: str) -> str:
    """Return the room of a dotted name: a package or root module of `seizures` or `tasks`, else the whole floor."""
    parts = name.split(".")
    return ".".join(parts[: 2 if parts[0] in ("seizures", "tasks") else 1])


def rooms(floor: str) -> dict[str, str]:
    """Return the rooms of a floor and the first line of each docstring."""
    found = {}
    for name, path in modules().items():
        if name.startswith(f"{floor}.") and name.count(".") == 1 and path.stat().st_size:
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            found[name] = docstring.split("\n")[0]
    return found


@functools.cache
def arrows() -> dict[tuple[str, str], list[Import]]:
    """Return the imports between rooms, by (importing room, imported room).

    The `__init__` of `seizures` and of `tasks` is not a room: it hands out the floor's public names, from any room.
    """
    fronts = {"seizures", "tasks"}
    found: dict[tuple[str, str], list[Import]] = {}
    for where, path in modules().items():
        for what in imported(ast.parse(path.read_text())):
            pair = room(where), room(what)
            if pair[0] != pair[1] and not fronts & set(pair):
                found.setdefault(pair, []).append(Import(where, what))
    return found


def below(names: set[str]) -> dict[str, set[str]]:
    """Return what each of some rooms imports among them."""
    found: dict[str, set[str]] = {name: set() for name in names}
    for source, target in arrows():
        if source in names and target in names:
            found[source].add(target)
    return found


def storeys(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the rows of rooms from top to bottom, each room as low as its imports allow.

    Raises:
        graphlib.CycleError: Rooms import each other in a circle.
    """
    height: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(graph).static_order():
        height[name] = 1 + max((height[other] for other in graph[name]), default=-1)
    rows: list[list[str]] = [[] for _ in range(1 + max(height.values()))]
    for name in sorted(height):
        rows[-1 - height[name]].append(name)
    place = {name: index - len(row) / 2 for row in rows for index, name in enumerate(row)}
    for _ in range(4):  # move each room towards its neighbours, so that few arrows cross
        for row in rows:
            for name in row:
                near = sorted({*graph[name], *(other for other in graph if name in graph[other])})
                place[name] = sum(place[other] for other in near) / len(near) if near else place[name]
            row.sort(key=lambda name: (place[name], name))
            place |= {name: index - (len(row) - 1) / 2 for index, name in enumerate(row)}
    return rows


def without_detours(graph: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Return the arrows to draw: not from a to c where a imports b and b imports c."""

    def reach(name: str) -> set[str]:
        return graph[name].union(*(reach(other) for other in graph[name]))

    return sorted(
        (name, other)
        for name in graph
        for other in graph[name]
        if not any(other in reach(between) for between in graph[name] - {other})
    )


def stops() -> dict[str, tuple[str, set[str]]]:
    """Return, for each stage of the way, its file and the rooms that it calls itself."""
    found: dict[str, tuple[str, set[str]]] = {}
    for name, path in modules().items():
        if not name.startswith("tasks.stages."):
            continue
        tree = ast.parse(path.read_text())
        bound = {}
        for node in tree.body:
            for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
                full = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                bound[alias.asname or alias.name] = full
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name in WAY:
                used = {bound.get(item.id, "") for item in ast.walk(node) if isinstance(item, ast.Name)}
                called = {
                    room(what) for what in {*imported(node), *used} if what.split(".")[0] in ("seizures", "models")
                }
                found[node.name] = (
                    path.relative_to(PROJECT).as_posix(),
                    called - {"seizures.errors", "seizures.settings"},
                )
    return {name: found[name] for name in WAY}


def text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    """Return a line of text."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Return a box with round corners."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="7" class="{kind}"/>'


def badge(x: float, y: float, number: int) -> str:
    """Return a numbered stop of the way."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="9.5" class="stop"/>{text(x, y + 4.2, str(number), "number", "middle")}'


def draw_rooms(floor: str, top: float, numbers: dict[str, list[int]]) -> tuple[list[str], float]:
    """Return the rooms of a floor with their arrows, and where they end (px)."""
    notes = rooms(floor)
    graph = below(set(notes))
    rows = storeys(graph)
    shapes: list[str] = []
    place: dict[str, tuple[float, float, float, float]] = {}
    y = top
    for row in rows:
        width = (RIGHT - LEFT - GAP * (len(row) - 1)) / len(row)
        lines = {name: textwrap.wrap(notes[name].rstrip("."), int(width / 7.1)) for name in row}
        height = 30 + 16 * max(map(len, lines.values()))
        for index, name in enumerate(row):
            x = LEFT + index * (width + GAP)
            place[name] = (x, y, width, height)
            is_package = modules()[name].name == "__init__.py"
            shapes.append(box(x, y, width, height, "room" if is_package else "module"))
            shapes.append(text(x + 12, y + 20, name.split(".")[1] + ("/" if is_package else ".py"), "name"))
            shapes += [text(x + 12, y + 38 + 16 * at, line, "note") for at, line in enumerate(lines[name])]
            for at, number in enumerate(reversed(numbers.get(name, []))):
                shapes.append(badge(x + width - 16 - 23 * at, y + 15, number))
        y += height + 30
    lines = []
    ends: dict[str, int] = {}
    drawn = without_detours(graph)
    for source, target in sorted(drawn, key=lambda pair: (pair[1], place[pair[0]][0])):
        sources = sorted((place[other][0], other) for name, other in drawn if name == source)
        leaving = [other for _, other in sources].index(target)
        x1 = place[source][0] + place[source][2] * (leaving + 1) / (len(sources) + 1)
        y1 = place[source][1] + place[source][3]
        arriving = sum(other == target for _, other in drawn)
        ends[target] = ends.get(target, 0) + 1
        x2 = place[target][0] + place[target][2] * ends[target] / (arriving + 1)
        y2 = place[target][1] - 3
        bend = min(26.0, (y2 - y1) / 1.2)
        curve = f"C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
        lines.append(f'<path class="arrow" d="M{x1:.1f} {y1:.1f} {curve}"/>')
    return [*lines, *shapes], y - 30


def draw_way(top: float) -> tuple[list[str], float]:
    """Return the strip with the stages that one seizure passes, and where it ends (px)."""
    shapes = [text(30, top, "The way of one seizure, from its row in data_manifest.csv to the report", "storey")]
    columns = 5
    width = (WIDTH - 60 - GAP * (columns - 1)) / columns
    y = top + 18
    for index, (name, (path, called)) in enumerate(stops().items()):
        x = 30 + index % columns * (width + GAP)
        if index and index % columns == 0:
            y += 102
        if index % columns:
            shapes.append(f'<path class="way" d="M{x - GAP:g} {y + 42:g} h{GAP - 3:g}"/>')
        shapes += [box(x, y, width, 84, "room"), badge(x + 18, y + 18, index + 1), text(x + 36, y + 23, name, "name")]
        shapes.append(text(x + 12, y + 43, path, "note"))
        words = ", ".join(sorted(part.split(".")[-1] for part in called))
        shapes += [
            text(x + 12, y + 60 + 16 * at, line, "note") for at, line in enumerate(textwrap.wrap(f"calls {words}", 33))
        ][: 2 if words else 0]
    return shapes, y + 84


def floor_note(x: float, y: float, name: str, note: str, width: int = 20) -> list[str]:
    """Return a floor's name and what it is."""
    lines = textwrap.wrap(note, width)
    return [
        text(x, y, f"{name}/", "storey"),
        *(text(x, y + 22 + 16 * at, line, "note") for at, line in enumerate(lines)),
    ]


def draw_house(top: float, numbers: dict[str, list[int]]) -> tuple[list[str], float]:
    """Return the floors with their rooms and the arrows between floors, and where they end (px)."""
    met = {(source.split(".")[0], target.split(".")[0]) for source, target in arrows()}
    shapes = [box(20, top, WIDTH - 40, 74, "floor"), *floor_note(36, top + 28, "pipeline", "what a person names")]
    files = ", ".join(sorted(path.name for path in (PROJECT / "pipeline").glob("[a-z]*.py")))
    shapes.append(box(LEFT, top + 14, RIGHT - LEFT, 46, "room"))
    shapes += [text(LEFT + 12, top + 33 + 16 * at, line, "note") for at, line in enumerate(textwrap.wrap(files, 135))]
    y = top + 74 + 36
    if ("pipeline", "tasks") in met:
        shapes.append(f'<path class="fat" d="M100 {y - 36:g} V{y - 3:g}"/>')
    for floor, note in (
        ("tasks", "Luigi: what runs, when, and where it lands"),
        ("seizures", "the domain in plain Python"),
    ):
        drawn, end = draw_rooms(floor, y + 16, numbers)
        shapes += [box(20, y, WIDTH - 40, end + 16 - y, "floor"), *floor_note(36, y + 36, floor, note), *drawn]
        if floor == "tasks":
            if ("tasks", "seizures") in met:
                shapes.append(f'<path class="fat" d="M100 {end + 16:g} v36"/>')
            y = end + 16 + 39
    x = RIGHT + GAP
    if ("tasks", "models") in met:
        shapes.append(f'<path class="fat" d="M{x + 80:g} {y - 39:g} V{y + 13:g}"/>')
    shapes += [box(x, y + 16, WIDTH - 40 - x, end - y - 16, "room"), *floor_note(x + 14, y + 44, "models", "networks")]
    names = sorted(path.name for path in (PROJECT / "models").glob("[a-z]*.py"))
    shapes += [text(x + 14, y + 92 + 16 * at, line, "note") for at, line in enumerate(names)]
    shapes += [badge(x + 24 + 23 * at, end - 20, number) for at, number in enumerate(numbers.get("models", []))]
    return shapes, end + 16


def draw() -> str:
    """Return the picture as the text of an SVG file."""
    numbers: dict[str, list[int]] = {}
    for number, (_, called) in enumerate(stops().values(), start=1):
        for name in sorted(called):
            numbers.setdefault(name, []).append(number)
    house, end = draw_house(58, numbers)
    way, end = draw_way(end + 36)
    height = end + 24
    shapes = [
        text(30, 38, "GESTURES: floors, rooms, imports", "title"),
        text(
            WIDTH - 30,
            38,
            "arrow: imports (those that others imply are not drawn) \u00b7 number: called by that stage, below",
            "note",
            "end",
        ),
        *house,
        *way,
    ]
    body = "\n".join(shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" viewBox="0 0 {WIDTH} {height:g}" '
        'role="img" aria-label="Floors and rooms of the code, and the way of one seizure through them">\n'
        f"<style>{STYLE}</style>\n<defs>"
        + "".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="6.5" refY="4" markerWidth="{size}" markerHeight="{size}" '
            f'orient="auto"><path class="{fill}" d="M0 0 L8 4 L0 8 z"/></marker>'
            for name, size, fill in (("head", 7, "head"), ("fathead", 4, "head"), ("wayhead", 5, "wayhead"))
        )
        + f'</defs>\n<rect width="{WIDTH}" height="{height:g}" class="paper"/>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
    print(f"drawn: {PICTURE.relative_to(PROJECT)}")
