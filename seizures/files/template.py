"""HTML pages from jinja templates: one set of rules for every page that is written.

A page is one file, and it loads nothing from a network. Only the page of a seizure has a script, which stands in it.
Every value is escaped, and a template that asks for a value it was not given is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2


def render_page(package: str, template: str, **values: Any) -> str:
    """Fill a template and return the page as HTML text; the same values give the same text.

    Args:
        package: the package whose folder `templates/` holds it.
        template: its file name.
        values: every value that it asks for.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["keep_units"] = keep_units
    return environment.get_template(template).render(values)


def write_page(path: Path, package: str, template: str, **values: Any) -> None:
    """Fill a template and write the page to `path` as UTF-8; arguments as for `render_page`."""
    path.write_text(render_page(package, template, **values), encoding="utf-8")


def keep_units(text: object) -> str:
    """Bind a percent sign to its number with a no-break space."""
    return str(text).replace(" %", "\u00a0%")
