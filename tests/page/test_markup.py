import base64
import hashlib
import json

import numpy as np
import pytest

from gapkit.page.markup import Markup, content_hash, data_address, join, script_json, tag
from gapkit.page.packing import LEVELS, pack, unpack


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", tag("i", "&")) == "<p>&lt;b&gt;<i>&amp;</i></p>"
    assert tag("a", "x", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">x</a>'
    assert join("a", Markup("<br>"), 3) == "a<br>3"


def test_attributes_may_be_left_out_or_bare() -> None:
    assert tag("input", hidden=True, name=None, checked=False, data_value=0) == '<input hidden data-value="0">'


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "a\u2028b\u2029c", "& 🎺 \x00 \ud7ff"])
def test_json_in_a_script_cannot_end_it(text: str) -> None:
    written = script_json({"text": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"text": text}


def test_json_refuses_what_is_no_number() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        script_json([float("nan")])


def test_hash_and_address_are_what_browsers_compute() -> None:
    digest = base64.b64encode(hashlib.sha256("läuft".encode()).digest()).decode()
    assert content_hash("läuft") == f"'sha256-{digest}'"
    assert base64.b64decode(data_address("text/csv", "ä,b").split(",")[1]).decode() == "ä,b"


def test_packing_is_within_half_a_step() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, 999)
    back = unpack(pack(values, -1.0, 1.0), -1.0, 1.0)
    assert np.abs(back - values).max() <= 1 / LEVELS
    np.testing.assert_array_equal(unpack(pack([-9.0, np.nan, 9.0], -1.0, 1.0), -1.0, 1.0), [-1, -1, 1])
    np.testing.assert_array_equal(unpack(pack([2.0, 2.0], 2.0, 2.0), 2.0, 2.0), [2, 2])
