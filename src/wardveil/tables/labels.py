"""Labels: a text column as whole numbers, with the table that reads them back."""

import pandas as pd

from wardveil.errors import Problem, UsageError


def encode_labels(
    frame: pd.DataFrame, column: str, encoded: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replace a text column by integer labels 0, 1, …, in order of the texts.

    For tools that want numbers only. The labels name texts of the *synthetic* frame, so the decode
    table reveals nothing the frame does not.

    Args:
        frame: Synthetic rows.
        column: The text column.
        encoded: Name of the integer column that takes its place.

    Returns:
        The frame with the labels (missing: <NA>), and the decode table with columns `encoded`
        and `column`.

    Raises:
        UsageError: If there is no such column (E136).

    Example:
        >>> fake = pd.DataFrame({"drug": ["b", "a", "b"]})
        >>> encode_labels(fake, "drug", "drug_encoded")[0].drug_encoded.tolist()
        [1, 0, 1]
    """
    if column not in frame.columns:
        raise UsageError(
            Problem(code="E136", what=f"There is no column {column!r} to encode.", where="encode",
                    do=(f"Choose from: {', '.join(map(str, frame.columns))}.",))
        )  # fmt: skip
    labels, texts = pd.factorize(frame[column], sort=True)
    numbers = pd.Series(labels, index=frame.index, dtype="Int64").mask(labels < 0)
    if not numbers.isna().any():
        numbers = numbers.astype("int64")
    place = list(frame.columns).index(column)
    coded = frame.drop(columns=column)
    coded.insert(place, encoded, numbers)
    return coded, pd.DataFrame({encoded: range(len(texts)), column: texts})
