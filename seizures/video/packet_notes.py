"""What the packets of one reading say of a film's clock and of its key frames."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class PacketNotes:
    """Found while the packets of a file are read once; times are seconds of the file's own clock.

    Attributes:
        restarts_seconds: where the clock starts again, on the clock that goes on.
        num_disbelieved: packets whose stamps are off, alone or a few together, and are not believed.
        keyless_from_seconds: the key frame behind which it is longest to the next one, or to the end.
        keyless_seconds: how long that is.

    """

    restarts_seconds: list[float] = field(default_factory=list)
    num_disbelieved: int = 0
    keyless_from_seconds: float = 0.0
    keyless_seconds: float = 0.0
    _key_seconds: float | None = None

    def take(self, seconds: float, *, is_key: bool) -> None:
        """Take the next packet, in the order of decoding."""
        if self._key_seconds is not None and seconds - self._key_seconds > self.keyless_seconds:
            self.keyless_from_seconds, self.keyless_seconds = self._key_seconds, seconds - self._key_seconds
        if is_key:
            self._key_seconds = seconds
