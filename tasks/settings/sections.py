"""The settings a person may write in luigi.cfg or on the command line: one class a section, each key documented here.

A section is named for what it sets (`[Training]`), never for a task, since Luigi gives both one namespace. The
methods named `settings` hand a stage of the library the frozen values that it reads. What stands in `[Machine]`
changes how fast a result comes, never what it is, and so is in no key.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, TypeVar, cast

import luigi

from seizures.errors import SettingsError
from seizures.manifest.table import as_one_line
from seizures.settings import (
    AS_PROTOCOL,
    DEALINGS,
    LOSSES,
    CalibrationSettings,
    EvaluationSettings,
    FoldSettings,
    FrameSettings,
    SnippetSettings,
    TrainingSettings,
    part_of_protocol,
    selection_of,
)
from seizures.simulation.cohort import DEFAULT_SEED
from tasks.settings.files import expand_path

SectionT = TypeVar("SectionT", bound=luigi.Config)

_FRAMES, _FOLDS, _TRAINING, _EVALUATION = FrameSettings(), FoldSettings(), TrainingSettings(), EvaluationSettings()


# On an instance, Luigi puts the value in the place of the parameter: a section's fields have the type of their values.
def _text(default: str, description: str) -> str:
    return luigi.Parameter(default=default, description=description)


class PathParameter(luigi.Parameter):
    """The path of a file or folder, in which `~` and `$NAME` may stand."""

    def parse(self, text: str) -> str:
        """Return the path with `~` and `$NAME` replaced."""
        return expand_path(text)


def _path(default: str, description: str) -> str:
    return PathParameter(default=default, description=description)


def _whole(default: int, description: str) -> int:
    return luigi.IntParameter(default=default, description=description)


def _number(default: float, description: str) -> float:
    return luigi.FloatParameter(default=default, description=description)


def _switch(default: bool, description: str) -> bool:
    explicit = luigi.BoolParameter.EXPLICIT_PARSING
    return luigi.BoolParameter(default=default, description=description, parsing=explicit)


def _numbers(name: str, text: str) -> tuple[float, ...]:
    """Return the numbers of a setting that has commas between them."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"{name} = {text}: expected numbers with commas between them, as in 0.1, 0.5") from error


class Dataset(luigi.Config):
    """Which seizures, and where their videos are."""

    manifest = _path("data_manifest.csv", "the table of recordings")
    video_root = _path("videos", "the folder that the manifest's video names start from")
    allow_outside_video_root = _switch(False, "let the manifest name videos outside video_root")
    site_profile = _path("", "a file with the crop and mask of each view; empty: those of the manifest alone")
    features = _path("", "the folder of imported feature files, for seizures without a video; ImportFeatures makes one")
    allow_mixed_features = _switch(False, "train on features that were made in different ways")
    allow_shared_films = _text("", "why two patients may be in one film, such as two beds in a room; it is reported")
    study = _path("study.toml", "what only the authors know, for the checklists; a file that is not there says nothing")
    time_zone = _text("UTC", "the zone of the manifest's clock times, such as Europe/London")
    labels = _text("FOS, TCS", "the two labels; the second one is the positive class")
    minimum_duration_seconds = _number(15.0, "shorter seizures are left out, and named")

    def label_names(self) -> tuple[str, str]:
        """Return the negative and the positive label."""
        negative, positive = (as_one_line(part) for part in self.labels.split(","))
        return negative, positive


class Demo(luigi.Config):
    """The simulated cohort that a fresh clone runs on."""

    enabled = _switch(False, "render the simulated videos that the manifest names, instead of reading video_root")
    num_patients = _whole(12, "patients of the simulated cohort")
    num_seizures = _whole(36, "seizures of the simulated cohort")
    seed = _whole(DEFAULT_SEED, "the seed of the simulated cohort")
    min_duration_seconds = _number(15.0, "its shortest seizure")
    max_duration_seconds = _number(40.0, "its longest seizure")


class Results(luigi.Config):
    """Where results go."""

    root = _path("results", "the folder of all results")
    group_writable = _switch(False, "let the group read and write the results; else they are their owner's alone")


class Frames(luigi.Config):
    """How a video becomes frames (DecodeRecording)."""

    frame_rate_hz = _number(_FRAMES.frame_rate_hz, "the uniform clock on which frames are taken")
    preprocessing = _text(_FRAMES.preprocessing, "letterbox (the paper's) or center_crop (Kinetics' usual)")

    deinterlace = _text(_FRAMES.deinterlace, "auto (as the frames show), always or never")
    damaged = _text(_FRAMES.damaged, "a damaged recording: fail and skip leave it out, mask marks the damaged time")
    raw_rate_hz = _number(_FRAMES.raw_rate_hz, "frame rate of raw streams (.h264, .mjpg) that state none; 0: unknown")

    def settings(self) -> FrameSettings:
        """Return the values that decoding reads."""
        return FrameSettings(self.frame_rate_hz, self.preprocessing, self.deinterlace, self.damaged, self.raw_rate_hz)


class Features(luigi.Config):
    """How frames become features (ExtractFeatures)."""

    network = _text(
        "r2plus1d_34_8_kinetics",
        "the network that turns a snippet into a feature vector, or module:function of your own",
    )
    weights = _path("", "a weights file, random:<seed>, or empty for the public weights of that network")
    weights_dir = _path("", "where public weights are kept; empty: the user's cache folder")
    stride_frames = _whole(1, "frames from the start of one snippet to the start of the next")
    precision = _text("float32", "float32; on CUDA also tf32, float16 or bfloat16: faster, and not the same features")


class Folds(luigi.Config):
    """How patients are dealt into folds (AssignFolds)."""

    num_folds = _whole(_FOLDS.num_folds, "folds; no patient is in two of them")
    seed = _whole(_FOLDS.seed, "the seed of the dealing")
    num_repeats = _whole(
        1, "the patients are dealt this often, with the seeds seed, seed + 1, ...; scores are the mean"
    )
    dealing = _text(
        AS_PROTOCOL, "patients; seizures, as the paper (to reproduce only); auto: as [Training] protocol says"
    )
    group = _text(_FOLDS.group, "what is held out together: patient, or a column of the manifest, such as site")

    def settings(self) -> FoldSettings:
        """Return the values that the first dealing reads."""
        dealing = part_of_protocol("dealing", self.dealing, DEALINGS, section(Training).protocol)
        return FoldSettings(self.num_folds, self.seed, dealing, self.group)


class Training(luigi.Config):
    """How a classifier is fitted (TrainFold)."""

    aggregation = _text(_TRAINING.aggregation, "mean, lstm, blstm, attention, tcn or transformer")
    hidden_units = _whole(_TRAINING.hidden_units, "units (of an LSTM, in each direction)")
    num_segments = _whole(_TRAINING.num_segments, "equal segments of a seizure, one snippet from each")
    gamma = _number(_TRAINING.gamma, "Beta(gamma, gamma) places the snippet in its segment; inf: the middle")
    learning_rate = _number(_TRAINING.learning_rate, "of AdamW")
    weight_decay = _number(_TRAINING.weight_decay, "of AdamW")
    batch_size = _whole(_TRAINING.batch_size, "sequences in a step")
    num_epochs = _whole(_TRAINING.num_epochs, "epochs")
    protocol = _text(_TRAINING.protocol, "patient, nested (inner folds choose the epoch), paper (to reproduce only)")
    loss = _text(AS_PROTOCOL, "weighted (the classes weigh the same), paper (the authors'); auto: as protocol says")
    beginnings = _text(
        _TRAINING.beginnings, "none; random: in each epoch, half of the sequences are cut to a beginning"
    )
    num_inner_folds = _whole(_TRAINING.num_inner_folds, "inner folds of protocol = nested")
    num_seeds = _whole(3, "every fold is trained once with each of the seeds 0, 1, ...")

    def settings(self) -> TrainingSettings:
        """Return the values that training reads, without the number of seeds: each seed is a task of its own."""
        return TrainingSettings(
            aggregation=self.aggregation,
            hidden_units=self.hidden_units,
            num_segments=self.num_segments,
            gamma=self.gamma,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            num_epochs=self.num_epochs,
            selection=selection_of(self.protocol),
            num_inner_folds=self.num_inner_folds,
            loss=part_of_protocol("loss", self.loss, LOSSES, self.protocol),
            beginnings=self.beginnings,
        )


class Sweep(luigi.Config):
    """Which settings of [Training] are tried by which others (RunSweep)."""

    grid = _text("aggregation=mean,lstm,blstm; num_segments=2,4,8,16; gamma=1,1.25,2,4,inf", "the paper's 60 cells")


class Snippets(luigi.Config):
    """Which networks are compared on single snippets (RunSnippets)."""

    networks = _text(
        "r2plus1d_34_8_kinetics, r2plus1d_34_32_kinetics, resnet_34, wide_resnet_50_2",
        "those that are compared; the first is the reference",
    )
    sampling = _text(SnippetSettings().sampling, "what is trained on: balanced, or middles (the authors')")

    def names(self) -> list[str]:
        """Return the names of the networks, each once."""
        return list(dict.fromkeys(filter(None, (part.strip() for part in self.networks.split(",")))))

    def settings(self) -> SnippetSettings:
        """Return the values that the training reads."""
        return SnippetSettings(sampling=self.sampling)


class Evaluation(luigi.Config):
    """How sure the scores are (ScorePredictions)."""

    num_bootstraps = _whole(
        _EVALUATION.num_bootstraps, "random draws of patients: p values, medians, the ROC curve's band"
    )
    confidence_level = _number(_EVALUATION.confidence_level, "of the intervals")
    seed = _whole(_EVALUATION.seed, "the seed of the resampling")
    prevalences = _text("", "shares of the positive label to tell predictive values for, as in 0.1, 0.5")
    subgroups = _text("", "columns of the manifest, with commas between them, whose values are scored by themselves")
    target_accuracy = _number(
        CalibrationSettings().target_accuracy, "share of the called seizures that shall be right, else it abstains"
    )

    def settings(self) -> EvaluationSettings:
        """Return the values that the evaluation reads.

        Raises:
            SettingsError: a prevalence is no number, or a value is out of its range.
        """
        prevalences = _numbers("prevalences", self.prevalences)
        return EvaluationSettings(self.num_bootstraps, self.confidence_level, self.seed, prevalences)

    def calibration(self) -> CalibrationSettings:
        """Return the values that decide when a classifier abstains.

        Raises:
            SettingsError: a value is out of its range.
        """
        return CalibrationSettings(self.target_accuracy)

    def subgroup_names(self) -> list[str]:
        """Return the names of the columns, each once."""
        return list(dict.fromkeys(filter(None, (as_one_line(part) for part in self.subgroups.split(",")))))


class Report(luigi.Config):
    """What pages show (RunAll, Predict)."""

    pictures_of_patients = _switch(False, "clips and pictures of the films on a seizure's page; it stays in the house")


class Machine(luigi.Config):
    """How fast, never what: no key holds any of these."""

    device = _text("auto", "auto, cpu, cuda or cuda:<index>")
    engine = _text("auto", "what runs the network on a CPU: torch, openvino, or auto: OpenVINO where it is installed")
    snippets_per_batch = _whole(0, "snippets in one pass of the network; 0: 16 on a CPU, on CUDA as many as fit")
    num_threads = _whole(0, "threads of one task; 0: all cores for the network, one for training")


SECTIONS: tuple[type[luigi.Config], ...] = (
    Dataset, Demo, Results, Frames, Features, Folds, Training, Sweep, Snippets, Evaluation, Report, Machine,
)  # fmt: skip


def section(of: type[SectionT]) -> SectionT:
    """Return the one instance of a section; Luigi's constructor is slow, and a run asks thousands of times."""
    return cast("SectionT", _instance(of))


@functools.cache  # whose own type would make every setting Any
def _instance(of: type[luigi.Config]) -> luigi.Config:
    return of(**_replaced().get(of, {}))


@functools.cache
def _replaced() -> dict[type[luigi.Config], dict[str, Any]]:
    return {}


def replace_settings(of: type[luigi.Config], **values: Any) -> None:
    """Let a section have other values in this process: those of a command that brings its own, as Predict does.

    Call it before anything asks for the section's values; what is cached of them stays as it was.
    """
    _replaced().setdefault(of, {}).update(values)
    _instance.cache_clear()


def results_root() -> Path:
    """Return the folder of all results."""
    return Path(section(Results).root)
