"""High dynamic range (HLG and PQ, as phones record it) to the picture that an ordinary screen shows.

Each sample is brought to light by the transfer function of ITU-R BT.2100 (HLG on its nominal display of 1000 cd/m2,
whose system gamma of 1.2 is applied to each channel, as ffmpeg's `zscale` does), divided by the 203 cd/m2 of diffuse
white (ITU-R BT.2408), and taken to the BT.709 primaries. Up to 80 % of white nothing changes; from there on a Moebius
curve, that of ffmpeg's `tonemap=mobius`, bends all that is brighter below white. BT.1886 (gamma 2.4) makes samples of
it again. PyAV's libavfilter has no `zscale`, which does the same.
"""

from __future__ import annotations

import functools

import av
import numpy as np
from numpy.typing import NDArray

_HLG, _PQ = 18, 16  # AVCOL_TRC_ARIB_STD_B67 and AVCOL_TRC_SMPTE2084
_WHITE = 203.0  # cd/m2 of diffuse white
_PEAK = 1000.0  # cd/m2; what is brighter is white
_KNEE = 0.8  # of white, in light
_GAMMA = 2.4
_TO_BT709 = {  # linear light, ITU-R BT.2087 and SMPTE EG 432-1; other primaries are taken for BT.2020
    1: np.eye(3),
    9: np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    12: np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
}
_NAMES = {_HLG: "HLG", _PQ: "PQ"}


def transfer_of(frame: av.VideoFrame) -> str:
    """Return `HLG` or `PQ` where a frame is one of these; empty where it needs no tone mapping."""
    return _NAMES.get(frame.color_trc, "")


def tone_mapped(samples: NDArray[np.uint16], transfer: str, primaries: int) -> NDArray[np.uint8]:
    """Return RGB of an ordinary screen, uint8 (H, W, 3), for RGB of `transfer`, uint16 (H, W, 3), 65535 the top.

    Args:
        samples: non-linear RGB with the primaries of the film.
        transfer: `HLG` or `PQ`.
        primaries: the film's, by their number in ITU-T H.273.

    """
    matrix = _TO_BT709.get(primaries, _TO_BT709[9]).astype(np.float32)
    light = np.maximum(_light(transfer)[samples] @ matrix.T, 0.0)
    brightest = light.max(axis=-1, keepdims=True)
    light *= _bent(brightest) / np.maximum(brightest, 1e-6)
    return np.asarray(np.rint(255 * np.clip(light, 0.0, 1.0) ** (1 / _GAMMA)), np.uint8)


@functools.cache
def _light(transfer: str) -> NDArray[np.float32]:
    """Return the light of each of the 65536 samples, diffuse white being 1."""
    signal = np.arange(65536) / 65535
    if transfer == "HLG":
        a = 0.17883277
        b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        nits = _PEAK * scene**1.2
    else:
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = signal ** (1 / m2)
        nits = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return np.asarray(nits / _WHITE, np.float32)


def _bent(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bend what is above the knee so that the peak is white; slope 1 at the knee."""
    peak, knee = _PEAK / _WHITE, _KNEE
    a = -(knee**2) * (peak - 1) / (knee**2 - 2 * knee + peak)
    b = (knee**2 - 2 * knee * peak + peak) / (peak - 1)
    bent = (b**2 + 2 * b * knee + knee**2) / (b - a) * (light + a) / (light + b)
    return np.where(light <= knee, light, bent).astype(np.float32)
