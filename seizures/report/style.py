"""The look that all figures share, and figures as SVG and PNG.

FOS is blue and a circle, TCS is orange and a diamond (Okabe and Ito's colours, distinct with any colour vision; the
shapes also in grey print). Figures are narrow, so that their text stays readable on a phone.
"""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

NEGATIVE_COLOUR, POSITIVE_COLOUR = "#0072B2", "#D55E00"
INK, MUTED, FAINT, CARE = "#1a1a1a", "#595959", "#d9d9d9", "#8a4b00"
WIDTH_INCHES = 5.2
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "svg.fonttype": "path",
    "svg.hashsalt": "seizures",
}


def lay_out(figure: Figure) -> None:
    """Give everything on a figure its place, once; else each file that it is saved as does so twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        with mpl.rc_context(STYLE):
            engine.execute(figure)
            figure.set_layout_engine(None)


def to_svg(figure: Figure) -> str:
    """Draw `figure` as SVG text; the same figure gives the same text, without a date."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def to_data_uri(svg: str) -> str:
    """Return SVG text as a data URI, for the src of an img."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def to_png(figure: Figure, dots_per_inch: float = 300) -> bytes:
    """Draw `figure` as a PNG, fine enough for print."""
    pixels, found = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(pixels, format="rgba", dpi=dots_per_inch)
    width, height = (int(inches * dots_per_inch) for inches in figure.get_size_inches())
    # Without the alpha that nothing uses, and by runs of equal pixels: a third less time than by matplotlib.
    picture = Image.frombytes("RGBA", (width, height), pixels.getvalue()).convert("RGB")
    picture.save(found, "png", dpi=(dots_per_inch, dots_per_inch), compress_type=zlib.Z_RLE)
    return found.getvalue()


def mark_simulated(figure: Figure) -> None:
    """Write on a figure that its films are simulated, so that it is told wherever the figure goes."""
    place = figure.suptitle if figure.get_supxlabel() else figure.supxlabel  # what stands below stays there
    place("simulated films, no patients", x=0.99, ha="right", color=CARE, fontsize=9)


def canvas(height_inches: float) -> tuple[Figure, Axes]:
    """Return a figure as wide as all, and its axes."""
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    return figure, figure.add_subplot()


def clear_rows(axes: Axes) -> None:
    """Leave of a chart with a row for each thing the vertical grid alone: no ticks and no line on the left."""
    axes.grid(axis="x", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
