import datetime as dt
import json
from pathlib import Path

import numpy as np

import gapkit
from gapkit.records import unsealed
from gapkit.study.manifest import software, times, write_manifest


def test_numpy_numbers_of_a_manifest_are_numbers(tmp_path: Path) -> None:
    content = {"threads": np.int64(2), "alpha": np.float32(0.5), "start": np.arange(2), "none": float("nan")}
    write_manifest(tmp_path / "manifest.json", content)
    read = unsealed(json.loads((tmp_path / "manifest.json").read_text()), required=True)
    assert read == {"threads": 2, "alpha": 0.5, "start": [0, 1], "none": None}


def test_what_computed_and_when() -> None:
    found = software(("numpy", "no-such-package"))
    assert found["gapkit"] == gapkit.__version__
    assert found["packages"] == {"numpy": np.__version__, "no-such-package": None}
    told = times(dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
    assert told["started"] == "2026-01-02T03:04:05+00:00"
    assert told["finished"] > told["started"]
