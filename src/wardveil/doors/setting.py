"""Setting: what is declared for an import, and that it makes sense."""

from collections.abc import Sequence

from wardveil.errors import Problem, UsageError


def setting(what: str, where: str, *do: str) -> UsageError:
    """E331: something that is declared does not make sense."""
    return UsageError(Problem(code="E331", what=what, where=where, do=do))


def nothing_declared(what: str) -> UsageError:
    """E331: an import without a list would take its columns from the patients."""
    return setting(
        f"{what} must be declared: columns are not taken from what patients have.", "",
        "give a list that is public, such as a standard's or a codebook's",
    )  # fmt: skip


def require_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Require that a setting is one of some words.

    Raises:
        UsageError: E331.
    """
    if value not in known:
        raise setting(f"{name} must be one of {', '.join(known)}, found {value!r}.", name)
