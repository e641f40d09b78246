"""The errors that a user of the networks may meet, each a message for a person: wanted, found, where, what to do."""

from __future__ import annotations


class ModelsError(Exception):
    """Base of every error of `models` whose message, without a traceback, is all that a user needs."""


class UnknownNameError(ModelsError):
    """No network or aggregation of that name is registered; the message names the nearest that is."""


class WeightsError(ModelsError):
    """The weights cannot be fetched, are not the file that was wanted, or do not fit the network."""
