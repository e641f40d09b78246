"""The errors that a user may meet, each a message for a person: what was wanted, what was found, where, what to do."""


class SeizuresError(Exception):
    """Base of every error whose message, without a traceback, is all that a user needs."""


class ManifestError(SeizuresError):
    """The manifest cannot be used; the message lists every fault with its row."""


class SettingsError(SeizuresError):
    """A setting has a value that cannot work; the message lists every fault."""


class VideoError(SeizuresError):
    """A video cannot be decoded into the frames that were asked for; the seizure is left out, the run goes on."""


class DamagedVideoError(VideoError):
    """A video is damaged within the window that was asked for, and the settings do not say to go on regardless."""


class TooShortError(VideoError):
    """A seizure is shorter than what is asked of it needs."""


class TransientError(SeizuresError):
    """A disk, a network or the memory failed, and not what was to be read: the next run tries it again."""


class SoftwareError(SeizuresError):
    """This software or its installation is at fault, and not what was to be read: nothing is kept of it."""


class FeatureFileError(SeizuresError):
    """A feature or frame file is not what its format says."""


class LeakError(SeizuresError):
    """A patient stands on two sides of a split."""


class TooFewSeizuresError(SeizuresError):
    """Too few seizures, patients or labels are left for what was asked."""
