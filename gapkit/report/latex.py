"""A table as LaTeX, for the booktabs package."""

from __future__ import annotations

import unicodedata

from gapkit.report.table import BLOCKS, Column, Entry, Intervals, Table

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "²": r"\textsuperscript{2}",
    "×": r"$\times$",
    "→": r"$\to$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "–": r"--",
    "…": r"\dots{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "#$%&_"},
}
_LATIN = 0x17F
"""Last letter that pdfLaTeX sets without further packages (Latin Extended-A)."""


def escape(text: str) -> str:
    r"""Text that LaTeX sets as it is, in one line.

    What pdfLaTeX has no letter for (emoji, other scripts) is written as its code point.

    Examples
    --------
    >>> print(escape("R@1 50%_x"))
    R@1 50\%\_x
    """
    return "".join(map(_character, " ".join(text.split())))


def to_latex(table: Table, *, intervals: Intervals = "ends", label: str | None = None) -> str:
    r"""Write `table` as a ``tabular`` with booktabs rules.

    Parameters
    ----------
    table : Table
    intervals : {"ends", "half", "none"}
        95 % intervals as ``[low, high]``, as ``±`` half their width, or left out.
    label : str, optional
        Wrap it in a ``table`` with this ``\label`` and a caption made of title and notes. Left out, those are comments.

    Returns
    -------
    str
        What is marked is bold; chance and ceiling of a column stand with the notes. Needs ``\usepackage{booktabs}``.
    """
    width = len(table.columns) + 1
    limits = "; ".join(f"{column.label}: {', '.join(column.note)}" for column in table.columns if column.note)
    said = [" ".join(line.split()) for line in (table.title, *table.notes, limits) if line]
    lines = [f"% {line}" for line in said] if label is None else [r"\begin{table}", r"\centering", r"\small"]
    if label is not None:
        lines.append(rf"\caption{{{escape('. '.join(line.rstrip('.') for line in said))}.}}")
        lines += [rf"\label{{{_key(label)}}}", r"\smallskip"]
    lines += [rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}", r"\toprule"]
    lines.append(_line(["bridge", *(_head(column) for column in table.columns)]))
    for block, rows in table.blocks.items():
        lines += [r"\midrule", rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escape(BLOCKS[block])}}}}} \\"]
        for row in rows:
            if row.error and row.empty:
                reason = rf"\multicolumn{{{max(width - 1, 1)}}}{{l}}{{{escape(row.error)}}}"
                lines.append(_line([escape(row.name), reason]))
                continue
            if row.error:
                lines.append(f"% {' '.join(f'{row.name}: {row.error}'.split())}")
            entries = zip(table.columns, row.entries, strict=True)
            lines.append(_line([escape(row.name), *(_entry(column, entry, intervals) for column, entry in entries)]))
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines if label is None else [*lines, r"\end{table}"]) + "\n"


def _character(character: str) -> str:
    if character in _ESCAPES or ord(character) < 0x7F:
        return _ESCAPES.get(character, character)
    if ord(character) <= _LATIN and unicodedata.category(character).startswith("L"):
        return character
    return rf"\texttt{{U+{ord(character):04X}}}"


def _key(label: str) -> str:
    r"""A name for ``\ref``: only what every package leaves alone."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in ":-." else "-" for c in label)


def _head(column: Column) -> str:
    return " ".join(escape(part) for part in (column.label, column.factor, column.arrow) if part)


def _entry(column: Column, entry: Entry, intervals: Intervals) -> str:
    text = _number(column, entry.value)
    if entry.marked:
        # Bold does not reach into a formula by itself.
        text = rf"\textbf{{\boldmath{text}}}" if text.startswith("$") else rf"\textbf{{{text}}}"
    if entry.has_interval and intervals == "ends":
        text += rf" {{\scriptsize [{_number(column, entry.low)}, {_number(column, entry.high)}]}}"
    elif entry.has_interval and intervals == "half":
        text += rf" {{\scriptsize $\pm$ {_number(column, entry.half)}}}"
    return text


def _number(column: Column, value: float) -> str:
    text = column.text(value)
    if text == "–":
        return "--"
    # A hyphen is not a minus sign.
    return f"${text}$" if text.startswith("-") else text


def _line(cells: list[str]) -> str:
    # After the end of a line LaTeX takes a star or bracket for an option of that end.
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return f"{guard}{' & '.join(cells)} \\\\"
