"""A predictions table as the CSV that `evaluate`, `predict` and the pages share, safe to open in a spreadsheet."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from hemo.evaluate.predictions import Predictions
from hemo.report.table import Row, table_text


def predictions_csv(predictions: Predictions) -> str:
    """Columns source, slice, group, label, probability, call, reason; refused slices have no probability."""
    cells: Iterable[Any] = predictions.frame.itertuples()
    return table_text(
        Row(
            source=str(row.source),
            slice=str(row.slice),
            group=str(row.group),
            label=None if _unknown(row.label) else int(row.label),
            probability=None if _unknown(row.probability) else float(row.probability),
            call=str(row.call),
            reason=str(row.reason),
        )
        for row in cells
    )


def _unknown(value: Any) -> bool:
    """Whether a cell is empty: None, NaN or pandas' NA."""
    return bool(pd.isna(value))
