from __future__ import annotations

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import models
from models.frozen import build_network
from models.random_weights import draw_weights, moving_patterns

torch.set_num_threads(1)

PRINT_DIGEST = """
import hashlib, sys, torch, models
torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(int(sys.argv[1]))
state = models.load_network("r2plus1d_small", "random:3").state_dict()
print(hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest())
"""


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return models.load_network("r2plus1d_small", "random:3")


def draw_movements(seed: int, num_snippets: int = 40) -> tuple[torch.Tensor, np.ndarray]:
    """Draw a bright square on a ramp that stands still, drifts or shakes; kinds 0, 1, 2."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1:1:64j, -1:1:64j]
    snippets, kinds = [], np.arange(num_snippets) % 3
    for kind in kinds:
        x, y, angle, phase = rng.uniform([-0.4, -0.4, 0, 0], [0.4, 0.4, 2 * math.pi, 2 * math.pi])
        seconds = np.arange(8) / 15
        shift = (0 * seconds, rng.uniform(0.5, 0.9) * seconds, 0.1 * np.sin(2 * math.pi * 5 * seconds + phase))[kind]
        ramp = 0.4 + rng.uniform(-0.2, 0.2) * rows + rng.uniform(-0.2, 0.2) * columns
        frames = [
            np.where(
                np.maximum(abs(columns - x - math.cos(angle) * s), abs(rows - y - math.sin(angle) * s)) < 0.3,
                0.85,
                ramp,
            )
            for s in shift
        ]
        film = rng.uniform(0.6, 1.0) * np.stack(frames) + rng.normal(0, 0.01, (8, 64, 64))
        snippets.append(np.broadcast_to(film.clip(0, 1), (3, 8, 64, 64)))
    return torch.tensor(np.stack(snippets), dtype=torch.float32), kinds


def test_random_weights_are_the_same_in_every_process_whatever_its_threads_and_seed(network: torch.nn.Module) -> None:
    state = network.state_dict()
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()
    command = [sys.executable, "-W", "error", "-c", PRINT_DIGEST, "2"]
    printed = subprocess.run(command, check=True, timeout=120, capture_output=True, text=True).stdout
    assert printed.strip() == digest


@pytest.mark.parametrize("name", ["r2plus1d_small", "r2plus1d_34_8_kinetics"])
def test_the_global_generator_is_left_alone(name: str) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    models.load_network(name, "random:0")
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_gives_other_weights(network: torch.nn.Module) -> None:
    other = models.load_network("r2plus1d_small", "random:4").state_dict()
    key = "net.blocks.0.conv.conv_xy.weight"
    assert not torch.equal(other[key], network.state_dict()[key])


def test_features_of_moving_patterns_have_about_unit_variance_and_no_dead_channel(network: torch.nn.Module) -> None:
    patterns = moving_patterns(32, 8, 64, torch.Generator().manual_seed(11))
    assert patterns.shape == (32, 3, 8, 64, 64)
    assert 0 <= patterns.min() < patterns.max() <= 1
    with torch.inference_mode():
        deviation = network(patterns).std(dim=0)
    assert deviation.min() > 0.1
    assert 0.3 < deviation.median() < 3


def test_what_stands_still_is_not_seen(network: torch.nn.Module) -> None:
    still = torch.rand(2, 3, 1, 64, 64, generator=torch.Generator().manual_seed(0)).expand(2, 3, 8, 64, 64)
    with torch.inference_mode():
        features = network(still)
    torch.testing.assert_close(features[0], features[1], atol=1e-3, rtol=1e-3)


def test_a_linear_classifier_tells_kinds_of_movement_on_random_features(network: torch.nn.Module) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (train, train_kinds), (test, test_kinds) = draw_movements(0, 60), draw_movements(1, 60)
    with torch.inference_mode():
        train_features, test_features = network(train).numpy(), network(test).numpy()
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1000)).fit(train_features, train_kinds)
    assert probe.score(test_features, test_kinds) > 0.75  # chance is a third


def test_a_layer_that_nothing_is_known_of_is_refused_by_name() -> None:
    network = build_network(models.network_spec("resnet_34"))
    network.net.fc = nn.Bilinear(3, 2, 1)
    with pytest.raises(NotImplementedError, match=r"fc \(Bilinear: weight, bias\): say in models/random_weights\.py"):
        draw_weights(network, 0)


def test_every_parameter_of_a_grouped_convolution_with_a_bias_is_drawn() -> None:
    networks = []
    for _ in range(2):
        network = build_network(models.network_spec("resnet_34"))
        with torch.device("meta"):
            network.net.conv1 = nn.Conv2d(64, 64, 7, groups=64)
        draw_weights(network, 0)
        networks.append(network)
    conv = networks[0].net.conv1
    assert torch.equal(conv.bias, torch.zeros(64))
    assert float(conv.weight.detach().std()) == pytest.approx(math.sqrt(2 / 49), rel=0.1)
    assert torch.equal(conv.weight, networks[1].net.conv1.weight)
