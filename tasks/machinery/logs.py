"""How a log line reads: time, level, message; a user's mistake without its traceback."""

from __future__ import annotations

import logging

from models.errors import ModelsError
from seizures.errors import SeizuresError


class PlainFormatter(logging.Formatter):
    """A formatter that shows an error meant for a person as its message alone, and any other with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines, of a record."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, (SeizuresError, ModelsError)):
            return super().format(record)
        plain = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
        return f"{super().format(plain)}: {error}"
