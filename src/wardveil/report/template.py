"""Template: pages and texts by name. HTML escapes every value; plain text and Markdown do not."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def rendered(name: str, /, **values: Any) -> str:
    """The template of that name, filled in.

    Raises:
        jinja2.UndefinedError: It needs a value that was not given.
    """
    return _environment().get_template(f"{name}.jinja").render(**values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("wardveil.report"), undefined=StrictUndefined,
        # By the ending, so that no page can forget it.
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters["cell"] = _cell
    return made


def _cell(value: object) -> str:
    """A value in a cell of a Markdown table: one line, and no markup of its own."""
    text = " ".join(str(value).split())
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
