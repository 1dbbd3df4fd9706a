"""A user's own history of log-ins, with the columns of the public data set for such models.

Source of the columns: Wiefling, Jørgensen, Thunem, Lo Iacono, Login Data Set for Risk-Based
Authentication (2022), github.com/das-group/rba-dataset. Imports Ibis, which takes seconds.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.timelines import to_numpy
from huitong.risk.fraud.log_ins.types import Kind, LogIns

FIELD: Final = "--log-in-data"
COLUMNS: Final = (
    "Login Timestamp",
    "User ID",
    "IP Address",
    "Country",
    "Region",
    "City",
    "ASN",
    "User Agent String",
    "Browser Name and Version",
    "OS Name and Version",
    "Device Type",
    "Login Successful",
    "Is Attack IP",
    "Is Account Takeover",
)
#: What no attempt can do without, by our names.
_NEEDED: Final = {
    "at": "Login Timestamp",
    "login": "User ID",
    "address": "IP Address",
    "is_successful": "Login Successful",
    "is_attack": "Is Attack IP",
    "is_takeover": "Is Account Takeover",
}
#: What a code stands for; a value that is not there is one more value.
_CODED: Final = {
    "login": ("User ID",),
    "address": ("IP Address",),
    "network": ("ASN",),
    "country": ("Country",),
    "city": ("Country", "Region", "City"),
    "agent": ("User Agent String",),
    "browser": ("Browser Name and Version",),
    "system": ("OS Name and Version",),
    "device": ("Device Type",),
}
_VERSION: Final = r"[0-9._]+"
_MEMORY: Final = "1GB"
_YEARS: Final = (2000, 2100)


def read_log_ins(path: Path, *, threads: int) -> LogIns:
    """Return the attempts of a CSV or Parquet file in the order of time.

    `Login Timestamp` is a date with a time, or whole milliseconds since 1970; flags are true or
    false. Raises InvalidField if the file, a column or a value won't do, naming it.
    """
    if not path.is_file():
        raise InvalidField(f"{path} is not a file", field=FIELD)
    with TemporaryDirectory() as spill:
        engine = ibis.duckdb.connect(memory_limit=_MEMORY, threads=threads, temp_directory=spill)
        try:
            raw = _read(engine, path)
            _check_columns(raw, path)
            attempts = engine.create_table("attempts", _convert(raw), temp=True)
            _check_values(attempts)
            return _code(attempts)
        except duckdb.Error as problem:
            raise InvalidField(f"{path} cannot be read: {problem}", field=FIELD) from problem
        finally:
            engine.disconnect()


def _read(engine: Backend, path: Path) -> ir.Table:
    if path.name.endswith(".parquet"):
        return engine.read_parquet(path)
    # As text: what a column looks like at the beginning must not decide what it may hold later.
    return engine.read_csv(path, header=True, all_varchar=True)


def _check_columns(raw: ir.Table, path: Path) -> None:
    missing = [column for column in COLUMNS if column not in raw.columns]
    if missing:
        raise InvalidField(f"{path} lacks the columns {', '.join(missing)}", field=FIELD)


def _convert(raw: ir.Table) -> ir.Table:
    written = raw["Login Timestamp"]
    if not written.type().is_timestamp():
        since_1970 = written.try_cast("int64").as_timestamp("ms")
        written = ibis.coalesce(written.cast("string").try_cast("timestamp"), since_1970)
    texts = {column: raw[column].cast("string") for column in COLUMNS}
    return raw.select(
        at=written.cast("timestamp"),
        is_successful=_flag(raw["Login Successful"]),
        is_attack=_flag(raw["Is Attack IP"]),
        is_takeover=_flag(raw["Is Account Takeover"]),
        **{column: texts[column] for each in _CODED.values() for column in each},
        family=_without_version(texts["Browser Name and Version"])
        + "/"
        + _without_version(texts["OS Name and Version"])
        + "/"
        + texts["Device Type"].fill_null(""),
    )


def _flag(column: ir.Value) -> ir.BooleanValue:
    return column.cast("string").try_cast("boolean")


def _without_version(text: ir.StringValue) -> ir.StringValue:
    return text.fill_null("").re_replace(_VERSION, "").strip()


def _check_values(attempts: ir.Table) -> None:
    columns = {name: _CODED.get(name, (name,))[0] for name in _NEEDED}
    years = attempts["at"].year()
    counted = attempts.aggregate(
        rows=attempts.count(),
        years=((years < _YEARS[0]) | (years >= _YEARS[1])).sum(),
        **{f"no_{name}": attempts[column].isnull().sum() for name, column in columns.items()},
    )
    found = counted.to_pyarrow().to_pylist()[0]
    if not found["rows"]:
        raise InvalidField("there are no log-ins", field=FIELD)
    if found["rows"] > limits.LOG_INS_EVALUATED_MAX:
        raise InvalidField(
            f"{found['rows']:,} log-ins are more than {limits.LOG_INS_EVALUATED_MAX:,}; take the "
            "latest weeks",
            field=FIELD,
        )
    for name, column in _NEEDED.items():
        if found[f"no_{name}"]:
            raise InvalidField(
                f"{found[f'no_{name}']} rows have a {column} that is empty or cannot be read",
                field=FIELD,
            )
    if found["years"]:
        raise InvalidField(
            f"{found['years']} rows have a Login Timestamp outside {_YEARS[0]} to {_YEARS[1]}; "
            "whole numbers are milliseconds since 1970",
            field=FIELD,
        )


def _code(attempts: ir.Table) -> LogIns:
    codes = {
        name: ibis.dense_rank().over(order_by=[attempts[column] for column in columns])
        for name, columns in {**_CODED, "family": ("family",)}.items()
    }
    kind = ibis.cases(
        (attempts["is_takeover"], int(Kind.TAKEOVER)),
        (attempts["is_attack"], int(Kind.ATTACK_ADDRESS)),
        else_=int(Kind.HONEST),
    )
    table = attempts.select(
        at=attempts["at"],
        is_successful=attempts["is_successful"],
        kind=kind.cast("int64"),
        **codes,
    )
    # Whole rows: two runs over one file must see attempts of the same instant in one order.
    rows = table.order_by(table.columns).to_pyarrow()
    columns = {name: to_numpy(rows[name]) for name in codes}
    return LogIns(
        at=to_numpy(rows["at"].cast(pa.timestamp("us")).cast(pa.int64())),
        is_successful=to_numpy(rows["is_successful"]),
        kind=to_numpy(rows["kind"]),
        **columns,
    )
