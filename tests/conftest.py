import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)

# The same examples each time: a red run is about the change. HYPOTHESIS_PROFILE=default looks for new ones.
settings.register_profile("fixed", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data that is not part of the repository; tests that need it skip where it is absent."""
    given = os.environ.get("GAPKIT_SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data: set GAPKIT_SHARED_DATA to its folder")
    return folder.resolve()
