"""A finished study as one HTML page that needs nothing beside itself."""

from gapkit.page.building import build_page
from gapkit.page.content import Page
from gapkit.page.document import to_html
from gapkit.page.points import write_points

__all__ = ["Page", "build_page", "to_html", "write_points"]
