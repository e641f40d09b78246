"""Integrated gradients add up to what they explain, point the right way, and what they name matters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from classifier_examples import NUM_SEGMENTS, classifier, middles

import models
from seizures.prediction.attribution import attribute, delete_segments
from seizures.prediction.calibrator import logit
from seizures.settings import TrainingSettings


@pytest.mark.parametrize("aggregation", models.aggregation_names())
@pytest.mark.parametrize("seed", range(3))
def test_the_shares_add_up_to_the_difference_of_the_log_odds(aggregation: str, seed: int) -> None:
    settings = TrainingSettings(aggregation=aggregation, hidden_units=8, num_segments=NUM_SEGMENTS)
    one = classifier(training=vars(settings), scale=1.5)
    found = attribute(one, middles(seed))
    total = sum(map(sum, found.values.values()))
    assert total == pytest.approx(found.log_odds - found.baseline_log_odds, rel=0.01, abs=1e-4)
    assert found.log_odds == pytest.approx(float(logit(one.answer(middles(seed)).probability)), abs=1e-4)


@pytest.mark.parametrize("scale", [10.0, 40.0])
def test_the_shares_add_up_where_the_answer_turns_within_a_small_part_of_the_way(scale: float) -> None:
    """Weights this large make the log-odds jump along the line, as those of a long training do."""
    one, there = classifier(scale=scale), middles(5)
    found = attribute(one, there)
    total = sum(map(sum, found.values.values()))
    assert total == pytest.approx(found.log_odds - found.baseline_log_odds, rel=0.01, abs=1e-3)


def test_a_snippet_at_the_baseline_has_no_share() -> None:
    one, there = classifier(), middles(1)
    there["large"][2] = one.baseline
    assert attribute(one, there).values["large"][2] == pytest.approx(0, abs=1e-9)


def test_a_linear_classifier_gives_each_snippet_its_own_part() -> None:
    """With the mean aggregation, one view and one seed the log-odds are linear, so the shares are known exactly."""
    settings = TrainingSettings(aggregation="mean", num_segments=NUM_SEGMENTS)
    nothing = {"method": "none", "slope": 1.0, "intercept": 0.0}
    one = classifier(training=vars(settings), seeds=[0], calibration=nothing, scale=1.0)
    there = middles(3, ("large",))
    weight = one.networks[0].fc.weight.detach()
    expected = (there["large"] - one.baseline) @ (weight[1] - weight[0]) / NUM_SEGMENTS
    assert np.allclose(attribute(one, there).values["large"], expected.numpy(), atol=1e-5)


def test_what_is_named_matters_more_than_what_is_drawn() -> None:
    """Only one segment of each view speaks: without it the answer falls back, without others it stays."""
    settings = TrainingSettings(aggregation="mean", num_segments=NUM_SEGMENTS)
    one = classifier(training=vars(settings), decision=None, scale=1.0)
    direction = torch.stack([network.fc.weight[1] - network.fc.weight[0] for network in one.networks]).mean(0).detach()
    there = {view: one.baseline.repeat(NUM_SEGMENTS, 1) for view in ("large", "small")}
    for values in there.values():
        values[1] += 20 * direction / direction.norm()
    found = attribute(one, there)
    assert all(int(np.argmax(values)) == 1 for values in found.values.values())
    deleted = delete_segments(one, there, found)
    assert deleted.top > deleted.random_mean
    assert deleted.share_below > 0.9
    assert deleted == delete_segments(one, there, found)


def test_the_networks_are_left_as_they_are() -> None:
    one = classifier()
    before = [parameter.clone() for network in one.networks for parameter in network.parameters()]
    attribute(one, middles())
    after = [parameter for network in one.networks for parameter in network.parameters()]
    assert all(
        torch.equal(a, b) and a.dtype == torch.float32 and b.grad is None for a, b in zip(before, after, strict=True)
    )
