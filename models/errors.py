"""Errors that a user of the networks may meet. Each message says what was expected, what was found, and what to do."""

from __future__ import annotations


class ModelsError(Exception):
    """Base of the errors of `models` that a user can mend: the message is all they need, no traceback."""


class UnknownNameError(ModelsError):
    """No network or aggregation of that name is registered."""


class WeightsError(ModelsError):
    """The weights cannot be downloaded, are not the expected file, or do not fit the network."""
