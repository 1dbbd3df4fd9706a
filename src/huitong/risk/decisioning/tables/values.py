"""Values of tables: read strictly, shown as text, never as floats."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.tables.types import Cell, Shown, TableField, TableType

_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)


def read_decimal(text: str, field: str) -> Decimal:
    """Return a number as it is written; raises InvalidField for what would be rounded."""
    if _DECIMAL.fullmatch(text) is None:
        raise InvalidField("must be a number like 12 or 0.045", field=field)
    if sum(each.isdigit() for each in text) > limits.TABLE_DIGITS_MAX:
        raise InvalidField(f"must have at most {limits.TABLE_DIGITS_MAX} digits", field=field)
    return Decimal(text)


def read_value(given: object, column: TableField, field: str) -> Cell:
    """Return a value of a column as it travels; raises InvalidField naming `field`."""
    if given is None:
        if not column.is_nullable:
            raise InvalidField("must not be null", field=field)
        return None
    value = _read(given, column, field)
    if isinstance(value, str):
        if column.values and value not in column.values:
            raise InvalidField(f"must be among {', '.join(column.values)}", field=field)
    elif not isinstance(value, bool):
        check_bounds(Decimal(value), column, field)
    return value


def _read(given: object, column: TableField, field: str) -> int | Decimal | bool | str:
    match column.type:
        case TableType.FLAG:
            if not isinstance(given, bool):
                raise InvalidField("must be true or false", field=field)
            return given
        case TableType.INTEGER:
            if isinstance(given, bool) or not isinstance(given, int):
                raise InvalidField("must be a whole number", field=field)
            if abs(given) >= 10**limits.TABLE_DIGITS_MAX:
                raise InvalidField(
                    f"must have at most {limits.TABLE_DIGITS_MAX} digits", field=field
                )
            return given
        case TableType.DECIMAL:
            if not isinstance(given, str):
                raise InvalidField('must be a number written as text, like "0.045"', field=field)
            return read_decimal(given, field)
        case TableType.TEXT:
            return _read_text(given, field)


def _read_text(given: object, field: str) -> str:
    if not isinstance(given, str) or not given.isprintable() or not given:
        raise InvalidField("must be readable text", field=field)
    if len(given) > limits.TABLE_TEXT_LENGTH_MAX:
        raise InvalidField(
            f"must have at most {limits.TABLE_TEXT_LENGTH_MAX} characters", field=field
        )
    return given


def check_bounds(number: Decimal, column: TableField, field: str) -> None:
    """Raise InvalidField for a number that a column may not hold."""
    if column.minimum is not None and number < column.minimum:
        raise InvalidField(f"must be at least {column.minimum}", field=field)
    if column.maximum is not None and number > column.maximum:
        raise InvalidField(f"must be at most {column.maximum}", field=field)


def read_values(
    given: Mapping[str, Any], columns: tuple[TableField, ...], field: str
) -> dict[str, Cell]:
    """Return a value of every column, all of them and no others; raises InvalidField."""
    names = {each.name for each in columns}
    for name in given.keys() ^ names:
        wrong = "is unknown" if name in given else "is missing"
        raise InvalidField(wrong, field=f"{field}.{str(name)[:64]}")
    return {
        each.name: read_value(given[each.name], each, f"{field}.{each.name}") for each in columns
    }


def show_value(value: Cell) -> Shown:
    """Return a value as it travels."""
    return format(value, "f") if isinstance(value, Decimal) else value
