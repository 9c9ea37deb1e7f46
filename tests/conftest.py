import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of data that are read where they lie and not part of the project."""
    folder = Path(os.environ.get("GAPKIT_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set GAPKIT_SHARED_DATA")
    return folder
