"""Schemas of decision tables, and the tables that a new installation starts with.

A schema is what a room asks and what it reads from the answer, so it comes with the platform; the
rows are the bank's.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.yaml_text import read_yaml
from huitong.risk.decisioning.rules.defaults.loading import fill_thresholds
from huitong.risk.decisioning.tables.types import TableField, TableSchema, TableType

_FOLDER: Final = "huitong.risk.decisioning.tables.defaults"


def list_schemas() -> tuple[TableSchema, ...]:
    """Return the schemas of all tables that the platform asks."""
    return tuple(_read_schemas().values())


def get_schema(name: str) -> TableSchema:
    """Return the schema of a table; raises InvalidField for a name that nobody asks."""
    schema = _read_schemas().get(name)
    if schema is None:
        known = ", ".join(sorted(_read_schemas()))
        raise InvalidField(f"must be among {known}", field="name")
    return schema


def default_table(name: str, rulebook: Rulebook, on: date) -> dict[str, Any]:
    """Return the default rows of a table, with the rulebook's thresholds of a business day.

    Raises InvalidField for an unknown name, UnknownRuleError and NoRuleInForce.
    """
    get_schema(name)
    filled: dict[str, Any] = fill_thresholds(_read()[name]["table"], rulebook, on)
    return filled


def read_schema(given: Mapping[str, Any]) -> TableSchema:
    """Return a schema as `show_schema` writes it."""
    return TableSchema(
        name=given["name"],
        meaning=given["meaning"],
        inputs=tuple(_read_field(each) for each in given["inputs"]),
        outputs=tuple(_read_field(each) for each in given["outputs"]),
    )


def _read_field(given: Mapping[str, Any]) -> TableField:
    low, high = given.get("minimum"), given.get("maximum")
    return TableField(
        name=given["name"],
        type=TableType(given["type"]),
        meaning=given["meaning"],
        is_nullable=given.get("is_nullable", False),
        values=tuple(given.get("values", ())),
        minimum=None if low is None else Decimal(low),
        maximum=None if high is None else Decimal(high),
    )


@cache
def _read_schemas() -> dict[str, TableSchema]:
    return {name: read_schema({"name": name, **given["schema"]}) for name, given in _read().items()}


@cache
def _read() -> dict[str, Any]:
    text = (files(_FOLDER) / "tables.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = read_yaml(text)
    return document
