"""Write the look-alike groups of the bundled `openclipart` set beside its embeddings, which stay as they are.

    python analyses/openclipart_groups.py WORK

`WORK` is the folder of `build_openclipart.py`; what is missing there is made. Groups are those by which the build
dealt the splits: drawings of one subject, and pictures whose features have a cosine of .95 or more, directly or through
others.
The script stops where drawings or splits differ from the bundled ones. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from openclipart.captions import chosen, subject
from openclipart.drawings import read_all
from openclipart.packing import OUTPUT
from openclipart.pictures import features, pictures
from openclipart.sources import drawings as fetch
from openclipart.sources import ensure_renderer
from openclipart.splits import dealt, groups

from gapkit.atomic import write_bytes
from gapkit.datasets import load_details
from gapkit.encoders.efficientnet import EfficientNetImage


def main() -> None:
    """Find the groups again and write ``groups.json.gz``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    work = parser.parse_args().work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    ensure_renderer()
    folder = fetch(work)
    shown = pictures(chosen(read_all(folder)), folder, work)
    together = groups([subject(drawing.title) for drawing in shown], features(shown, work, EfficientNetImage()))
    splits = dealt(together)
    kept = [i for i, split in enumerate(splits) if split]
    bundled = load_details("openclipart")
    if [shown[i].path for i in kept] != bundled["ids"].tolist():
        sys.exit("the drawings are not those of the bundled set: another release, or another renderer")
    if [splits[i] for i in kept] != bundled["split"].tolist():
        sys.exit("the groups deal other splits than the bundled set has")
    text = json.dumps([together[i] for i in kept], ensure_ascii=False, separators=(",", ":"))
    write_bytes(OUTPUT / "groups.json.gz", gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
