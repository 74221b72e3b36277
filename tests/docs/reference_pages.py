"""docs/interface.md and docs/settings.md, made from the code and its docstrings.

`python tests/docs/reference_pages.py` writes them. What has no docstring stops it.
"""

import inspect
import re
import types
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import wardveil as wv
from wardveil.models import MODELS, Model, defaults

DOCS = Path(__file__).parents[2] / "docs"
INTERFACE = """# Interface

Made from `wardveil.__all__` by `make docs`; `import wardveil as wv`. `help(wv.fit)` says what each
argument is, its units and its errors. Whatever is not here may change.
"""
SETTINGS = """# Settings

Made from the models by `make docs`. On the command line `--set epochs=20`, repeated; in Python
`wv.CTGAN(epochs=20)`. What is not set has its default. ε and δ are no settings: they are the run's.
"""


def pages() -> dict[Path, str]:
    """The pages as they should be."""
    return {DOCS / "interface.md": interface(), DOCS / "settings.md": settings()}


# -- settings --------------------------------------------------------------------------------


def settings() -> str:
    """A table a model, a line a setting."""
    return "\n".join([SETTINGS, *(_settings(name, model) for name, model in MODELS.items())])


def _settings(name: str, model: type[Model]) -> str:
    """Summary and table of one model; every setting must be explained."""
    known = defaults(name)
    told = {k: v for cls in reversed(model.__mro__) for k, v in attributes(cls).items()}
    assert set(known) <= set(told), (name, set(known) - set(told))
    lines = [f"## {name}\n", f"{first(model)} [More](models/{name}.md).\n"]
    if known:
        lines += ["| setting | default | is | meaning |", "|---|---|---|---|"]
        lines += [f"| `{k}` | {_written(default)} | {kind} | {told[k]} |"
                  for k, (kind, default) in known.items()]  # fmt: skip
    else:
        lines.append("It has no settings.")
    return "\n".join([*lines, ""])


def _written(default: str) -> str:
    """As it is written after --set."""
    return f"`{default}`" if default else "nothing"


# -- interface -------------------------------------------------------------------------------


def interface() -> str:
    """Functions, classes with their members, and the models."""
    models = {cls.__name__ for cls in MODELS.values()}
    names = [n for n in wv.__all__ if n not in models]
    functions = [n for n in names if inspect.isfunction(getattr(wv, n))]
    classes = [n for n in names if n not in functions]
    parts = [INTERFACE, "## Functions\n", *map(_function, functions)]
    parts += ["## Classes\n", *map(_class, classes), "## Models\n"]
    parts += ["All are frozen and take settings by name only: [settings](settings.md).\n"]
    parts += ["| class | by name | |", "|---|---|---|"]
    parts += [f"| `wv.{cls.__name__}` | [`{name}`](models/{name}.md) | {first(cls)} |"
              for name, cls in MODELS.items()]  # fmt: skip
    return "\n".join([*parts, ""])


def _function(name: str) -> str:
    function = getattr(wv, name)
    return f"### wv.{name}\n\n{first(function)}\n\n{_call(f'wv.{name}', function)}\n"


def _class(name: str) -> str:
    """How it is made, where users make it; attributes; public methods."""
    cls = getattr(wv, name)
    lines = [f"### wv.{name}\n", f"{first(cls)}\n"]
    if is_dataclass(cls):
        lines.append(_call(f"wv.{name}", cls) + "\n")
    rows = [f"| `.{k}` | {said} |" for k, said in attributes(cls).items()]
    rows += [f"| `{_short(k, m)}` | {first(_bare(m))} |" for k, m in vars(cls).items()
             if not k.startswith("_") and _is_member(m)]  # fmt: skip
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _is_member(member: object) -> bool:
    return inspect.isfunction(member) or isinstance(member, classmethod | staticmethod | property)


def _bare(member: Any) -> Any:
    """The function behind a method of any kind."""
    return member.fget if isinstance(member, property) else getattr(member, "__func__", member)


def _short(name: str, member: object) -> str:
    """A method with the names of its arguments; a property bare."""
    if isinstance(member, property):
        return f".{name}"
    names = list(inspect.signature(_bare(member)).parameters)
    return f".{name}({', '.join(names[not isinstance(member, staticmethod) :])})"


def _call(name: str, called: Any) -> str:
    """The signature, an argument a line."""
    lines, starred = [f"{name}("], False
    signature = inspect.signature(called)
    for p in signature.parameters.values():
        if p.kind == p.KEYWORD_ONLY and not starred:
            lines.append("    *,")
            starred = True
        kind = "" if p.annotation is p.empty else f": {type_text(p.annotation)}"
        lines.append(f"    {p.name}{kind}{_default(p.default)},")
    result = signature.return_annotation if inspect.isfunction(called) else None
    lines.append(f") -> {type_text(result)}" if result is not None else ")")
    return "\n".join(["```python", *lines, "```"])


def _default(value: object) -> str:
    if value is inspect.Parameter.empty:
        return ""
    return " = …" if repr(value).startswith("<") else f" = {value!r}"  # made anew each time


def type_text(annotation: Any) -> str:
    """A type in short names, alike on every Python.

    >>> type_text(Union[int, Literal["a", "b"], None])
    "int | 'a' | 'b' | None"
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is type(None):
        return "None"
    if annotation is ...:
        return "..."
    if origin in (Union, types.UnionType):
        return " | ".join(map(type_text, args))
    if origin is Literal:
        return " | ".join(map(repr, args))
    if isinstance(annotation, list):
        return f"[{', '.join(map(type_text, annotation))}]"
    name = getattr(origin or annotation, "__name__", str(annotation))
    if not args or name == "ndarray":
        return str(name)
    return f"{name}[{', '.join(map(type_text, args))}]"


# -- docstrings ------------------------------------------------------------------------------


def first(documented: object) -> str:
    """The first line of a docstring, which must be there."""
    text = inspect.getdoc(documented)
    assert text, documented
    return text.splitlines()[0]


def attributes(cls: type) -> dict[str, str]:
    """Name -> what the class's own docstring says under "Attributes"."""
    text = inspect.cleandoc(cls.__doc__ or "")
    section = text.partition("\nAttributes:")[2].partition("\n\n")[0]
    entries = [e.partition(":") for e in re.split(r"\n {4}(?=\w)", section)[1:]]
    return {name: " ".join(said.split()).replace("|", "\\|") for name, _, said in entries}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
