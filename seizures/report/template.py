"""A small page of results, one template for each: self-contained, without script, nothing that asks a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2


def write_small_page(path: Path, template: str, **values: Any) -> None:
    """Fill a template of this package, and write the page to `path`, UTF-8.

    Args:
        path: where to.
        template: its name in `templates/`; it extends `small_page.html.j2`.
        values: what it wants, every name.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("seizures.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["keep_units"] = lambda text: str(text).replace(" %", "\u00a0%")
    path.write_text(environment.get_template(template).render(values), encoding="utf-8")
