"""`gapkit caption`: captions of embeddings."""

from __future__ import annotations

import typer

from gapkit.cli import caption_generate, caption_score, caption_study, caption_train

caption = typer.Typer(
    name="caption",
    help="Train caption decoders, write captions, score them, and study what bridges do for them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
caption.command("train")(caption_train.train)
caption.command("generate")(caption_generate.generate)
caption.command("score")(caption_score.score)
caption.command("study")(caption_study.study)
