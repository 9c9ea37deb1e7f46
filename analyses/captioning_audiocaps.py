"""The second table on AudioCaps, for those who have its sounds: LAION-CLAP embeddings, a large language model.

    python analyses/captioning_audiocaps.py WORK --stage prepare --captions CSVS --sounds SOUNDS --clap MODEL
    accelerate launch --num_processes 4 analyses/captioning_audiocaps.py WORK --stage caption --lm MODEL

``prepare``, in one process: embeds train.csv, val.csv and test.csv of CSVS with the sounds that are in SOUNDS
(WORK/audiocaps.npz; WORK/clips.json counts those that are missing) and fits the bridges (WORK/bridges).
``caption``, in one process or in several that `accelerate` started: trains each decoder on all of them together, shares
out the clips that it captions (WORK/captions), and writes audiocaps.csv, -gains.csv, -tests.csv, .md and .json into
``--out``. Both go on where they stopped. docs/how-to/audiocaps-captioning.md is the recipe.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from gapkit.atomic import write_text
from gapkit.captioning import CaptionStudyConfig, run_caption_study
from gapkit.cli.progress import reporting
from gapkit.comparison import StudyConfig, run_study
from gapkit.datasets.audiocaps import read_audiocaps
from gapkit.embeddings import PairedEmbeddings
from gapkit.encoders.pipeline import embed
from gapkit.encoders.registry import make_encoder
from gapkit.errors import GapkitError, InputError
from gapkit.files import load_pairs, save_pairs
from gapkit.training.processes import processes

sys.path.insert(0, str(Path(__file__).resolve().parent))
from captioning import write_results

NAME = "audiocaps"
SPLITS = ("train", "val", "test")
BRIDGES = (
    "mean-shift", "noise-only", "memory", "ridge", "procrustes", "diffusion-bridge", "ddbm", "flow", "diffusion-link",
)  # fmt: skip
TRAINED_ON = ("mean-shift", "memory", "diffusion-bridge", "diffusion-link")


def prepare(
    work: Path,
    captions: Path,
    sounds: Path,
    clap: str,
    *,
    bridges: tuple[str, ...],
    seeds: int,
    device: str,
    steps: int | None,
) -> None:
    """Embeddings of the three splits in one file, and the fitted bridges."""
    encoder = make_encoder("laion-clap", model=clap, device=device)
    parts, counts = [], {}
    with reporting(quiet=False) as progress:
        for split in SPLITS:
            listed = read_audiocaps(captions / f"{split}.csv", sounds, split=split)
            progress.begin(f"embedding {split}")
            report = embed(listed, encoder, work / f"{split}.npz", cache=work / "cache", progress=progress.step)
            parts.append(report.pairs)
            counts[split] = {"listed": report.listed, "embedded": len(report.pairs)}
            progress.message(f"{split}: {len(report.pairs):,} of {report.listed:,} clips are here")
        write_text(work / "clips.json", json.dumps(counts, indent=2) + "\n")
        save_pairs(joined(parts), work / f"{NAME}.npz")
        pairs = load_pairs(work / f"{NAME}.npz", name=NAME)
        config = StudyConfig(bridges=bridges, seeds=seeds, device=device, steps=steps)
        run_study(pairs, config, out=work / "bridges", progress=progress)


def joined(parts: list[PairedEmbeddings]) -> PairedEmbeddings:
    """The splits one after another."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    return PairedEmbeddings(
        source=np.concatenate([part.source for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        owner=np.concatenate([part.owner + start for part, start in zip(parts, starts, strict=False)]),
        ids=np.concatenate([np.char.add(f"{split}-", part.ids) for split, part in zip(SPLITS, parts, strict=True)]),
        captions=np.concatenate([part.captions for part in parts]),
        split=np.concatenate([np.full(len(part), split) for split, part in zip(SPLITS, parts, strict=True)]),
        name=NAME,
        meta={"splits": [dict(part.meta) for part in parts]},
    )


def configured(given: argparse.Namespace) -> CaptionStudyConfig:
    """The study: LoRA on the language model, one budget for all rows."""
    options = {"model": given.lm, "tune": given.tune, "epochs": given.epochs, "batch_size": given.batch_size}
    if given.micro_batch:
        options["micro_batch"] = given.micro_batch
    return CaptionStudyConfig(
        bridges=_names(given.bridges),
        supervised_bridges=tuple(name for name in _names(given.bridges) if name in TRAINED_ON),
        seeds=given.seeds,
        decoder="prefix",
        decoder_options=options,
        # The cosine of a row with its noisy self is about 1 / sqrt(1 + variance d): .95 to .58 at d = 512.
        noise=(0.0002, 0.001, 0.004),
        starts=(1.0, 4.0),
        beams=(1, 4),
        batch_size=given.generate_batch,
        max_new_tokens=given.max_new_tokens,
        tokenizer=given.tokenizer,
        scores=given.scores if given.scores == "default" else tuple(given.scores.split(",")),
    )


def caption(work: Path, given: argparse.Namespace) -> None:
    """Both protocols, and the five files."""
    path = work / f"{NAME}.npz"
    if not path.is_file():
        raise InputError(f"{path}: not there; run --stage prepare first")
    pairs = load_pairs(path, name=NAME)
    with reporting(quiet=False) as progress:
        results = run_caption_study(
            pairs, configured(given), out=work / "captions", fitted=work / "bridges", progress=progress
        )
    if not processes().rank:
        write_results(results, given.out or work, NAME)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def parsed() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--stage", choices=("prepare", "caption"), required=True)
    parser.add_argument("--captions", type=Path, help="folder of train.csv, val.csv and test.csv of AudioCaps")
    parser.add_argument("--sounds", type=Path, help="folder of the sounds, at any depth")
    parser.add_argument("--clap", default="laion/clap-htsat-unfused", help="CLAP: a name on the hub, or a folder")
    parser.add_argument("--lm", default="lmsys/vicuna-7b-v1.5", help="language model: a name on the hub, or a folder")
    parser.add_argument("--tune", default="lora", help="frozen, lora or full")
    parser.add_argument("--bridges", default=",".join(BRIDGES), help="names with commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="training steps of every bridge that trains")
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--batch-size", type=int, default=64, help="captions an optimiser step, over all processes")
    parser.add_argument("--micro-batch", type=int, default=0, help="captions in one pass on one GPU")
    parser.add_argument("--generate-batch", type=int, default=64)
    parser.add_argument("--max-new-tokens", type=int)
    parser.add_argument("--scores", default="default")
    parser.add_argument("--tokenizer", default="ptb", help="ptb (needs Java) or words")
    parser.add_argument("--device", default="auto", help="of the encoder and the bridges")
    parser.add_argument("--out", type=Path, help="folder of the results; left out: WORK")
    return parser.parse_args()


def main() -> None:
    """One stage."""
    given = parsed()
    try:
        if given.stage == "caption":
            caption(given.work, given)
            return
        if given.captions is None or given.sounds is None:
            raise InputError("--stage prepare: expected --captions and --sounds")
        prepare(
            given.work, given.captions, given.sounds, given.clap, bridges=_names(given.bridges), seeds=given.seeds,
            device=given.device, steps=given.steps,
        )  # fmt: skip
    except GapkitError as error:
        sys.exit(f"{NAME}: {error}")


if __name__ == "__main__":
    main()
