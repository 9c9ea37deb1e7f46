from __future__ import annotations

import pytest

from gapkit.bridges import Bridge, bridge_names, make_bridge
from gapkit.bridges.ridge import Ridge
from gapkit.errors import InputError


def test_the_family_is_there():
    assert {
        "identity",
        "mean-shift",
        "c3",
        "ridge",
        "procrustes",
        "nearest-caption",
        "memory",
        "residual-mlp",
        "diffusion-bridge",
        "diffusion-link",
    } <= set(bridge_names())


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean diffusion-link"):
        make_bridge("difusion-link")


def test_a_wrong_parameter_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match="no parameter 'alfa'; it has: alpha"):
        make_bridge("ridge", alfa=1)


@pytest.mark.parametrize(("cls", "name"), [(Ridge, "ridge"), (Bridge, "Bridge")])
def test_another_class_than_that_of_the_folder_says_what_loads_it(cls, name, tmp_path):
    make_bridge("c3").fit([[0, 1], [1, 0]], [[0, 1], [1, 1]]).save(tmp_path)
    with pytest.raises(InputError, match=rf"holds the bridge 'c3', expected '{name}'; gapkit\.load_bridge"):
        cls.load(tmp_path)
