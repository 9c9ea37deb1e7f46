from __future__ import annotations

import pytest

from gapkit.bridges import bridge_names, make_bridge
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
