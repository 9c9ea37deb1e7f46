"""Make the bundled `soundscapes` set, from Debian packages to the file in `gapkit/datasets`.

    python analyses/build_soundscapes.py WORK [--part 1/2]

`WORK` is a folder outside the repository with 6 GB free; what is there from an earlier run is used, so a build that
was stopped goes on where it was. With ``--part k/n`` only every n-th shard of features is computed, and nothing is
packed: run the parts at once, then once without. Needs apt, dpkg-deb and the extra ``offline``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from soundscapes.features import compute, shards
from soundscapes.plan import Plan
from soundscapes.recordings import decode_all
from soundscapes.sources import gather

from gapkit.encoders.aisfx import AisfxAudio
from gapkit.encoders.minilm import MinilmText


def main() -> None:
    """Run all steps, or one part of the features."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--part", default="", help="k/n: compute the k-th of n parts of the features and stop")
    options = parser.parse_args()
    torch.set_num_threads(1)  # parts run side by side

    sources = gather(options.work)
    pool = decode_all(sources, options.work)
    plan = Plan.from_pool(pool)
    audio, text = AisfxAudio(), MinilmText()
    encoders = {"audio": audio.provenance(), "text": text.provenance()}
    everything = list(shards(plan, options.work, encoders=encoders))
    part, parts = (int(number) for number in (options.part or "1/1").split("/"))
    mine = everything[part - 1 :: parts]
    began = time.monotonic()
    for done, shard in enumerate(mine, start=1):
        compute(shard, pool, audio, text)
        sys.stderr.write(f"{done}/{len(mine)} {shard.path.name} {time.monotonic() - began:.0f} s\n")
    if not options.part:
        from soundscapes.packing import pack
        from soundscapes.report import write_report

        manifest = pack(plan, everything, sources, encoders=encoders, work=options.work)
        write_report(manifest, everything)


if __name__ == "__main__":
    main()
