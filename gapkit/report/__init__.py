"""Tables as text: terminal, Markdown, LaTeX, CSV. The writers know a `Table` and nothing of how it came about."""

from gapkit.report.latex import to_latex
from gapkit.report.markdown import lines_to_markdown, to_markdown
from gapkit.report.spreadsheet import to_csv
from gapkit.report.table import Column, Entry, Row, Table, build_table

__all__ = ["Column", "Entry", "Row", "Table", "build_table", "lines_to_markdown", "to_csv", "to_latex", "to_markdown"]
