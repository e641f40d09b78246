"""Features to whether two patients have the same ones, before anything is trained on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seizures.errors import LeakError
from seizures.manifest.identity import SeizureId
from tasks.machinery.atomic import write_json
from tasks.settings.sections import Dataset, section
from tasks.stage.stage import Stage
from tasks.stages.features import FeatureStage, all_features, features_of
from tasks.stages.folds import fold_items

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from seizures.manifest.identity import RecordingId

_MOST_NAMED = 5
_SHARED = (
    "two patients have the same features, and would be trained on and scored at once; give one patient one id, set "
    "use = skip in the rows of one, or say in [Dataset] allow_shared_films why it is right:"
)


class CompareFeatures(Stage):
    """Compare the features of all patients with each other, those that were imported with those that were made here.

    The content of the films was compared before; this finds what is equal although its files are not.
    """

    @property
    def label(self) -> str:
        """One comparison of all."""
        return "features"

    def requires(self) -> list[FeatureStage]:
        """Require all features."""
        return all_features()

    def reads(self) -> dict[str, Any]:
        """Return which seizures are good, and whether two patients may be the same."""
        return {
            "seizures": [item.id.name for item in fold_items()],
            "allowed": bool(section(Dataset).allow_shared_films),
        }

    def produce(self, path: Path) -> None:
        """Compare; write the pairs, where somebody has said why there are some."""
        from seizures.features.file import open_features
        from seizures.features.shared_rows import row_hashes, shared_rows

        hashes: dict[RecordingId, npt.NDArray[np.uint64]] = {}
        for seizure in sorted(item.id for item in fold_items()):
            with open_features(features_of(seizure).path) as file:
                hashes |= {seizure.view(name): row_hashes(view.read(), view.valid) for name, view in file.views.items()}
        found = shared_rows(hashes)
        if found and not self.recipe["reads"]["allowed"]:
            lines = [
                f"{one.other.name} has {one.num_rows} of {one.of} rows of features that are those of {one.one.name}"
                for one in found[:_MOST_NAMED]
            ]
            lines += [f"and {len(found) - _MOST_NAMED} more such pairs"] if len(found) > _MOST_NAMED else []
            raise LeakError("\n  ".join([_SHARED, *lines]))
        write_json(path, [one._asdict() for one in found])


def patients_with_equal_features() -> list[tuple[str, str]]:
    """Return the pairs of patients who share features, each once; CompareFeatures must be complete."""
    said = json.loads(CompareFeatures().path.read_text(encoding="utf-8"))
    pairs = ((SeizureId(*one["one"][:2]), SeizureId(*one["other"][:2])) for one in said)
    return list(dict.fromkeys((one.patient_id, other.patient_id) for one, other in pairs))
