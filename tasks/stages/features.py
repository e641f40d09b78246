"""Frames to features: one task a seizure, with the network loaded once a process."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import models
from seizures.errors import DamagedVideoError, VideoError
from seizures.manifest.identity import RecordingId, SeizureId
from seizures.manifest.recordings import Recording
from seizures.settings import digest
from tasks.cohort import manifest as cohort
from tasks.cohort.imported_features import is_imported
from tasks.cohort.manifest import LeftOut
from tasks.cohort.networks import frame_size_of, weights_identity
from tasks.machinery.processes import computing
from tasks.machinery.progress import progress
from tasks.settings.sections import Features, Frames, Machine, section
from tasks.settings.ways import network_of, stride_of, weights_of
from tasks.stage.mixins import NetworkMixin, SeizureMixin
from tasks.stage.stage import BAD_EXTENSION, Amount, Stage
from tasks.stages.earlier_features import EarlierFeatures, find_earlier
from tasks.stages.imported import ImportedFeatures
from tasks.stages.videos import DecodeRecording

MOVEMENT = "movement"  # the network of the baselines

if TYPE_CHECKING:
    from seizures.features.extraction import SnippetNetwork
    from seizures.features.schema import FeatureHeader

_logger = logging.getLogger(__name__)


class ExtractFeatures(SeizureMixin, NetworkMixin, Stage):
    """Turn the frames of every good view of a seizure into one feature file."""

    extension = "h5"
    leaves_out = (VideoError,)
    # One at a time, since it takes the whole GPU, or all cores; `[resources] network = 2` in luigi.cfg allows two.
    resources = {"network": 1}  # noqa: RUF012  # declared so by Luigi

    def requires(self) -> list[DecodeRecording]:
        """Require the frames of every view; none of them where an earlier result has the features already."""
        return [] if not self.complete() and self.earlier() is not None else self.frames()

    def upstream(self) -> list[DecodeRecording]:
        """Return the frames, which decide the features, also where these are copied."""
        return self.frames()

    def frames(self) -> list[DecodeRecording]:
        """Return the tasks that decode the views."""
        return [decoded(item.id, _whose_frames(self.network)) for item in self.seizure.recordings]

    def earlier(self, *, thorough: bool = False) -> EarlierFeatures | None:
        """Return a result of this seizure that has the same features, and says something else of the seizure."""
        return find_earlier(self.path, self.recipe, self.good_views(), thorough=thorough)

    def complete(self) -> bool:
        """Tell whether it exists, and was made of every view that is good by now: other versions try bad ones again."""
        was_bad = any(stage.file(BAD_EXTENSION).exists() for stage in self.frames())
        if not super().complete() or not was_bad or not self.is_made():
            return super().complete()
        from seizures.features.file import open_features

        with open_features(self.path) as features:
            return set(features.views) == set(self.good_views())

    def reads(self) -> dict[str, Any]:
        """Return the network, its weights, the stride, and what the feature file says of the seizure."""
        features, seizure = section(Features), self.seizure
        return {
            "network": network_of(self.network),
            "weights": weights_identity(self.network),
            "stride_frames": stride_of(self.network),
            "precision": features.precision,
            "frame_rate_hz": section(Frames).frame_rate_hz,
            "label": seizure.label,
            "clonic_onset_seconds": seizure.clonic_onset_seconds,
            "uses": {item.view: item.use for item in seizure.recordings},
        }

    def produce(self, path: Path) -> Amount | None:
        """Extract from the views that were decoded, or copy what an earlier result has of them."""
        earlier = self.earlier(thorough=True)
        if earlier is None:
            self.copied_from = ""
            return self._extract(path)
        from seizures.features.copying import rewrite

        self.device, self.copied_from = earlier.device, earlier.key
        said = {item.view: _attributes(item) for item in self.seizure.recordings}
        rewrite(earlier.path, path, views={view: said[view] for view in self.good_views()}, header=self._header())
        _logger.info("%s: its features are copied from %s; no network ran", self.label, earlier.path.name)
        return None

    def _extract(self, path: Path) -> Amount:
        from seizures.features.extraction import choose_device, extract_seizure
        from seizures.provenance import device_name

        frames = {stage.view: stage.result for stage in self.frames() if stage.bad_reason() is None}
        good = {view: frames[view] for view in self.good_views()}  # frames that were made again may have turned out bad
        if not good:
            raise VideoError("; ".join(f"{stage.view}: {stage.bad_reason()}" for stage in self.frames()))
        features, machine = section(Features), section(Machine)
        name, weights = network_of(self.network), weights_of(self.network)
        with (
            computing(machine.num_threads or None),
            progress(self, self.with_network(self.label), "snippets") as report_progress,
        ):
            device = choose_device(machine.device)
            self.device = device_name(device)
            num_snippets = extract_seizure(
                good,
                loaded_network(name, weights, features.weights_dir, features.precision, device),
                path,
                self._header(),
                view_attributes={item.view: _attributes(item) for item in self.seizure.recordings},
                batch_size=machine.snippets_per_batch,
                device=device,
                precision=features.precision,
                progress=report_progress,
            )
        return Amount(num_snippets, "snippets")

    def _header(self) -> FeatureHeader:
        from seizures.features.schema import FeatureHeader

        read = self.recipe["reads"]
        spec = models.network_spec(read["network"])
        weights, folder = weights_of(self.network) or None, section(Features).weights_dir or None
        return FeatureHeader(
            patient_id=self.patient_id,
            seizure_id=self.seizure_id,
            label=self.seizure.label,
            recipe=self.recipe,
            recipe_key=self.key,
            network=read["network"],
            weights_sha256=read["weights"],
            frames_per_snippet=spec.span_frames,
            stride_frames=read["stride_frames"],
            frame_rate_hz=read["frame_rate_hz"],
            frame_step=spec.frame_step,
            weights_file_sha256=models.pinned_sha256(spec.name, weights, folder),
        )

    @functools.cached_property
    def film(self) -> str:
        """What tells the film of this seizure's first view from others, and says nothing of the ids."""
        return digest(min(self.frames(), key=lambda stage: stage.view).films())

    def good_views(self) -> list[str]:
        """Return the views that could be decoded."""
        return [stage.view for stage in self.frames() if stage.bad_reason() is None]

    def left_out(self) -> list[LeftOut]:
        """Return the views that could not be decoded, or the whole seizure where none could."""
        own = self.bad_reason()
        if own is not None:
            return [LeftOut(*self.id, "", own)]
        reasons = [(stage.id, stage.bad_reason()) for stage in self.frames()]
        return [LeftOut(*recording, why) for recording, why in reasons if why is not None]

    def is_skipped(self, view: str) -> bool:
        """Tell whether a view that is left out, or all of them (``), is damaged, and the settings say to skip those."""
        kinds = [stage.bad_kind() for stage in self.frames() if stage.bad_kind() and view in ("", stage.view)]
        is_damage = bool(kinds) and all(kind == DamagedVideoError.__name__ for kind in kinds)
        return is_damage and section(Frames).damaged == "skip"


FeatureStage = ExtractFeatures | ImportedFeatures


def _attributes(item: Recording) -> dict[str, Any]:
    names = ("onset_seconds", "offset_seconds", "clonic_onset_seconds", "use")
    return {name: getattr(item, name) for name in names}


def _whose_frames(network: str) -> str:
    """Return the network whose frames a network takes: that of [Features], empty, where their frames are the same."""
    own = section(Features).network
    is_known = not network or models.is_network(own)
    return "" if is_known and frame_size_of(network) == frame_size_of("") else network_of(network)


@functools.cache
def decoded(recording: RecordingId, network: str = "") -> DecodeRecording:
    """Return the task of one view; Luigi's constructor is slow."""
    return DecodeRecording(**recording._asdict(), network=network)


@functools.cache
def features_of(seizure: SeizureId, network: str = "") -> FeatureStage:
    """Return the task of one seizure, which has a video or whose features are imported; Luigi's constructor is slow."""
    if is_imported(cohort.seizure(seizure)):
        return ImportedFeatures(**seizure._asdict())
    other = "" if network == section(Features).network else network
    return ExtractFeatures(**seizure._asdict(), network=other)


def all_features(network: str = "") -> list[FeatureStage]:
    """Return the task of every seizure that the manifest does not leave out, by [Features]' network or another."""
    return [features_of(seizure, network) for seizure in cohort.seizures()]


def movement_features() -> list[FeatureStage]:
    """Return the task of every seizure with a video by the network of the baselines, from the same frames."""
    return [features_of(item.id, MOVEMENT) for item in cohort.seizures().values() if not is_imported(item)]


def features_of_run() -> list[FeatureStage]:
    """Return all features that a run asks for, each once: those of [Features], and movement for the baselines."""
    return list({stage.task_id: stage for stage in (*all_features(), *movement_features())}.values())


@functools.cache
def loaded_network(name: str, weights: str, weights_dir: str, precision: str, device: str) -> SnippetNetwork:
    """Return the network, ready for its device; it is loaded once a process."""
    network, machine = models.load_network(name, weights or None, weights_dir or None), section(Machine)
    network.frame_size = frame_size_of(name)
    if device == "cpu" and precision != "float32":  # what the engines of a CPU compute is float32
        return cast("SnippetNetwork", network)
    prepared = models.prepare(network, engine=machine.engine, device=device, num_threads=machine.num_threads)
    return cast("SnippetNetwork", prepared)
