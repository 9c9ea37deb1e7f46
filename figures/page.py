"""Write docs/figures.md, and the figure of the README, from the captions beside the figures.

    python figures/page.py

The last step of ``make figures``.
"""

from __future__ import annotations

import re

from publish import HERE, REMARKS

from gapkit.atomic import write_text

ROOT = HERE.parent
README, PAGE = ROOT / "README.md", ROOT / "docs" / "figures.md"
ORDER = (
    "migration", "migration_pca", "steps", "arrows", "path", "gap_axis", "cosines", "similarity", "retrieval",
    "frontier", "table", "captions", "cost", "ablation", "temperature",
)  # fmt: skip
"""Of the page; what is not named comes last."""
SHOWN = "migration"
"""In the README."""
BEGIN, END = "<!-- figure: begin -->", "<!-- figure: end -->"
SCRIPTS = ("publish", "page")


def names() -> list[str]:
    """Figures that have a script and a caption."""
    found = [path.stem for path in sorted(HERE.glob("*.py")) if path.stem not in SCRIPTS]
    return sorted(
        (n for n in found if (HERE / f"{n}.md").exists()),
        key=lambda n: (n not in ORDER, ORDER.index(n) if n in ORDER else 0),
    )


def shown(name: str, up: str) -> str:
    """The picture and what it shows."""
    caption = (HERE / f"{name}.md").read_text(encoding="utf-8").strip()
    title = re.sub(r"[*`]", "", caption.split("**")[1]) if caption.startswith("**") else name
    return f"![{title}]({up}figures/{name}.png)\n\n{caption}"


def page() -> str:
    """The whole page."""
    lines = [
        "# Figures",
        "",
        REMARKS["soundscapes"],
        "",
        "Drawn by `make figures` from the files in `results/`, captions included; each is a script in",
        "`figures/` that runs alone and writes PDF, SVG and PNG. `gapkit plot` draws the same kinds for your own",
        "study: `gapkit plot --help` lists them, and `gapkit.plots` holds the functions.",
    ]
    for name in names():
        lines += ["", f"## {name.replace('_', ' ').capitalize().replace(' pca', ' by PCA')}", "", shown(name, "../")]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both."""
    write_text(PAGE, page())
    text = README.read_text(encoding="utf-8")
    if BEGIN in text and END in text:
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        write_text(README, f"{head}{BEGIN}\n{shown(SHOWN, '')}\n{END}{tail}")


if __name__ == "__main__":
    main()
