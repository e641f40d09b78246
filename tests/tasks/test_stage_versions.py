"""When the code of a stage changes, its version is raised, or it is recorded that the change has no effect."""

from __future__ import annotations

import ast

import pytest
from stage_code import code_of, digest, present, recorded, stages

SOURCE = '''
"""A module."""
from typing import Any
import numpy as np
SCALE: float = 2.0
def scaled(values: Any) -> Any:
    """Scale."""
    return values * SCALE  # twice
'''


@pytest.mark.parametrize("name", stages())
def test_the_code_of_a_stage_is_the_recorded_one(name: str) -> None:
    now, then = present(stages()[name]), recorded().get(name, {"version": 0, "code": {}})
    both = sorted(now["code"].keys() | then["code"].keys())
    changed = [part for part in both if now["code"].get(part) != then["code"].get(part)]
    assert now == then, (
        f"{name}: changed since it was recorded: {', '.join(changed) or 'its version'}. Raise the version of {name} in "
        f"{stages()[name].__module__}, or record that the change has no effect on its results: "
        f"make record STAGE={name} (after raising it, record it too)"
    )


def test_no_stage_is_recorded_that_is_gone() -> None:
    assert recorded().keys() == stages().keys()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Scale."""', '"""Multiply."""'),
        ("# twice", ""),
        ("values: Any) -> Any", "values) -> float"),
        ("SCALE: float = 2.0", "SCALE: int = 2.0"),
        ("from typing import Any", "from typing import Any, Callable"),
        ("    return values * SCALE", "    return (\n        values * SCALE\n    )"),
    ],
)
def test_what_is_not_executed_does_not_count(old: str, new: str) -> None:
    assert old in SOURCE
    assert digest([ast.parse(SOURCE)]) == digest([ast.parse(SOURCE.replace(old, new))])


@pytest.mark.parametrize(
    ("old", "new"), [("2.0", "2"), ("values * SCALE", "SCALE * values"), ("import numpy", "import scipy")]
)
def test_what_is_executed_counts(old: str, new: str) -> None:
    assert old in SOURCE
    assert digest([ast.parse(SOURCE)]) != digest([ast.parse(SOURCE.replace(old, new))])


@pytest.mark.parametrize(
    ("name", "computes", "does_not"),
    [
        ("SimulateRecording", "seizures.simulation.scenery", "seizures.video.filters"),
        ("DecodeRecording", "seizures.video.filters", "seizures.simulation.rendering"),
        ("ExtractFeatures", "models.stcnn", "seizures.classification.training"),
        ("AssignFolds", "seizures.classification.folds", "seizures.evaluation.predictions"),
        ("TrainFold", "models.aggregation", "seizures.evaluation.predictions"),
        ("EvaluateFold", "seizures.evaluation.predictions", "seizures.report.page"),
        ("ScorePredictions", "seizures.evaluation.metrics", "models.aggregation"),
        ("WriteReport", "seizures/report/templates/report.html.j2", "models.stcnn"),
    ],
)
def test_the_code_of_a_stage_is_found_through_its_imports(name: str, computes: str, does_not: str) -> None:
    code = code_of(stages()[name])
    assert computes in code
    assert does_not not in code
    assert "seizures.settings" not in code
