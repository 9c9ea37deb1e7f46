"""Cells that hold a list of texts as text, as pandas writes them into a csv."""

from __future__ import annotations

import ast
import json
import re

LONGEST = 2**17
"""Characters of a list; a cell of a csv holds no more."""

_QUOTED = r"""[uU]?(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")"""
_ONE = rf"(?:{_QUOTED}|None|null|nan|NaN)"
_LIST = re.compile(rf"\s*[\[(]\s*+(?:{_ONE}(?:\s*+,\s*+{_ONE})*+(?P<last>\s*+,)?)?\s*+[\])]\s*", re.DOTALL)
_NUMPY = re.compile(rf"\s*\[\s*+{_ONE}(?:\s++{_ONE})*+\s*+\]\s*", re.DOTALL)
_CUT = re.compile(rf"\s*\[\s*+(?:{_ONE}[\s,]++)++\.\.\.[\s,]*+(?:{_ONE}[\s,]*+)*+\]\s*", re.DOTALL)
_PIECE = re.compile(_ONE, re.DOTALL)


def list_in(cell: str) -> list[str] | None:
    """Texts of a cell that is a list in JSON, Python or NumPy's way to print; None where it is a text like any other.

    Raises
    ------
    ValueError
        The list cannot be read whole: it is too long, or NumPy printed "..." in its middle.

    Examples
    --------
    >>> list_in('["rain", "wind"]'), list_in("['rain' 'wind']"), list_in("[applause] people clap")
    (['rain', 'wind'], ['rain', 'wind'], None)
    """
    start = cell.lstrip()
    if not start.startswith(("[", "(")) or not cell.rstrip().endswith(("]", ")")):
        return None
    if len(cell) > LONGEST:
        raise ValueError(f"its list has {len(cell):,} characters; write caption_1, caption_2 or a row a caption")
    found = _LIST.fullmatch(cell)
    if found is None and _NUMPY.fullmatch(cell) is None:
        if _CUT.fullmatch(cell):
            raise ValueError("its list was cut at '...' when it was printed; write it with json.dumps")
        return None
    pieces = _PIECE.findall(cell)
    if start.startswith("(") and (not pieces or (len(pieces) == 1 and found and not found["last"])):
        return None  # a text in round brackets
    return [_text(piece) for piece in pieces]


def is_list(cell: str) -> bool:
    """Tell whether `list_in` takes the cell for a list, or refuses it as one."""
    try:
        return list_in(cell) is not None
    except ValueError:
        return True


def _text(piece: str) -> str:
    """One quoted text; JSON is tried first: it knows escapes that Python does not."""
    if not piece.endswith(("'", '"')):
        return ""
    try:
        return str(json.loads(piece, strict=False))
    except ValueError:
        pass
    try:
        return str(ast.literal_eval(piece))
    except (ValueError, SyntaxError):
        raise ValueError("its list holds a text that is not quoted rightly; write it with json.dumps") from None
