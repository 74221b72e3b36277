"""wardveil verify: is a release as it was released, and does its statement follow?"""

from pathlib import Path
from typing import Annotated

import typer

from wardveil.cli.output import Output
from wardveil.errors import Problem, UsageError, VerifyError


def verify(
    output: Output,
    path: Annotated[
        Path, typer.Argument(help="A release folder, a run folder, or a statement.json.")
    ],
    *,
    digest: Annotated[
        str, typer.Option("--digest", help="SHA-256 of the release, as you got it another way.")
    ] = "",
) -> None:
    """Hash every file of a release, price its statement again, and compare; opens no table."""
    from wardveil.privacy.manifest import digest_of
    from wardveil.privacy.verify import read_statement, verify_release, verify_statement

    run = path / "run.json"
    if path.is_dir() and not run.is_file():
        problems = verify_release(path, digest=digest.lower())
        file = path / "statement.json"
    elif digest:
        raise UsageError(
            Problem(code="E108", what="Only a release folder has a digest.", where="--digest",
                    do=("Name the folder that wardveil release wrote.",))
        )  # fmt: skip
    else:
        file = run if path.is_dir() else path
        problems = verify_statement(read_statement(file))
    if problems:
        raise VerifyError(problems)
    claim = read_statement(file)["claim"]
    result: dict[str, object] = {"verified": True, "claim": claim}
    if file.name == "statement.json" and path.is_dir():
        result["digest"] = digest_of(path)
        claim += f"\nDigest: {result['digest']}"
    output.result(f"Verified: {claim}", result)
