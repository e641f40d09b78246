"""What stands still in a simulated film: the cameras, the colours, and the room with its empty bed.

The world is the bed's (see `seizures.simulation.movement`), in metres; the floor is at z = -0.65.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from seizures.simulation.cohort import SimulatedRecording
from seizures.simulation.movement import Array

OVERSAMPLING = 2
FLOOR = -0.65
DARKEST, BRIGHTEST = 18, 237

Colour = tuple[int, int, int]
Point = Sequence[float]

SKINS: tuple[Colour, ...] = ((232, 190, 160), (214, 164, 130), (170, 118, 86), (116, 78, 58), (240, 205, 180))
HAIRS: tuple[Colour, ...] = ((40, 30, 26), (92, 62, 40), (150, 112, 66), (150, 150, 150), (120, 58, 36))
GOWNS: tuple[Colour, ...] = ((150, 186, 210), (160, 200, 176), (226, 214, 190), (96, 112, 150), (190, 160, 196))
SHEETS: tuple[Colour, ...] = ((226, 230, 232), (196, 214, 226), (214, 224, 200), (230, 216, 190))
WALLS: tuple[Colour, ...] = ((214, 208, 190), (190, 206, 208), (206, 212, 190), (216, 196, 184), (188, 192, 206))
FLOORS: tuple[Colour, ...] = ((150, 136, 116), (120, 130, 136), (136, 140, 124), (110, 100, 96))
BLANKETS: tuple[Colour, ...] = ((120, 150, 176), (170, 140, 120), (120, 150, 120), (150, 130, 160))


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks from `position` at `target`; `zoom` is its focal length in widths of the picture."""

    position: Array
    target: Array
    zoom: float
    width: int
    height: int

    def project(self, points: Array) -> tuple[Array, Array]:
        """Project world points (..., 3) to pixels (..., 2), and give the pixels per metre (...) at each point."""
        forward = self.target - self.position
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        seen = points - self.position
        scale = self.zoom * self.width / np.maximum(seen @ forward, 0.05)
        pixels = np.stack([seen @ right * scale + self.width / 2, seen @ down * scale + self.height / 2], axis=-1)
        return pixels, scale


@dataclasses.dataclass(frozen=True)
class Look:
    """The colours of a film, already grey in infrared, and the room's plan."""

    skin: Colour
    hair: Colour
    gown: Colour
    sheet: Colour
    wall: Colour
    floor: Colour
    blanket: Colour
    nurse: Colour
    window: Colour
    ink: Colour
    wood: Colour
    metal: Colour
    mattress: Colour
    pillow: Colour
    head_radius: float
    girth: float
    mirrored: int
    noise: float


def choose_look(recording: SimulatedRecording) -> Look:
    """Choose the patient's and the room's looks (one per patient), and take the colours away in infrared."""
    rng = random.Random(f"{recording.seizure.room_seed}/look")
    colours = {
        "skin": rng.choice(SKINS),
        "hair": rng.choice(HAIRS),
        "gown": rng.choice(GOWNS),
        "sheet": rng.choice(SHEETS),
        "wall": rng.choice(WALLS),
        "floor": rng.choice(FLOORS),
        "blanket": rng.choice(BLANKETS),
        "nurse": rng.choice(((60, 110, 140), (50, 90, 150), (90, 140, 110))),
        "window": (206, 228, 244),
        "ink": (52, 40, 40),
        "wood": (148, 112, 78),
        "metal": (168, 174, 180),
        "mattress": (232, 234, 236),
        "pillow": (246, 246, 244),
    }
    shape: dict[str, Any] = {
        "head_radius": rng.uniform(0.1, 0.115),
        "girth": rng.uniform(0.85, 1.25),
        "noise": rng.uniform(1.0, 3.0),
    }
    mirrored = rng.choice((-1, 1))
    if recording.seizure.infrared:
        gains = {"skin": 0.6, "gown": 0.75, "sheet": 0.9, "mattress": 0.95, "pillow": 1.0, "window": 0.05}
        colours = {name: _grey(colour, gains.get(name, 0.5)) for name, colour in colours.items()}
        colours |= {"skin": _grey(colours["skin"], 1.0, 100)}
        shape["noise"] += 2.5
    within: dict[str, Any] = {name: shade(colour, 1.0) for name, colour in colours.items()}
    return Look(**within, **shape, mirrored=mirrored)


def _grey(colour: Colour, gain: float, lift: float = 0.0) -> Colour:
    level = round(lift + gain * (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]))
    return (level, level, level)


@functools.lru_cache(maxsize=1024)
def shade(colour: Colour, gain: float) -> Colour:
    """Return a colour made darker or lighter, within levels that leave room for the noise."""
    red, green, blue = (min(max(round(gain * part), DARKEST), BRIGHTEST) for part in colour)
    return (red, green, blue)


def place_camera(recording: SimulatedRecording, look: Look) -> Camera:
    """Place the camera: on the ceiling at the foot end, or close to the face; each patient's a little differently."""
    rng = random.Random(f"{recording.seizure.room_seed}/{recording.view}")
    size = (recording.width * OVERSAMPLING, recording.height * OVERSAMPLING)
    if recording.view == "small":
        position = (rng.uniform(1.1, 1.25), look.mirrored * -rng.uniform(0.15, 0.4), rng.uniform(1.2, 1.4))
        return Camera(np.array(position), np.array((0.33, 0.0, 0.12)), rng.uniform(1.3, 1.5), *size)
    position = (rng.uniform(2.8, 3.2), look.mirrored * -rng.uniform(1.7, 2.2), rng.uniform(1.7, 2.0))
    target = (0.85, look.mirrored * rng.uniform(0.05, 0.2), rng.uniform(-0.1, 0.05))
    return Camera(np.array(position), np.array(target), rng.uniform(1.15, 1.35), *size)


class _Brush:
    """Draws world shapes that stand still."""

    def __init__(self, draw: ImageDraw.ImageDraw, camera: Camera, mirrored: int) -> None:
        self._draw, self._camera, self._mirror = draw, camera, np.array([1.0, mirrored, 1.0])

    def face(self, corners: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon of world points."""
        pixels, _ = self._camera.project(np.asarray(corners, dtype=np.float64) * self._mirror)
        self._draw.polygon([tuple(point) for point in pixels.tolist()], fill=colour)

    def line(self, corners: Sequence[Point], colour: Colour, thickness: float) -> None:
        """Draw a line through world points, `thickness` in metres."""
        pixels, scale = self._camera.project(np.asarray(corners, dtype=np.float64) * self._mirror)
        width = max(round(thickness * float(scale.mean())), 1)
        self._draw.line([tuple(point) for point in pixels.tolist()], fill=colour, width=width, joint="curve")

    def box(self, low: Point, high: Point, colour: Colour) -> None:
        """Fill the three faces of a box that the camera, at the foot end, the near side and above, can see."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        self.face([(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)], shade(colour, 0.82))
        self.face([(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)], shade(colour, 0.68))
        self.face([(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)], colour)


def draw_room(camera: Camera, look: Look) -> Image.Image:
    """Draw what does not move: walls, window, floor, cabinet, drip stand, chair, and the empty bed."""
    picture = Image.new("RGB", (camera.width, camera.height), look.wall)
    brush = _Brush(ImageDraw.Draw(picture), camera, look.mirrored)
    brush.face([(-0.45, -4, FLOOR), (4, -4, FLOOR), (4, 1.7, FLOOR), (-0.45, 1.7, FLOOR)], look.floor)
    brush.face([(-0.45, 1.7, FLOOR), (4, 1.7, FLOOR), (4, 1.7, 3), (-0.45, 1.7, 3)], shade(look.wall, 0.88))
    brush.face([(0.5, 1.69, 0.35), (1.7, 1.69, 0.35), (1.7, 1.69, 1.6), (0.5, 1.69, 1.6)], shade(look.window, 0.8))
    brush.face([(0.56, 1.68, 0.41), (1.64, 1.68, 0.41), (1.64, 1.68, 1.5), (0.56, 1.68, 1.5)], look.window)
    brush.line([(1.1, 1.67, 0.4), (1.1, 1.67, 1.5)], shade(look.window, 0.8), 0.05)
    brush.face([(-0.44, -1.1, 0.55), (-0.44, 0.95, 0.55), (-0.44, 0.95, 0.75), (-0.44, -1.1, 0.75)], look.wood)
    brush.box((-0.4, 0.75, FLOOR), (0.1, 1.25, 0.05), look.wood)
    brush.box((-0.2, 0.85, 0.05), (0.0, 1.1, 0.22), look.metal)
    brush.line([(-0.25, -0.75, FLOOR), (-0.25, -0.75, 1.0)], look.metal, 0.035)
    brush.face([(-0.25, -0.83, 0.72), (-0.25, -0.67, 0.72), (-0.25, -0.67, 1.0), (-0.25, -0.83, 1.0)], look.pillow)
    brush.box((1.0, 1.1, FLOOR), (1.45, 1.55, -0.2), look.blanket)
    brush.box((1.0, 1.5, -0.2), (1.45, 1.56, 0.3), look.blanket)
    brush.box((-0.2, -0.5, -0.4), (-0.12, 0.5, 0.4), look.wood)
    for x in (0.05, 1.9):
        brush.line([(x, -0.42, -0.25), (x, -0.42, FLOOR)], look.metal, 0.06)
    brush.box((-0.1, -0.47, -0.28), (2.05, 0.47, -0.14), look.metal)
    brush.box((-0.1, -0.45, -0.14), (2.0, 0.45, 0.0), look.mattress)
    brush.face([(-0.05, -0.32, 0.06), (0.36, -0.32, 0.03), (0.36, 0.32, 0.03), (-0.05, 0.32, 0.06)], look.pillow)
    brush.face(
        [(0.36, -0.32, 0.0), (0.36, 0.32, 0.0), (0.36, 0.32, 0.03), (0.36, -0.32, 0.03)], shade(look.pillow, 0.8)
    )
    brush.face(
        [(-0.05, -0.32, 0), (0.36, -0.32, 0), (0.36, -0.32, 0.05), (-0.05, -0.32, 0.05)], shade(look.pillow, 0.85)
    )
    return picture
