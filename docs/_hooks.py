"""Pages of the site that are made when it is built: notebooks, the command line, the Python reference.

Loaded by ``mkdocs.yml``. Nothing here reaches for a network, and nothing is written into docs/.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = re.compile(r"(\]\()((?:\.\./)+)([^)#\s]+)")
"""A link of a page that goes up."""

FOLDER = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[\w./-]*)\)")
"""The same with its text: a folder of the repository has no page, and stays as text."""

API = {
    "gapkit": "gapkit",
    "Installation": "gapkit.installation",
    "Pairs": "gapkit.embeddings",
    "Files": "gapkit.files",
    "Checks": "gapkit.checks",
    "Datasets": "gapkit.datasets",
    "Encoders": "gapkit.encoders",
    "Bridges": "gapkit.bridges",
    "Metrics": "gapkit.metrics",
    "Statistics": "gapkit.statistics",
    "Comparison": "gapkit.comparison",
    "Projections": "gapkit.projections",
    "Plots": "gapkit.plots",
    "Tables": "gapkit.report",
    "Page": "gapkit.page",
    "Tuning": "gapkit.tuning",
    "Captioning": "gapkit.captioning",
    "Caption scores": "gapkit.captioning.scores",
    "Caption decoders": "gapkit.captioning.decoders",
}
"""Heading and package of each page of the Python reference."""


def on_config(config: Any) -> Any:
    """Fill the navigation: the Python reference, and pages that nobody has named."""
    pages = [{title: f"reference/api/{_slug(title)}.md"} for title in _packages()]
    named = set(re.findall(r"[\w./-]+\.md", repr(config["nav"])))
    others = sorted(p.name for p in Path(config["docs_dir"]).glob("*.md") if p.name not in named)
    for section in config["nav"]:
        if isinstance(section, dict) and "Reference" in section:
            entries = section["Reference"]
            place = entries.index({"Python": "reference/api"})
            entries[place : place + 1] = [*others, {"Python": pages}]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, and what pages of docs/ link to outside of it."""
    for notebook in sorted((ROOT / "docs" / "notebooks").glob("*.py")):
        text = notebook_page(notebook.read_text(encoding="utf-8"), notebook.name)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=text))
    files.append(File.generated(config, "reference/cli.md", content=command_page()))
    for title, package in _packages().items():
        text = f"# {title}\n\n::: {package}\n{_members(package)}"
        files.append(File.generated(config, f"reference/api/{_slug(title)}.md", content=text))
    for path in sorted(_linked_outside()):
        kept = File.generated(config, _inside(path), abs_src_path=str(path))
        files.append(kept)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links to files of the repository go to their copies on the site, those to a notebook to its page."""
    home = Path(page.file.src_uri).parent
    up = "../" * len(home.parts)

    def inside(link: re.Match[str]) -> str:
        path = _target(ROOT / "docs" / home / (link[2] + link[3]))
        if path is None or path.is_relative_to(ROOT / "docs"):
            return link[0]
        return f"{link[1]}{up}{_inside(path)}"

    def plain(link: re.Match[str]) -> str:
        path = (ROOT / "docs" / home / link[2]).resolve()
        return link[1] if path.is_dir() and not (path / "README.md").is_file() else link[0]

    text = OUTSIDE.sub(inside, FOLDER.sub(plain, markdown))
    return re.sub(r"(\]\([\w./-]*notebooks/\w+)\.py\)", r"\1.md)", text)


def notebook_page(text: str, name: str) -> str:
    """A percent script as Markdown: text as text, code as code."""
    parts = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]
    cells = []
    for head, body in zip(parts[::2], parts[1::2], strict=True):
        if "[markdown]" in head:
            cells.append(re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE))
        else:
            cells.append(f"```python\n{body.strip()}\n```")
    note = f"This page is the script `docs/notebooks/{name}`; the tests run it."
    title, rest = cells[0].split("\n", 1)
    return "\n\n".join([title, note, rest.strip(), *cells[1:]]) + "\n"


def command_page() -> str:
    """``--help`` of every command."""
    from typer.main import get_command

    from gapkit.cli.main import app

    group: Any = get_command(app)
    lines = [
        "# Command line",
        "",
        "What each command prints for `--help`. stdout carries data, stderr talk; exit code 0",
    ]
    lines += [
        "is done, 1 failed, 2 wrong input, 130 interrupted. `--debug` before or after a command shows tracebacks."
    ]
    for name, command in _commands(group):
        lines += ["", f"## gapkit {name}", "", "```text", _help(command, f"gapkit {name}"), "```"]
    return "\n".join(lines) + "\n"


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name; those of a group in its place."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _help(command: Any, name: str) -> str:
    import typer.rich_utils as look

    width, look.MAX_WIDTH = look.MAX_WIDTH, 100
    buffer = io.StringIO()
    try:
        with redirect_stdout(buffer), command.make_context(name, [], resilient_parsing=True) as context:
            print(command.get_help(context))  # noqa: T201
    finally:
        look.MAX_WIDTH = width
    return "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", buffer.getvalue()).strip().splitlines())


def _packages() -> dict[str, str]:
    return {title: package for title, package in API.items() if _module(package) is not None}


def _module(package: str) -> Path | None:
    base = ROOT / Path(*package.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists()), None)


def _members(package: str) -> str:
    """What the page of a package would lack: functions called like their module, and registered bridges."""
    home = ROOT / Path(*package.split("."))
    found = [f"{package}.{name}.{name}" for name in _exported(home) if (home / f"{name}.py").exists()]
    if package == "gapkit.bridges":
        classes = re.compile(r"^@register_bridge\(\"[\w-]+\"\)\n(?:@dataclass\(.*\)\n)?class (\w+)", flags=re.MULTILINE)
        for path in sorted(home.glob("[a-z]*.py")):
            found += [f"{package}.{path.stem}.{name}" for name in classes.findall(path.read_text(encoding="utf-8"))]
    return "".join(f"\n::: {name}\n" for name in found)


def _exported(home: Path) -> list[str]:
    """``__all__`` of a package, read and not run."""
    if not (home / "__init__.py").exists():
        return []
    for node in ast.parse((home / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)]
    return []


def _linked_outside() -> set[Path]:
    docs = ROOT / "docs"
    pages = [(page, page.read_text(encoding="utf-8")) for page in docs.rglob("*.md")]
    links = {_target(page.parent / (up + rest)) for page, text in pages for _, up, rest in OUTSIDE.findall(text)}
    return {path for path in links if path is not None and not path.is_relative_to(docs)}


def _target(path: Path) -> Path | None:
    """The file that a link means, if the repository has it; of a folder its README."""
    path = path.resolve()
    if path.is_dir() and (path / "README.md").is_file():
        path = path / "README.md"
    return path if path.is_file() and path.is_relative_to(ROOT) else None


def _inside(path: Path) -> str:
    return f"repository/{path.relative_to(ROOT).as_posix()}"


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")
