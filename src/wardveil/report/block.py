"""Block: one section of the page: a sentence, figures, and the numbers beneath them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure.

    Attributes:
        svg: The figure itself, with its text alternative.
        caption: What it shows, for the eye.
    """

    svg: str
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A table.

    Attributes:
        caption: What it holds.
        head: Column heads; the first column is text, the others are numbers unless `texts`.
        rows: Cells, as many as heads in every row.
        shown: Whether it is open; a folded one opens with a click.
        texts: Columns, counted from 0, that hold text.
        far: Rows, counted from 0, that are marked.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shown: bool = False
    texts: frozenset[int] = frozenset({0})
    far: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Block:
    """A section.

    Attributes:
        anchor: Its name within the page.
        title: Its heading.
        note: What it shows and how to read it, in plain sentences.
        drawings: Its figures, side by side where there is room.
        numbers: Its tables.
        real: Whether real and synthetic are told apart by the key under the note.
        folded: Whether the whole is closed until somebody asks for it.
    """

    anchor: str
    title: str
    note: str
    drawings: tuple[Drawing, ...] = ()
    numbers: tuple[Numbers, ...] = ()
    real: bool = True
    folded: bool = False
