"""What a drawing says of itself: title, keywords and artist in the RDF inside the SVG."""

from __future__ import annotations

import contextlib
import html
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

DC = "{http://purl.org/dc/elements/1.1/}"
COLLECTION = 7
"""A title that so many drawings bear is that of a collection, not of a drawing."""
OF_ANOTHER = re.compile(r"^clipart by nicu buculei", re.IGNORECASE)
"""These titles were copied from one drawing to the next."""
NOT_SHOWN = re.compile(r"^recreation/games/cards/|^shapes/stars/")
"""Hundreds of playing cards and of stars that only their numbers tell apart."""
LEFT_OUT = re.compile(r"\b(sex\w*|nud[eo]\w*|nake\w*|pantyhose|collant|porn\w*)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Drawing:
    """One drawing.

    Parameters
    ----------
    path : str
        Inside the folder of the package.
    title : str
        What is seen, cleaned; empty where nothing says it.
    keywords : tuple of str
    artist : str
    licence : str
        Address of the licence in the file; empty where it names none.
    """

    path: str
    title: str
    keywords: tuple[str, ...]
    artist: str
    licence: str


def read_all(folder: Path) -> list[Drawing]:
    """All drawings in the public domain that say what they show, by path."""
    found = [read(file, folder) for file in sorted(folder.rglob("*.svg"))]
    bearers = Counter(drawing.title.lower() for drawing in found)
    named = []
    for drawing in found:
        title = drawing.title
        if bearers[title.lower()] >= COLLECTION or OF_ANOTHER.match(title) or not title:
            # Themes of icons have no names for readers ("2uparrow"), other collections do ("red fedora").
            title = "" if drawing.path.startswith("computer/") else Path(drawing.path).stem
        named.append(replace(drawing, title=clean_title(title, drawing.artist)))
    return [drawing for drawing in named if usable(drawing)]


def read(file: Path, folder: Path) -> Drawing:
    """One drawing, its title as it stands there."""
    root = ET.parse(file).getroot()
    work = next((element for element in root.iter() if element.tag.endswith("}Work")), None)
    path = file.relative_to(folder).as_posix()
    if work is None:
        return Drawing(path, "", (), "", "")
    subject = work.find(f"{DC}subject")
    keywords = () if subject is None else (e.text or "" for e in subject.iter() if e.tag.endswith("}li"))
    creator = work.find(f"{DC}creator")
    artist = "" if creator is None else next((e.text or "" for e in creator.iter(f"{DC}title")), "")
    licence = next(
        (value for e in work.iter() if e.tag.endswith("}license") for value in e.attrib.values()),
        "",
    )
    artist = _repaired(artist)
    return Drawing(
        path,
        _repaired(work.findtext(f"{DC}title") or ""),
        clean_keywords(list(keywords), artist),
        artist,
        licence,
    )


def usable(drawing: Drawing) -> bool:
    """Whether it is in the public domain and has a title with a word in it."""
    public = drawing.licence.lower().rstrip("/").endswith("publicdomain")
    words = " ".join((drawing.path.replace("_", " "), drawing.title, *drawing.keywords))
    return (
        public
        and not NOT_SHOWN.match(drawing.path)
        and re.search(r"[^\W\d_]{3}", drawing.title) is not None
        and not LEFT_OUT.search(words)
    )


def clean_title(title: str, artist: str = "") -> str:
    """A title for readers: without file suffix, author, number and underscores."""
    title = re.sub(r"^clipart by [^-]+ - ", "", title, flags=re.IGNORECASE)
    title = re.sub(r"\.svg\b", "", title.replace("_", " "), flags=re.IGNORECASE)
    title = re.sub(r"\(?\bb ?(?:and|&) ?w\b\)?", "in black and white", title, flags=re.IGNORECASE)
    title = re.sub(r"\s*\b(?:open ?clip ?art|clip ?art|svg)\b", "", title, flags=re.IGNORECASE)
    title = re.sub(r"^aiga\s+|-aj$", "", title, flags=re.IGNORECASE)
    title = title.replace("-", " ") if " " not in title else title
    title = re.sub(r"\s+- (?:rpg map elements|body part|clothing)$", "", title, flags=re.IGNORECASE)
    for name in filter(None, (artist, artist.split(" ")[-1] if " " in artist else "")):
        title = re.sub(rf"\s*(?:\bby )?\(?\b{re.escape(name)}\b\)?", "", title, flags=re.IGNORECASE)
    title = re.sub(r"(?<=[^\W\d])[\s#-]*\d+(?=\s|$)", "", title)
    return re.sub(r"\s+", " ", title).strip(" -,.#")


NO_KEYWORDS = {
    "",
    "hash",
    "unsorted",
    "special",
    "magick",
    "theme",
    "icons",
    "openclipart",
    "signs and symbols",
    "mimeicon",
}
SPELLED = {
    "africa": "Africa",
    "america": "America",
    "asia": "Asia",
    "europe": "Europe",
    "france": "France",
    "oceania": "Oceania",
    "spain": "Spain",
    "roadtravel": "road travel",
    "latinamerica": "Latin America",
    "north america": "North America",
    "united nations member": "United Nations member",
    "airtravel": "air travel",
    "appicon": "application icon",
    "arrowshape": "arrow",
    "bodypart": "body part",
    "icecream": "ice cream",
    "mapsym": "map symbol",
    "musicstuff": "music",
    "networksym": "network symbol",
    "northamerica": "North America",
    "roadsign": "road sign",
    "signalflag": "signal flag",
    "unitedstates": "United States",
    "weathersym": "weather symbol",
}


def clean_keywords(keywords: list[str], artist: str = "") -> tuple[str, ...]:
    """Keywords for readers, each once; without those that machines left and the name of the artist."""
    kept: dict[str, None] = {}
    for keyword in keywords:
        word = re.sub(r"\s+", " ", _repaired(keyword).replace("_", " ")).strip().lower()
        word = SPELLED.get(word, word)
        machine = (
            re.search(r"[\d@()<>]|\bx[0-9a-f]{5}", word) is not None or max(map(len, word.split()), default=0) > 16
        )
        said = word not in NO_KEYWORDS and len(word) > 2 and len(word.split()) < 4
        if said and not machine and word.lower() != artist.lower():
            kept.setdefault(word)
    return tuple(kept)


def _repaired(text: str) -> str:
    """Text without HTML entities, and without UTF-8 that was read as Latin-1 on its way."""
    text = html.unescape(html.unescape(text)).strip()
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return unicodedata.normalize("NFC", "".join(c for c in text if c.isprintable()))
