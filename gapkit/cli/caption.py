"""`gapkit caption`: captions of embeddings."""

from __future__ import annotations

import typer

from gapkit.cli import caption_score

caption = typer.Typer(
    name="caption", help="Score captions.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
)
caption.command("score")(caption_score.score)


@caption.callback()
def _caption() -> None:
    """Keep the name of a single command."""
