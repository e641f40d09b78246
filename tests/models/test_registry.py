from __future__ import annotations

import subprocess
import sys

import pytest

import models
from models.weights import PUBLIC_WEIGHTS


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys, models\n"
        "for name in models.network_names():\n"
        "    models.network_spec(name)\n"
        "    assert models.weights_identity(name, 'random:0') == 'random:0'\n"
        "    assert models.check_weights(name, 'random:0') == []\n"
        "assert models.aggregation_names()[:3] == ('mean', 'lstm', 'blstm')\n"
        "assert 'load_network' in dir(models)\n"
        "assert not {'torch', 'torchvision', 'pytorchvideo'} & set(sys.modules), 'heavy'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_door_opens() -> None:
    for name in models.__all__:
        assert getattr(models, name) is not None
    with pytest.raises(AttributeError, match="no_such_door"):
        _ = models.no_such_door


def test_the_papers_network_is_the_first_and_public_weights_belong_to_networks() -> None:
    assert models.network_names()[0] == "r2plus1d_34_8_kinetics"
    assert set(PUBLIC_WEIGHTS) <= set(models.network_names())
    assert all(models.network_spec(name).feature_dim == 512 for name in PUBLIC_WEIGHTS if name.startswith("r2plus1d"))


def test_an_unknown_network_is_answered_with_the_nearest() -> None:
    with pytest.raises(models.UnknownNameError, match=r"'r2plus1d_34_8_kinetic'.* 'r2plus1d_34_8_kinetics'\?"):
        models.network_spec("r2plus1d_34_8_kinetic")
    with pytest.raises(models.UnknownNameError, match=r"Did you mean 'r2plus1d_small'\?"):
        models.load_network("R2plus1D-small", "random:0")


def test_an_unknown_aggregation_is_answered_with_the_nearest() -> None:
    with pytest.raises(models.UnknownNameError, match=r"Did you mean 'blstm'\?"):
        models.build_aggregation("bilstm", 4, 4)
    with pytest.raises(models.ModelsError, match="Known: mean, lstm, blstm, attention"):
        models.build_aggregation("???", 4, 4)
