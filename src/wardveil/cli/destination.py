"""Destination: outputs that appear whole or not at all, and never replace what is there."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from wardveil.errors import Problem, RunError, WardveilError


def require_free(folder: Path, *, ours: Callable[[Path], bool] = lambda _: False) -> None:
    """Require that an output folder can be made, before anything is spent on its content.

    Args:
        folder: It must not exist, or be an empty folder.
        ours: Says of a folder that is not empty whether it may be replaced.

    Raises:
        RunError: E502, the folder is taken; E501, it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or ours(folder))):
        raise RunError(
            Problem(code="E502", what="The output folder must be new or empty; it is neither.",
                    where=str(folder), do=("Name another folder with -o.",
                                           "Move or delete what is there yourself."))
        )  # fmt: skip
    with _partial(folder) as probe:
        probe.touch()


@contextmanager
def new_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """A file to write that takes its name only when it is complete.

    Args:
        path: Where it shall be; must not exist unless `force`.
        force: Whether an existing file is replaced.

    Raises:
        RunError: E504, the file exists; E501, it cannot be written.
    """
    if path.exists() and (not force or path.is_dir()):
        raise RunError(
            Problem(code="E504", what="The output file exists already.", where=str(path),
                    do=("Name another file with -o.",
                        "Replace it with --force, if that is what you want."))
        )  # fmt: skip
    with _partial(path) as partial:
        yield partial
        partial.replace(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write to `path` into E501: full disk, no permission, no such folder.

    Raises:
        RunError: E501.
    """
    try:
        yield
    except WardveilError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "the system refused"
        raise RunError(
            Problem(code="E501", what=f"Could not be written: {reason}.", where=str(path),
                    do=("Choose a place you may write to, with enough room.",))
        ) from None  # fmt: skip


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A file name beside `path`; what still has it at the end is removed."""
    # The suffix stays last, for writers that choose a format by it.
    partial = path.parent / f".partial-{uuid4().hex[:8]}-{path.name}"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
        finally:
            partial.unlink(missing_ok=True)
