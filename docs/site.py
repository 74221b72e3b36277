"""What `make site` needs beside mkdocs.yml; mkdocs calls these functions.

The pages are written to be read in the repository as well, so some links leave docs/. What they
lead to becomes part of the site: README.md its first page, other Markdown pages of their own,
scripts pages that show them, all else files. A site that would fetch anything from elsewhere is
refused.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).parents[1]
LINK: Final = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")
FENCE: Final = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
FETCHED: Final = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\ssrc=[\"']?(?:https?:)?//[^\s>]+"
    r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*\shref=[\"']?(?:https?:)?//[^\s>]+"
    r"|url\([\"']?(?:https?:)?//[^)]+|@import\s+[\"'](?:https?:)?//[^\"']+"
)


def on_config(config: Any) -> Any:
    """Put every model's page into the navigation."""
    models = sorted(Path(config.docs_dir, "models").glob("*.md"))
    for entry in config.nav:
        if entry.get("Models") == "models":
            entry["Models"] = [{path.stem: f"models/{path.name}"} for path in models]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add README, CONTRIBUTING and CHANGELOG, and whatever pages link to outside docs/."""
    waiting = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    for page in files.documentation_pages():
        waiting += _outside(f"docs/{page.src_uri}", page.content_string)
    known = set()
    while waiting:
        path = waiting.pop()
        source = ROOT / path
        if path in known or not source.is_file():  # a dead link is left to mkdocs, which stops
            continue
        known.add(path)
        if source.suffix in (".md", ".py"):
            text = source.read_text(encoding="utf-8")
            waiting += _outside(path, text) if source.suffix == ".md" else []
            shown = text if source.suffix == ".md" else f"# {path}\n\n```python\n{text}```\n"
            files.append(File.generated(config, _place(path), content=shown))
        else:
            files.append(File.generated(config, _place(path), abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links of the repository into links of the site."""
    here = page.file.src_uri
    origin = {"index.md": "README.md"}.get(here, here)
    if not (ROOT / origin).is_file():
        origin = f"docs/{here}"

    def led(match: re.Match[str]) -> str:
        path = _joined(origin, match[1])
        place = path.removeprefix("docs/") if path.startswith("docs/") else _place(path)
        return posixpath.relpath(place, posixpath.dirname(here) or ".")

    return LINK.sub(led, markdown)


def on_post_build(config: Any) -> None:
    """Refuse a site that fetches anything from elsewhere when it is read."""
    found = [
        f"{path.relative_to(config.site_dir)}: {match[0]}"
        for path in sorted(Path(config.site_dir).rglob("*"))
        if path.suffix in (".html", ".css")
        for match in FETCHED.finditer(path.read_text(encoding="utf-8"))
    ]
    if found:
        raise PluginError("Nothing may be fetched from elsewhere. Found:\n" + "\n".join(found))


def _outside(path: str, markdown: str) -> Iterator[str]:
    """Files outside docs/ that a page links to, as paths of the repository."""
    for target in LINK.findall(FENCE.sub("", markdown)):
        led = _joined(path, target)
        if not led.startswith("docs/"):
            yield led


def _joined(path: str, target: str) -> str:
    """A link of a page as a path of the repository."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _place(path: str) -> str:
    """Where a file from outside docs/ stands in the site."""
    if path == "README.md":
        return "index.md"
    if "/" not in path and path.endswith(".md"):
        return path
    return f"source/{path}.md" if path.endswith(".py") else f"source/{path}"
