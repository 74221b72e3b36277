"""Manifest: the SHA-256 of every file of a release, in the form `sha256sum --check` reads.

The digest of the manifest itself stands for the whole folder: whoever got it by another way than
the folder (a letter, a web page, the ledger) notices a folder that was replaced as a whole.
"""

import re
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Final

from wardveil.errors import Problem

NAME: Final = "MANIFEST.sha256"
"""The manifest's name; it does not list itself."""

_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S.*)")
_DO: Final = ("Do not rely on this release; ask for it again.",)


def write_manifest(folder: Path) -> str:
    """List every file below a folder; return the digest of the list.

    Raises:
        OSError: A file cannot be read, or the list cannot be written.
    """
    lines = [f"{_digest(folder / name)}  {name}\n" for name in _files(folder)]
    (folder / NAME).write_text("".join(lines), encoding="utf-8", newline="\n")
    return digest_of(folder)


def digest_of(folder: Path) -> str:
    """SHA-256 of the manifest, which stands for the whole folder."""
    return _digest(folder / NAME)


def differences(folder: Path) -> list[Problem]:
    """Every way in which a folder is not what its manifest lists.

    Returns:
        Problems: E605, there is no manifest that can be read; E606, a file was changed; E607, a
        file is missing; E608, a file is there that is not listed.
    """
    listed = _listed(folder)
    if listed is None:
        return [
            Problem(code="E605", what=f"A release has a {NAME} that lists its files; none could "
                    "be read.", where=str(folder), do=_DO)
        ]  # fmt: skip
    present = _files(folder)
    problems = [
        Problem(code="E607", what="The file is listed and missing.", where=name, do=_DO)
        for name in sorted(listed.keys() - set(present))
    ]
    for name in present:
        if name not in listed:
            problems.append(
                Problem(code="E608", what="The file is not part of the release.", where=name,
                        do=("Do not use it. Ask whoever sent the folder.",))
            )  # fmt: skip
        elif (folder / name).is_symlink() or _digest(folder / name) != listed[name]:
            problems.append(
                Problem(code="E606", what="The file is not what was released: its SHA-256 differs.",
                        where=name, do=_DO)
            )  # fmt: skip
    return problems


def _files(folder: Path) -> list[str]:
    """Every file and link below a folder but the manifest, by name relative to it, in order."""
    found = (p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    names = (p.relative_to(folder).as_posix() for p in found)
    return sorted(name for name in names if name != NAME)


def _listed(folder: Path) -> dict[str, str] | None:
    """Name -> SHA-256 as listed; None when the list cannot be read or leads out of the folder."""
    try:
        text = (folder / NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    matches = [_LINE.fullmatch(line) for line in text.splitlines()]
    names = {m[2]: m[1] for m in matches if m}
    inside = all(".." not in PurePosixPath(n).parts and not n.startswith("/") for n in names)
    return names if names and inside and len(names) == len(matches) else None


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
