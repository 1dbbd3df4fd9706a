"""The card transactions of the Fraud Detection Handbook, as a history of payments.

Source: Le Borgne, Siblini, Lebichot, Bontempi, Reproducible Machine Learning for Credit Card Fraud
Detection: Practical Handbook (ULB, 2022), chapter 3. A card is the payer, a terminal the payee.
"""

from pathlib import Path
from typing import Final

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.definitions import (
    DAY,
    Entity,
    Fact,
    Feature,
    Window,
    WindowMeasure,
)
from huitong.risk.decisioning.types import FeatureType

COLUMNS: Final = (
    "TRANSACTION_ID",
    "TX_DATETIME",
    "CUSTOMER_ID",
    "TERMINAL_ID",
    "TX_AMOUNT",
    "TX_FRAUD",
)
_ENDINGS: Final = (".csv", ".csv.gz", ".parquet")
_DELAY_SECONDS: Final = 7 * DAY
_FIELD: Final = "--data"


def _windows(days: int) -> list[Window]:
    def make(entity: Entity, name: str, measure: WindowMeasure) -> Window:
        is_late = entity is Entity.PAYEE
        return Window(
            name=f"{name}_{days}DAY_WINDOW",
            entity=entity,
            measure=measure,
            seconds=days * DAY,
            delay_seconds=_DELAY_SECONDS if is_late else 0,
            includes_current=not is_late,
        )

    return [
        make(Entity.PAYER, "CUSTOMER_ID_NB_TX", WindowMeasure.COUNT),
        make(Entity.PAYER, "CUSTOMER_ID_AVG_AMOUNT", WindowMeasure.MEAN_AMOUNT),
        make(Entity.PAYEE, "TERMINAL_ID_NB_TX", WindowMeasure.COUNT),
        make(Entity.PAYEE, "TERMINAL_ID_RISK", WindowMeasure.LABEL_RATE),
    ]


#: The book's features by its own names, but amounts in cents and the flags under our names.
BOOK_FEATURES: Final[tuple[Feature, ...]] = (
    Fact("amount", FeatureType.INTEGER),
    Fact("is_weekend", FeatureType.FLAG),
    Fact("is_night", FeatureType.FLAG),
    *(window for days in (1, 7, 30) for window in _windows(days)),
)


def read_transactions(engine: Backend, path: Path) -> ir.Table:
    """Return id, at, payer, payee, amount (cents) and label of a file, or of all in a folder.

    Takes CSV (also gzipped) and Parquet; files of a folder without the raw columns, or with the
    book's own features, are left out. Raises InvalidField if there is none, or a value is wrong.
    """
    if not path.exists():
        raise InvalidField(f"{path} is not there; name the file or folder", field=_FIELD)
    files = [path] if path.is_file() else sorted(each for each in path.iterdir() if _is_data(each))
    tables = [table for table in (_read(engine, each) for each in files) if _is_raw(table)]
    if not tables:
        raise InvalidField(
            f"{path} has no file with the columns {', '.join(COLUMNS)}", field=_FIELD
        )
    # Each is converted first: the reader may have taken a column of one file for another type.
    parts = [_convert(table) for table in tables]
    whole = ibis.union(*parts) if len(parts) > 1 else parts[0]
    events = engine.create_table("handbook", whole, temp=True)
    _check(events)
    return events.mutate(label=events["label"] == 1)


def _is_data(path: Path) -> bool:
    return path.is_file() and path.name.endswith(_ENDINGS)


def _read(engine: Backend, path: Path) -> ir.Table:
    try:
        if path.name.endswith(".parquet"):
            return engine.read_parquet(path)
        return engine.read_csv(path)
    except duckdb.Error as problem:
        raise InvalidField(f"{path} cannot be read: {problem}", field=_FIELD) from problem


def _is_raw(table: ir.Table) -> bool:
    columns = set(table.columns)
    return set(COLUMNS) <= columns and "TERMINAL_ID_RISK_1DAY_WINDOW" not in columns


def _convert(raw: ir.Table) -> ir.Table:
    return raw.select(
        id=raw["TRANSACTION_ID"].try_cast("int64"),
        at=raw["TX_DATETIME"].try_cast("timestamp"),
        payer=raw["CUSTOMER_ID"].try_cast("int64"),
        payee=raw["TERMINAL_ID"].try_cast("int64"),
        # By way of a decimal: the file writes euros, and a cent must stay a cent.
        amount=(raw["TX_AMOUNT"].try_cast("decimal(18, 2)") * 100).cast("int64"),
        label=raw["TX_FRAUD"].try_cast("int64"),
    )


def _check(events: ir.Table) -> None:
    wrong = {
        "a value that is empty or cannot be read": ibis.or_(
            *(events[column].isnull() for column in events.columns)
        ),
        "a negative TX_AMOUNT": events["amount"] < 0,
        "a TX_FRAUD that is neither 0 nor 1": ~events["label"].isin([0, 1]),
    }
    counted = events.aggregate(
        rows=events.count(),
        ids=events["id"].nunique(),
        **{f"wrong_{index}": each.sum() for index, each in enumerate(wrong.values())},
    )
    found = counted.to_pyarrow().to_pylist()[0]
    for index, what in enumerate(wrong):
        if found[f"wrong_{index}"]:
            raise InvalidField(f"{found[f'wrong_{index}']} rows have {what}", field=_FIELD)
    if found["rows"] != found["ids"]:
        raise InvalidField("a TRANSACTION_ID is there more than once", field=_FIELD)
