"""`gapkit caption`: captions of embeddings."""

from __future__ import annotations

import typer

from gapkit.cli import caption_score, caption_study

caption = typer.Typer(
    name="caption",
    help="Score captions, and study what bridges do for them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
caption.command("score")(caption_score.score)
caption.command("study")(caption_study.study)
