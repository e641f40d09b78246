"""The films of simulated recordings, drawn and encoded: a patient who moves, a sheet, sometimes a nurse, and noise.

Everything is drawn at twice the size and averaged down, which smooths the edges. The room is drawn once per film; all
points of the moving patient are projected before the first frame is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from seizures.simulation.cohort import SimulatedRecording
from seizures.simulation.movement import SIDES, Array, Movement, simulate_movement
from seizures.simulation.scenery import OVERSAMPLING, Camera, Colour, Look, choose_look, draw_room, place_camera, shade

NURSE_PASS_SECONDS = 3.0
NOISE_MARGIN = 24
NUM_NOISE_FRAMES = 6
MOST_NOISE = 18


def render(recording: SimulatedRecording, path: Path) -> None:
    """Draw and encode one film (H.264 in MP4, one thread, no dates: the same bytes each time on one machine).

    Args:
        recording: What to draw.
        path: Where the film goes, whatever its suffix; an existing file is replaced.
    """
    options = {"preset": "ultrafast", "crf": "27", "threads": "1", "tune": "zerolatency"}
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=recording.frame_rate_hz, options=options)
        stream.width, stream.height, stream.pix_fmt = recording.width, recording.height, "yuv420p"
        for pixels in draw_frames(recording):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def draw_frames(recording: SimulatedRecording) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a film, each uint8 (H, W, 3) RGB."""
    seizure = recording.seizure
    look = choose_look(recording)
    camera = place_camera(recording, look)
    room = draw_room(camera, look)
    movement = simulate_movement(seizure, recording.num_frames, recording.frame_rate_hz)
    patient = _Patient(movement, camera, look, seizure.sheet)
    rng = np.random.default_rng(list(f"{seizure.movement_seed}/{recording.view}".encode()))
    bank, corners = _noise(recording, look.noise, rng)
    for index in range(recording.num_frames):
        picture = room.copy()
        draw = ImageDraw.Draw(picture)
        patient.draw(draw, index)
        _draw_nurse(draw, recording, camera, look, index)
        pixels = np.asarray(picture.reduce(OVERSAMPLING))
        top, left = corners[index]
        yield pixels + bank[index % NUM_NOISE_FRAMES, top : top + recording.height, left : left + recording.width]


def _noise(
    recording: SimulatedRecording, size: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return a few noise frames larger than the picture, and where to cut each film frame's noise out of them.

    Negative noise is its complement modulo 256: no colour is so dark or so bright that a sum could wrap around, and
    the plain sum of bytes is ten times as fast as one that clips.
    """
    shape = (NUM_NOISE_FRAMES, recording.height + NOISE_MARGIN, recording.width + NOISE_MARGIN, 1)
    noise = np.clip(np.rint(rng.normal(0, size, shape)), -MOST_NOISE, MOST_NOISE).astype(np.int8)
    bank = np.repeat(noise.view(np.uint8), 3, axis=-1)
    return bank, rng.integers(0, NOISE_MARGIN + 1, (recording.num_frames, 2))


class _Patient:
    """The patient and the sheet, projected once for the whole film."""

    def __init__(self, movement: Movement, camera: Camera, look: Look, sheet: int) -> None:
        self._look, self._near = look, -look.mirrored
        self._pixels: dict[str, list[list[float]]] = {}
        self._scale: dict[str, list[float]] = {}
        self._lids, self._mouth = movement.lids.tolist(), movement.mouth.tolist()
        for name, path in (movement.joints | _face_points(movement, look) | _sheet_points(movement, sheet)).items():
            pixels, scale = camera.project(path)
            self._pixels[name], self._scale[name] = pixels.tolist(), scale.tolist()
        head = movement.joints["head"]
        sight = camera.position - head
        sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
        self._shown = {
            name: (np.sum((path - head) * sight, axis=-1) > 0.35 * look.head_radius).tolist()
            for name, path in _face_points(movement, look).items()
        }
        self._has_sheet = sheet > 0

    def draw(self, draw: ImageDraw.ImageDraw, index: int) -> None:
        """Draw the patient at one frame: what is farther from the camera or lower first."""
        look, far, near = self._look, -self._near, self._near
        for side in (far, near):
            self._limb(draw, index, (f"hip{side}", f"knee{side}"), 0.15, look.gown)
            self._disc(draw, index, f"knee{side}", 0.065 * look.girth, shade(look.skin, 0.86))
            self._limb(draw, index, (f"knee{side}", f"foot{side}"), 0.1, look.skin)
            self._disc(draw, index, f"foot{side}", 0.055, look.skin)
        corners = [f"shoulder{far}", f"shoulder{near}", f"hip{near}", f"hip{far}"]
        outline = [tuple(self._pixels[name][index]) for name in corners]
        draw.polygon(outline, fill=look.gown, outline=look.gown, width=1)
        draw.line([*outline, outline[0]], fill=look.gown, width=round(0.13 * look.girth * self._scale["neck"][index]))
        if self._has_sheet:
            self._sheet(draw, index)
        for side in (far, near):
            self._disc(draw, index, f"shoulder{side}", 0.075 * look.girth, look.gown)
            self._limb(draw, index, (f"shoulder{side}", f"elbow{side}"), 0.11, shade(look.gown, 0.9))
            self._disc(draw, index, f"elbow{side}", 0.045 * look.girth, shade(look.gown, 0.8))
        self._limb(draw, index, ("neck", "head"), 0.1, shade(look.skin, 0.85))
        self._head(draw, index)
        for side in (far, near):
            self._limb(draw, index, (f"elbow{side}", f"hand{side}"), 0.075, look.skin)
            self._disc(draw, index, f"hand{side}", 0.055, look.skin)

    def _limb(
        self, draw: ImageDraw.ImageDraw, index: int, ends: tuple[str, str], thickness: float, colour: Colour
    ) -> None:
        """Draw one bone, with a darker edge."""
        start, end = ends
        size = int(thickness * self._look.girth * self._scale[end][index]) + 1
        line = self._pixels[start][index] + self._pixels[end][index]
        draw.line(line, fill=shade(colour, 0.75), width=size)
        draw.line(line, fill=colour, width=size * 3 // 4)

    def _disc(self, draw: ImageDraw.ImageDraw, index: int, name: str, radius: float, colour: Colour) -> None:
        x, y = self._pixels[name][index]
        size = radius * self._scale[name][index]
        draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)

    def _sheet(self, draw: ImageDraw.ImageDraw, index: int) -> None:
        """Draw three strips from the far edge over both legs to the near edge, each in its own light."""
        far, near = -self._near, self._near
        rows = [[tuple(self._pixels[f"sheet{row}{side}"][index]) for row in range(4)] for side in (far, near)]
        edges = [[tuple(self._pixels[f"edge{row}{side}"][index]) for row in (0, 3)] for side in (far, near)]
        colour = self._look.sheet
        draw.polygon([*edges[0], *rows[0][::-1]], fill=shade(colour, 0.94))
        draw.polygon([*rows[0], *rows[1][::-1]], fill=shade(colour, 0.86))
        draw.polygon([*rows[1], *edges[1][::-1]], fill=shade(colour, 0.76))
        draw.line(rows[0], fill=colour, width=3)
        draw.line(rows[1], fill=colour, width=3)

    def _head(self, draw: ImageDraw.ImageDraw, index: int) -> None:
        look, radius = self._look, self._look.head_radius
        self._disc(draw, index, "head", 1.06 * radius, look.hair)
        self._disc(draw, index, "face", 0.86 * radius, look.skin)
        scale = self._scale["face"][index]
        for side in SIDES:
            name = f"eye{side}"
            if self._shown[name][index]:
                x, y = self._pixels[name][index]
                wide, tall = 0.02 * scale, 0.016 * scale * (1 - self._lids[index])
                draw.ellipse((x - wide, y - tall - 1, x + wide, y + tall), fill=look.pillow if tall > 1 else look.ink)
                draw.ellipse((x - tall, y - tall, x + tall, y + tall), fill=look.ink)
        if self._shown["nose"][index]:
            self._disc(draw, index, "nose", 0.016, shade(look.skin, 0.8))
        if self._shown["mouth"][index]:
            line = self._pixels["lip-1"][index] + self._pixels["lip1"][index]
            draw.line(line, fill=shade(look.ink, 1.6), width=int(0.045 * scale * self._mouth[index]) + 2)


def _face_points(movement: Movement, look: Look) -> dict[str, Array]:
    """Return the world points (T, 3) of the middle of the face, the eyes, the nose and the mouth."""
    yaw, pitch = movement.head_yaw, movement.head_pitch + 0.1
    level = np.cos(pitch)
    ahead = np.stack([level * np.cos(yaw) * 0.5 - np.sin(pitch), np.sin(yaw), level * np.cos(yaw)], axis=-1)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    across = np.stack([-0.2 * np.sin(yaw), np.cos(yaw), -np.sin(yaw)], axis=-1)
    crown = np.cross(across, ahead)
    crown *= np.where(crown[:, :1] > 0, -1.0, 1.0) / np.linalg.norm(crown, axis=-1, keepdims=True)
    head, radius = movement.joints["head"], look.head_radius
    return {
        "face": head + radius * (0.3 * ahead - 0.16 * crown),
        "eye-1": head + radius * (0.92 * ahead - 0.36 * across + 0.12 * crown),
        "eye1": head + radius * (0.92 * ahead + 0.36 * across + 0.12 * crown),
        "nose": head + radius * (1.08 * ahead - 0.16 * crown),
        "mouth": head + radius * (0.88 * ahead - 0.52 * crown),
        "lip-1": head + radius * (0.88 * ahead - 0.25 * across - 0.52 * crown),
        "lip1": head + radius * (0.88 * ahead + 0.25 * across - 0.52 * crown),
    }


def _sheet_points(movement: Movement, sheet: int) -> dict[str, Array]:
    """Return the ridges of the sheet (T, 3) over each leg, and its two edges, at four places along the bed."""
    if not sheet:
        return {}
    joints, points = movement.joints, {}
    for side in SIDES:
        hip, knee, foot = joints[f"hip{side}"], joints[f"knee{side}"], joints[f"foot{side}"]
        top = hip + np.array([-0.3, 0.06 * side, 0.03]) if sheet > 1 else hip + np.array([-0.02, 0.06 * side, 0.02])
        ridge = (top, 0.5 * (top + knee), knee, foot + np.array([0.12, 0.0, 0.0]))
        for row, path in enumerate(ridge):
            points[f"sheet{row}{side}"] = path + np.array([0.0, 0.03 * side, 0.08])
            points[f"edge{row}{side}"] = np.stack([path[:, 0], 0 * path[:, 1] + 0.47 * side, 0 * path[:, 2]], axis=-1)
    return points


def _draw_nurse(
    draw: ImageDraw.ImageDraw, recording: SimulatedRecording, camera: Camera, look: Look, index: int
) -> None:
    """Draw a nurse who walks past between camera and bed, or who stays in front where the patient is out of sight."""
    seconds = index / recording.frame_rate_hz
    width, height = recording.width * OVERSAMPLING, recording.height * OVERSAMPLING
    close = recording.view == "small"
    if recording.use == "evaluate":
        sway = 0.02 * np.sin(1.3 * seconds) + 0.012 * np.sin(3.1 * seconds)
        patient, _ = camera.project(np.array((0.25, 0.0, 0.2) if close else (0.65, 0.0, 0.1)))
        size = (3.2 if close else 2.6) * height
        _draw_figure(draw, look, float(patient[0]) + sway * width, float(patient[1]) + 0.2 * size, size, 0.0)
    elif recording.seizure.nurse_seconds is not None:
        done = (seconds - recording.seizure.nurse_seconds) / NURSE_PASS_SECONDS
        if 0 <= done <= 1:
            along = done if look.mirrored > 0 else 1 - done
            size = (2.4 if close else 1.25) * height
            x = -0.35 * size + along * (width + 0.7 * size)
            _draw_figure(draw, look, x, (0.9 if close else 0.72) * height, size, float(np.sin(7 * seconds)))


def _draw_figure(draw: ImageDraw.ImageDraw, look: Look, x: float, y: float, size: float, stride: float) -> None:
    """Draw a standing person around the hips at (x, y) pixels, `size` pixels tall; `stride` (-1 to 1) is the gait."""
    trousers, width = shade(look.nurse, 0.7), round(0.1 * size)
    for leg in SIDES:
        foot = x + 0.05 * size * leg + 0.1 * size * stride * leg
        draw.line((x + 0.045 * size * leg, y, foot, y + 0.48 * size), fill=trousers, width=width)
    chest = [(x - 0.13 * size, y - 0.3 * size), (x + 0.13 * size, y - 0.3 * size)]
    draw.polygon([*chest, (x + 0.11 * size, y + 0.06 * size), (x - 0.11 * size, y + 0.06 * size)], fill=look.nurse)
    for arm in SIDES:
        hand = (x + (0.16 * arm - 0.06 * stride * arm) * size, y + 0.0 * size)
        draw.line((x + 0.13 * arm * size, y - 0.28 * size, *hand), fill=shade(look.nurse, 0.85), width=width * 2 // 3)
        draw.ellipse((hand[0] - width / 3, hand[1], hand[0] + width / 3, hand[1] + width * 0.7), fill=look.skin)
    radius = 0.075 * size
    draw.ellipse((x - radius, y - 0.36 * size - radius, x + radius, y - 0.36 * size + radius), fill=look.hair)
