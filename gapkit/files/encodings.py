"""Text of a file, and the encoding of a file that is not UTF-8."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from gapkit.errors import InputError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encoding that each byte order mark tells; the longer marks stand before those that begin them."""

LIKELY = 0.8
"""Share of the characters outside of ASCII that must be of the script of an encoding."""

_HANGUL = re.compile("[\uac00-\ud7a3]")
_KANA = re.compile("[\u3040-\u30ff\u4e00-\u9fff\u3000-\u303f]")
_CHINESE = re.compile("[\u4e00-\u9fff\u3000-\u303f\uff00-\uffef]")


def decoded(path: Path) -> str:
    """Text of a file: UTF-8, or what its byte order mark tells.

    Raises
    ------
    InputError
        Another encoding; the line says which one it reads as.
    """
    data = path.read_bytes()
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding.startswith("utf-8") and (name := likely_encoding(data)):
            reads = f"; it reads as {name}: save it as UTF-8, iconv -f {name} -t utf-8"
        else:
            reads = "; save it as UTF-8"
        kind = "UTF-8" if encoding.startswith("utf-8") else encoding.upper()
        raise InputError(f"{path}: is not {kind} at byte {error.start}{reads}") from None
    if text[:200].count("\0") * 3 > len(text[:200]):  # every second byte is 0
        name = "utf-16be" if data[:1] == b"\0" else "utf-16le"
        raise InputError(f"{path}: is not UTF-8; it reads as {name}: save it as UTF-8, iconv -f {name} -t utf-8")
    return text


def likely_encoding(data: bytes) -> str | None:
    """Encoding that bytes which are not UTF-8 most likely have: cp1252, cp932, cp949 or gb18030; None where none fits.

    Examples
    --------
    >>> likely_encoding("un caf\u00e9".encode("cp1252"))
    'cp1252'
    """
    runs = re.findall(rb"[\x80-\xff]+", data)
    # Letters of Western Europe stand alone among ASCII; characters of two bytes do not.
    alone = sum(len(run) == 1 for run in runs) * 2 > len(runs)
    scripts = {"cp932": _KANA, "cp949": _HANGUL, "gb18030": _CHINESE}
    order = ("cp1252", *scripts) if alone else (*scripts, "cp1252")
    for name in order:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        other = [letter for letter in text if letter > "\x7f"]
        script = scripts.get(name)
        if script is None or sum(bool(script.match(letter)) for letter in other) >= LIKELY * len(other):
            return name
    return None
