"""The handbook's own features, and how its files are read."""

import re
from datetime import date, timedelta
from pathlib import Path

import ibis
import numpy as np
import pytest

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.definitions import Window, WindowMeasure
from huitong.risk.decisioning.features.offline import compute_features
from huitong.risk.fraud.handbook import BOOK_FEATURES, COLUMNS, read_transactions

FOLDER = "2-transaction-fraud"
EXPECTED_DAY = date(2018, 7, 31)
HEADER = ",".join(COLUMNS)


def test_the_books_window_features_are_reproduced(shared_data: Path) -> None:
    folder = shared_data / FOLDER
    files = list(folder.glob(f"fdh_transformed_features_{EXPECTED_DAY}*"))
    if not files:
        pytest.skip(f"the book's features of {EXPECTED_DAY} are not in {folder}")
    engine = ibis.duckdb.connect(memory_limit="2GB")
    events = read_transactions(engine, folder)
    events = events.filter(events["at"] < EXPECTED_DAY + timedelta(days=1))
    names = [each.name for each in BOOK_FEATURES]
    found = compute_features(events, names, among=BOOK_FEATURES, utc_offset=timedelta(0))
    expected = engine.read_csv(files[0]).order_by("TX_DATETIME", "TRANSACTION_ID").to_pyarrow()
    assert expected.num_rows == 9_705
    last = slice(-expected.num_rows, None)
    windows = [each for each in BOOK_FEATURES if isinstance(each, Window)]
    assert {each.name for each in windows} == {
        column for column in expected.column_names if column.endswith("_WINDOW")
    }
    for window in windows:
        # Averages in the file are euros, summed up and down by floating point.
        unit = 100 if window.measure is WindowMeasure.MEAN_AMOUNT else 1
        wanted = expected[window.name].to_numpy() * unit
        np.testing.assert_allclose(
            found[window.name].values[last], wanted, rtol=1e-9, atol=1e-9, err_msg=window.name
        )
    for name, column in (("is_weekend", "TX_DURING_WEEKEND"), ("is_night", "TX_DURING_NIGHT")):
        np.testing.assert_array_equal(found[name].values[last], expected[column].to_numpy() == 1)


def write(folder: Path, *lines: str, name: str = "raw.csv", header: str = HEADER) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


def test_amounts_become_cents_exactly(tmp_path: Path) -> None:
    write(tmp_path, "1,2018-04-01 00:00:31,5,7,0.29,0", "2,2018-04-01 00:00:31,5,7,1108.85,1")
    events = read_transactions(ibis.duckdb.connect(), tmp_path).order_by("id").to_pyarrow()
    assert events["amount"].to_pylist() == [29, 110_885]
    assert events["label"].to_pylist() == [False, True]


def test_files_of_a_folder_are_read_together_and_others_left_out(tmp_path: Path) -> None:
    write(tmp_path, "1,2018-04-01 00:00:31,5,7,1.00,0", name="a.csv")
    # Whole euros look like integers to a reader of CSV.
    write(tmp_path, "2,2018-04-02 00:00:31,5,7,3,1", name="b.csv")
    write(tmp_path, "1,2", name="other.csv", header="x,y")
    write(tmp_path, "nothing to read", name="NOTES.md")
    window = f"{HEADER},TERMINAL_ID_RISK_1DAY_WINDOW"
    write(tmp_path, "1,2018-04-01 00:00:31,5,7,1.00,0,0.0", name="c.csv", header=window)
    events = read_transactions(ibis.duckdb.connect(), tmp_path)
    found = events.order_by("id").to_pyarrow()
    assert found["id"].to_pylist() == [1, 2]
    assert found["amount"].to_pylist() == [100, 300]


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["1,2018-04-01 00:00:31,5,7,-1.00,0"], "1 rows have a negative TX_AMOUNT"),
        (["1,2018-04-01 00:00:31,5,7,1.00,2"], "1 rows have a TX_FRAUD that is neither 0 nor 1"),
        (
            ["abc,2018-04-01 00:00:31,5,7,1.00,0"],
            "1 rows have a value that is empty or cannot be read",
        ),
        (
            ["1,2018-04-01 00:00:31,5,7,nan,0"],
            "1 rows have a value that is empty or cannot be read",
        ),
        (
            ["1,2018-04-01 00:00:31,,7,1.00,0"],
            "1 rows have a value that is empty or cannot be read",
        ),
        (
            ["1,2018-04-01 00:00:31,5,7,1.00,0", "1,2018-04-01 00:00:32,5,7,1.00,0"],
            "a TRANSACTION_ID is there more than once",
        ),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, lines: list[str], what: str) -> None:
    path = write(tmp_path, *lines, "9,2018-04-01 00:00:33,5,7,1.00,0")
    with pytest.raises(InvalidField, match=re.escape(what)) as refusal:
        read_transactions(ibis.duckdb.connect(), path)
    assert refusal.value.field == "--data"


def test_what_is_not_there_or_no_history_is_refused(tmp_path: Path) -> None:
    engine = ibis.duckdb.connect()
    with pytest.raises(InvalidField, match="nowhere is not there"):
        read_transactions(engine, tmp_path / "nowhere")
    with pytest.raises(InvalidField, match="has no file with the columns TRANSACTION_ID"):
        read_transactions(engine, tmp_path)
    with pytest.raises(InvalidField, match="has no file with the columns"):
        read_transactions(engine, write(tmp_path, "1,2", header="x,y"))
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"not Parquet")
    with pytest.raises(InvalidField, match=r"broken\.parquet cannot be read"):
        read_transactions(engine, broken)
