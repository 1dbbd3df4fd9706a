"""Reading the files of a data set, whole or not at all."""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import csv

from huitong.kernel.errors import InvalidField, LimitExceeded, NotFound
from huitong.risk.credit import limits
from huitong.risk.credit.evaluation.types import DataSet, Frame, Raw
from huitong.risk.credit.scorecards.scoring import FeatureColumn
from huitong.risk.decisioning.features.scans import Floats

_FIELD: Final = "directory"
_ENDINGS: Final = (".csv", ".csv.gz")


class DataSetMissing(NotFound):
    """There is no file of a data set."""

    code = "data_set_missing"
    title = "There is no such data"


def find_file(folder: Path, stem: str, part: str) -> Path | None:
    """Return `<stem>_<part>.csv` or `.csv.gz` of a folder, or None."""
    paths = (folder / f"{stem}_{part}{ending}" for ending in _ENDINGS)
    return next((each for each in paths if each.is_file()), None)


def read_rows(data: DataSet, path: Path) -> tuple[Raw, Floats]:
    """Return the columns of a file and its labels, 1 for bad.

    Raises InvalidField naming the column that is missing or holds something else than numbers,
    and LimitExceeded for a file that is too large.
    """
    if path.stat().st_size > limits.EVALUATED_FILE_BYTES_MAX:
        raise LimitExceeded(f"{path.name} is too large", field=_FIELD)
    try:
        table = csv.read_csv(path)
    except (pa.ArrowInvalid, OSError) as problem:
        raise InvalidField(f"{path.name} cannot be read: {problem}", field=_FIELD) from problem
    if not 0 < table.num_rows <= limits.EVALUATED_ROWS_MAX:
        raise LimitExceeded(f"{path.name} has {table.num_rows:,} rows", field=_FIELD)
    columns = {
        name: _to_texts(table[name])
        if name in data.texts
        else _to_numbers(table[name], f"{path.name}: {name}")
        for name in table.column_names
    }
    missing = ({data.target} | data.texts) - set(columns)
    if missing:
        raise InvalidField(f"{path.name} lacks the column {min(missing)}", field=_FIELD)
    labels = columns[data.target]
    if np.count_nonzero((labels != 0) & (labels != 1)):
        raise InvalidField(f"{path.name}: {data.target} is neither 0 nor 1", field=_FIELD)
    return columns, (labels == data.bad).astype(np.float64)


def make_features(data: DataSet, raw: Raw, path: Path) -> Frame:
    """Return the features of rows; raises InvalidField naming a column that the file lacks."""
    try:
        return data.make_features(raw)
    except KeyError as problem:
        raise InvalidField(
            f"{path.name} lacks the column {problem.args[0]}", field=_FIELD
        ) from problem


def _to_numbers(column: pa.ChunkedArray, name: str) -> FeatureColumn:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        if pa.types.is_null(column.type):
            return np.full(len(column), np.nan)
        raise InvalidField(f"{name} holds something else than numbers", field=_FIELD)
    values: Floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _to_texts(column: pa.ChunkedArray) -> FeatureColumn:
    texts = (None if each in {None, ""} else str(each) for each in column.to_pylist())
    return np.array(list(texts), dtype=object)
