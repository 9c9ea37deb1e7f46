"""A table as LaTeX, for the booktabs package."""

from __future__ import annotations

from gapkit.report.table import BLOCKS, Column, Entry, Table

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
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{c: f"\\{c}" for c in "#$%&_"},
}


def escape(text: str) -> str:
    r"""Text that LaTeX sets as it is, in one line.

    Examples
    --------
    >>> print(escape("R@1 50%_x"))
    R@1 50\%\_x
    """
    return "".join(_ESCAPES.get(character, character) for character in " ".join(text.split()))


def to_latex(table: Table) -> str:
    r"""Write `table` as a ``tabular`` with booktabs rules.

    Returns
    -------
    str
        Best of the bridges bold, second underlined, 95 % intervals small in brackets. Needs ``\usepackage{booktabs}``.
    """
    width = len(table.columns) + 1
    lines = [f"% {' '.join(line.split())}" for line in (table.title, *table.notes) if line]
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
                lines.append(f"% {row.name}: {' '.join(row.error.split())}")
            entries = zip(table.columns, row.entries, strict=True)
            lines.append(_line([escape(row.name), *(_entry(column, entry) for column, entry in entries)]))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _head(column: Column) -> str:
    return " ".join(escape(part) for part in (column.label, column.factor, column.arrow) if part)


def _entry(column: Column, entry: Entry) -> str:
    text = _number(column, entry.value)
    if entry.mark == "best":
        text = rf"\textbf{{{text}}}"
    elif entry.mark == "second":
        text = rf"\underline{{{text}}}"
    if entry.has_interval:
        text += rf" {{\scriptsize [{_number(column, entry.low)}, {_number(column, entry.high)}]}}"
    return text


def _number(column: Column, value: float) -> str:
    text = column.text(value)
    if text == "–":
        return "--"
    # A hyphen is not a minus sign.
    return f"${text}$" if text.startswith("-") else text


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
