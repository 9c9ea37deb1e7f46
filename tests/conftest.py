import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data that is not part of the repository; tests that need it skip where it is absent."""
    given = os.environ.get("GAPKIT_SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data: set GAPKIT_SHARED_DATA to its folder")
    return folder.resolve()
