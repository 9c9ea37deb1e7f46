import numpy as np
import pytest

from gapkit.errors import GapkitError, InputError
from gapkit.page import write_points

parquet = pytest.importorskip("pyarrow.parquet", reason="no pyarrow")


def test_every_point_is_a_row_with_its_place_and_its_clip(page, tmp_path):
    rows = write_points(page, tmp_path)
    table = parquet.read_table(tmp_path / "points.parquet").to_pandas()
    n = len(page.ids)
    assert len(table) == rows == n * sum(1 + len(way.states) for way in page.ways)
    way = next(own for own in page.ways if own.bridge == "ddbm")
    after = table[(table["bridge"] == "ddbm") & (table["state"] == "after")]
    assert list(after["id"]) == list(page.ids)
    assert list(after["caption"]) == [own[0] for own in page.captions]
    np.testing.assert_allclose(after["cosine"], way.states[-1].cosine)
    np.testing.assert_allclose(after["change"], way.states[-1].cosine - way.states[0].cosine)
    np.testing.assert_allclose(after[["pca_x", "pca_y"]], page.maps[0].ways["ddbm"][-1])
    targets = table[(table["bridge"] == "ddbm") & (table["cloud"] == "target")]
    assert targets["cosine"].isna().all()
    np.testing.assert_allclose(targets[["gap_x", "gap_y"]], page.maps[1].targets["ddbm"])


def test_a_file_may_be_named_and_one_that_cannot_be_written_is_one_line(page, tmp_path):
    write_points(page, tmp_path / "own.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["own.parquet"]
    (tmp_path / "file").write_text("")
    with pytest.raises(GapkitError, match="could not be written"):
        write_points(page, tmp_path / "file" / "points.parquet")


def test_a_page_without_points_says_so(page, tmp_path):
    import dataclasses

    with pytest.raises(InputError, match="no points to write"):
        write_points(dataclasses.replace(page, ways=()), tmp_path)
