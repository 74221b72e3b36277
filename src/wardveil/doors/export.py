"""Export: the files of a folder, by the names a layout gives them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wardveil.errors import Problem, UsageError

_ENDINGS: Final = (".csv", ".csv.gz", ".parquet")


def file_in(root: Path, name: str) -> Path | None:
    """The file of a folder with this name, in any case, as .csv, .csv.gz or .parquet."""
    if not root.is_dir():
        return None
    wanted = [f"{name}{ending}".casefold() for ending in _ENDINGS]
    found = [path for path in sorted(root.iterdir()) if path.name.casefold() in wanted]
    return min(found, key=lambda path: wanted.index(path.name.casefold()), default=None)


def require_file(root: Path, name: str) -> Path:
    """The file of that name.

    Raises:
        UsageError: E332, there is none.
    """
    require_files(root, [name])
    found = file_in(root, name)
    assert found is not None
    return found


def require_files(root: Path, names: Sequence[str]) -> None:
    """Require that a folder has all these files, and name all that it has not.

    Raises:
        UsageError: E332.
    """
    absent = [name for name in dict.fromkeys(names) if file_in(root, name) is None]
    if absent:
        raise UsageError(
            [
                Problem(code="E332", what=f"The export has no {name}{_ENDINGS[0]} (or .csv.gz).",
                        where=root.name, do=("give the folder of the whole export",
                                             "ask for less: see docs/doors.md"))
                for name in absent
            ]
        )  # fmt: skip
