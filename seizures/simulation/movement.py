"""How a simulated patient moves: the position of every joint at every frame of a film.

Coordinates are metres in the frame of the bed: x from the head end to the foot end, y across, z up from the mattress;
the patient lies on the back. All arrays have T rows, one for each frame.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from seizures.simulation.cohort import SimulatedSeizure

Array = NDArray[np.float64]

SIDES = (-1, 1)
CLONIC_START_HZ, CLONIC_END_HZ = 3.8, 1.0
TONIC_TREMOR_HZ = 6.5


@dataclasses.dataclass(frozen=True)
class Movement:
    """The pose of the patient in time.

    Attributes:
        joints: Name -> (T, 3) metres. `head`, `neck`, and `shoulder`, `elbow`, `hand`, `hip`, `knee`, `foot` followed
            by -1 or 1, the sign of the joint's y at rest.
        head_yaw: (T,) radians; positive turns the face to positive y.
        head_pitch: (T,) radians; positive throws the head back.
        mouth: (T,) 0 closed to 1 open.
        lids: (T,) 0 eyes open to 1 shut.

    """

    joints: dict[str, Array]
    head_yaw: Array
    head_pitch: Array
    mouth: Array
    lids: Array


@dataclasses.dataclass(frozen=True)
class _Phases:
    """How far the patient is in each phase, (T,) from 0 to 1, and the clonic pulse train."""

    focal: Array
    version: Array
    tonic: Array
    clonic: Array
    pulse: Array
    limp: Array


def simulate_movement(seizure: SimulatedSeizure, num_frames: int, frame_rate_hz: float) -> Movement:
    """Move the patient through one seizure.

    Both views of a seizure have the same movement. A body's size belongs to the patient (`room_seed`); all else to the
    seizure (`movement_seed`).

    Args:
        seizure: Whose course to follow.
        num_frames: Number of frames, T.
        frame_rate_hz: Frames per second.

    Returns:
        The pose at each frame.

    """
    rng = np.random.default_rng(list(seizure.movement_seed.encode()))
    seconds = np.arange(num_frames) / frame_rate_hz
    phases = _phases(seizure, seconds, rng)
    strength = rng.uniform(0.8, 1.25)
    thrash = phases.focal * (strength if seizure.vigorous else 0.0)
    sway = 0.11 * thrash * _wander(seconds, 0.5, 1.1, rng) + 0.004 * _wander(seconds, 0.1, 0.3, rng)
    joints = _trunk(seizure, seconds, phases, thrash, sway, strength)
    for side in SIDES:
        hand = _hand(seizure, side, seconds, phases, thrash, strength, rng)
        joints[f"hand{side}"] = hand + 0.5 * (joints[f"shoulder{side}"] - joints[f"shoulder{side}"][:1])
        foot, lift = _leg(side, seconds, phases, thrash, strength, rng)
        joints[f"foot{side}"] = foot
        pole = np.array([0.0, 0.9 * side, 0.35])
        joints[f"elbow{side}"] = _bend(joints[f"shoulder{side}"], joints[f"hand{side}"], 0.56, pole)
        joints[f"knee{side}"] = 0.5 * (joints[f"hip{side}"] + foot) + lift
    body = np.random.default_rng(list(seizure.room_seed.encode())).uniform((0.9, 0.9), (1.04, 1.2))
    scale = np.array([body[0], body[1], 1.0])
    yaw, pitch = _head_turn(seizure, seconds, phases, thrash, rng)
    chewing = phases.focal * (1 - phases.tonic) * rng.choice([0.0, 0.8]) * (0.5 + 0.5 * _wander(seconds, 1.3, 1.9, rng))
    mouth = np.clip(0.08 + chewing + 0.7 * phases.tonic + 0.5 * phases.clonic * phases.pulse + 0.4 * phases.limp, 0, 1)
    blinks = np.exp(-(((seconds + rng.uniform(0, 3)) % 3.4 - 1.7) ** 2) / 0.012)
    lids = np.clip(blinks + phases.clonic * phases.pulse + phases.limp, 0, 1)
    return Movement({name: path * scale for name, path in joints.items()}, yaw, pitch, mouth, lids)


def _ramp(seconds: Array, at: float, width: float) -> Array:
    """Return a smooth step from 0 to 1 around `at`."""
    return 0.5 * (1 + np.tanh(2 * (seconds - at) / width))


def _wander(seconds: Array, low_hz: float, high_hz: float, rng: np.random.Generator) -> Array:
    """Return an irregular swing, about -1 to 1, whose rate wanders between two frequencies."""
    middle, spread = 0.5 * (low_hz + high_hz), 0.5 * (high_hz - low_hz)
    slow = np.sin(2 * np.pi * (rng.uniform(0.15, 0.35) * seconds + rng.random()))
    step = np.diff(seconds, prepend=seconds[:1])
    phase = np.cumsum(step * (middle + spread * slow))
    size = 0.75 + 0.25 * np.sin(2 * np.pi * (rng.uniform(0.2, 0.5) * seconds + rng.random()))
    return size * np.sin(2 * np.pi * (phase + rng.random()))


def _phases(seizure: SimulatedSeizure, seconds: Array, rng: np.random.Generator) -> _Phases:
    onset, offset = seizure.onset_seconds, seizure.offset_seconds
    none = np.zeros_like(seconds)
    tonic_onset, clonic_onset = seizure.tonic_onset_seconds, seizure.clonic_onset_seconds
    clonic_end = seizure.clonic_end_seconds
    begun = _ramp(seconds, onset + 0.4, 0.8)
    if tonic_onset is None or clonic_onset is None or clonic_end is None:
        focal = begun * (1 - _ramp(seconds, offset - 0.5, 1.0))
        version = _ramp(seconds, onset + rng.uniform(1, 3), 1.5) * focal * rng.choice([0.3, 0.7, 1.0])
        return _Phases(focal, version, none, none, none, none)
    stiff = _ramp(seconds, tonic_onset, 0.8)
    jerking = ((seconds >= clonic_onset) & (seconds < clonic_end)).astype(np.float64)
    done = np.clip((seconds - clonic_onset) / (clonic_end - clonic_onset), 0, 1)
    rate_hz = CLONIC_START_HZ * (CLONIC_END_HZ / CLONIC_START_HZ) ** done
    step = float(seconds[1] - seconds[0]) if len(seconds) > 1 else 0.0
    turns = np.cumsum(rate_hz * jerking) * step
    since = (turns % 1.0) / rate_hz
    pulse = np.where(since < 0.07, since / 0.07, np.exp(-(since - 0.07) / 0.12)) * jerking
    limp = _ramp(seconds, clonic_end + 0.3, 0.6)
    version = _ramp(seconds, tonic_onset - 1.2, 1.0) * (1 - _ramp(seconds, clonic_onset + 1, 1.5))
    tonic = stiff * (1 - _ramp(seconds, clonic_onset + 0.2, 0.6))
    clonic = _ramp(seconds, clonic_onset + 0.2, 0.6) * (1 - limp)
    return _Phases(begun * (1 - stiff), version, tonic, clonic, pulse, limp)


def _trunk(
    seizure: SimulatedSeizure, seconds: Array, phases: _Phases, thrash: Array, sway: Array, strength: float
) -> dict[str, Array]:
    """Return head, neck, shoulders and hips: breathing, rocking, the arched back of the tonic phase, the jerks."""
    breath = 0.008 * np.sin(2 * np.pi * 0.28 * seconds)
    tremor = 0.006 * phases.tonic * np.sin(2 * np.pi * TONIC_TREMOR_HZ * seconds)
    jerk = strength * phases.clonic * phases.pulse
    lift = 0.05 * phases.tonic + 0.07 * jerk + tremor + 0.06 * np.abs(sway)
    rock = 0.5 * thrash * sway
    turn = 0.03 * seizure.side * phases.version

    def at(x: float, y: float, z: float, share: float) -> Array:
        return np.stack([x + rock - 0.02 * jerk, y + share * (sway + turn), z + breath + share * lift], axis=-1)

    joints = {"head": at(0.2, 0.0, 0.2, 1.2), "neck": at(0.36, 0.0, 0.17, 1.0)}
    for side in SIDES:
        joints[f"shoulder{side}"] = at(0.43, 0.19 * side, 0.15, 1.0)
        joints[f"hip{side}"] = at(0.95, 0.13 * side, 0.12, 0.5)
    return joints


def _hand(
    seizure: SimulatedSeizure,
    side: int,
    seconds: Array,
    phases: _Phases,
    thrash: Array,
    strength: float,
    rng: np.random.Generator,
) -> Array:
    """Return the path (T, 3) of one hand: fumbling on the seizure's side, posture on the other, then both alike."""
    rest = np.array([0.93, 0.32 * side, 0.09])
    low_hz = rng.uniform(1.2, 1.8)
    fumble = np.stack([_wander(seconds, low_hz, low_hz + 0.8, rng) for _ in range(3)], axis=-1)
    targets = ([0.33, 0.16 * side, 0.27], [0.72, 0.06 * side, 0.27], [0.9, 0.24 * side, 0.22])
    if side == seizure.side:
        target, swing = np.array(targets[rng.integers(3)]), np.array([0.11, 0.08, 0.06]) * strength
    else:
        held = rng.random() < 0.5
        target, swing = (np.array([0.62, 0.42 * side, 0.36]) if held else rest), np.full(3, 0.008)
    calm = (phases.focal - 0.7 * np.minimum(thrash, phases.focal))[:, None]
    path: Array = rest + calm * (target - rest + swing * fumble)
    wild = np.stack([_wander(seconds, 0.8, 1.9, rng) for _ in range(3)], axis=-1)
    path = path + thrash[:, None] * (np.array([-0.16, 0.05 * side, 0.2]) + np.array([0.22, 0.17, 0.2]) * wild)
    extended = np.random.default_rng(list(seizure.room_seed.encode())).random() < 0.6
    stiff = np.array([0.8, 0.42 * side, 0.4]) if extended else np.array([0.52, 0.2 * side, 0.34])
    tremor = 0.012 * np.sin(2 * np.pi * TONIC_TREMOR_HZ * seconds)[:, None]
    path = path + phases.tonic[:, None] * (stiff - rest + tremor)
    bent = np.array([0.68, 0.3 * side, 0.22]) + phases.pulse[:, None] * strength * np.array([-0.2, -0.06 * side, 0.22])
    path += phases.clonic[:, None] * (bent - rest)
    return path


def _leg(
    side: int, seconds: Array, phases: _Phases, thrash: Array, strength: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the path (T, 3) of one foot, and how the knee is lifted from the line between hip and foot."""
    pedal = 0.5 + 0.5 * _wander(seconds, 0.6, 1.5, rng)
    small = 0.02 * _wander(seconds, 0.1, 0.3, rng)
    jerk = strength * phases.clonic * phases.pulse
    tremor = 0.008 * phases.tonic * np.sin(2 * np.pi * TONIC_TREMOR_HZ * seconds)
    kick = thrash * pedal
    foot = np.stack(
        [
            1.76 - 0.3 * kick - 0.1 * jerk + 0.03 * phases.tonic,
            0.13 * side + small + 0.05 * side * kick,
            0.09 + 0.06 * kick + 0.05 * phases.tonic + tremor + 0.04 * jerk,
        ],
        axis=-1,
    )
    height = 0.03 + 0.34 * kick + 0.2 * jerk + np.abs(small)
    return foot, np.stack([0 * height, 0.1 * side * height, height], axis=-1)


def _bend(start: Array, end: Array, length: float, pole: Array) -> Array:
    """Return the joint (T, 3) between two ends of a limb of two equal bones, bent towards `pole`."""
    reach = np.linalg.norm(end - start, axis=-1, keepdims=True)
    bulge = 0.5 * np.sqrt(np.maximum(length**2 - reach**2, 0.0))
    middle: Array = 0.5 * (start + end) + bulge * pole
    return middle


def _head_turn(
    seizure: SimulatedSeizure, seconds: Array, phases: _Phases, thrash: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return yaw and pitch (T,) in radians."""
    jerk = phases.clonic * phases.pulse
    looking = 0.25 * _wander(seconds, 0.05, 0.15, rng)
    side = seizure.side
    yaw = looking + 0.95 * side * phases.version + 0.5 * thrash * _wander(seconds, 0.6, 1.3, rng)
    yaw = yaw * (1 - 0.7 * phases.clonic) + 0.3 * side * jerk + 0.6 * side * phases.limp
    pitch = 0.15 * phases.tonic - 0.35 * jerk + 0.1 * thrash * _wander(seconds, 0.6, 1.3, rng)
    return yaw, pitch
