"""A picture before it is drawn: the function that draws it, the numbers, and a key that says whether it is another."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from seizures.report.style import mark_simulated
from seizures.settings import digest


class Sketch(NamedTuple):
    """A picture that can be drawn.

    Attributes:
        function: what draws it, with all that it is given; that may hold tables, dataclasses, and what JSON can hold.
        numbers: those behind it, for a person.
        is_simulated: whether it says that its films are simulated.
    """

    function: partial[Figure]
    numbers: pd.DataFrame
    is_simulated: bool = False

    def draw(self) -> Figure:
        """Draw it."""
        figure = self.function()
        if self.is_simulated:
            mark_simulated(figure)
        return figure

    @property
    def key(self) -> str:
        """The digest of all that decides the picture, but for the code that draws it."""
        given = {"arguments": [_plain(item) for item in self.function.args],
                 "by_name": {name: _plain(item) for name, item in self.function.keywords.items()}}  # fmt: skip
        name = self.function.func.__qualname__
        return digest({"function": name, **given, "is_simulated": self.is_simulated, "matplotlib": mpl.__version__})


def _plain(item: Any) -> Any:
    """Return a table as CSV, whose numbers are exact, and anything else as it is."""
    return item.to_csv(index=False) if isinstance(item, pd.DataFrame) else item
