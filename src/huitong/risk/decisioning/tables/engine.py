"""The engine of decision tables: rows as a decision model (JDM) that zen evaluates.

The engine says only which rows hit. What they answer is taken from the table itself, because the
engine returns numbers as doubles (decision 0037).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import zen

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.tables.cells import Condition
from huitong.risk.decisioning.tables.types import Cell

_ROW: Final = "row"
_HERE: Final = {"x": 0, "y": 0}


class Engine:
    """Rows that were compiled; `ask` may be called from several threads."""

    def __init__(self, decision: Any, names: Sequence[str], *, is_collecting: bool) -> None:
        """Keep what zen made of the rows, and in which order it has the inputs."""
        self._decision = decision
        self._names = tuple(names)
        self._is_collecting = is_collecting

    def ask(self, inputs: Mapping[str, Cell]) -> tuple[int, ...]:
        """Return the places of the rows that hit: all if collecting, else the first or none."""
        answer = self._decision.evaluate(self._write(inputs))["result"]
        found = answer if self._is_collecting else [answer] if answer else []
        return tuple(int(each[_ROW]) for each in found)

    def _write(self, inputs: Mapping[str, Cell]) -> str:
        """Return inputs as JSON; decimals as their digits, which zen reads exactly."""
        shown = {}
        for place, name in enumerate(self._names):
            value = inputs[name]
            is_exact = isinstance(value, Decimal)
            shown[_name(place)] = msgspec.Raw(f"{value:f}".encode()) if is_exact else value
        return msgspec.json.encode(shown).decode()


def compile_rows(
    names: Sequence[str], rows: Sequence[Sequence[Condition]], *, is_collecting: bool
) -> Engine:
    """Return an engine for rows, each a condition for every name.

    Raises InvalidField naming the cell that zen does not take. zen itself would pass over such a
    row without a word.
    """
    cells = [[cell.write(_name(place)) for place, cell in enumerate(row)] for row in rows]
    for place, row in enumerate(cells):
        for name, cell in zip(names, row, strict=True):
            if cell and (trouble := zen.validate_expression(cell)) is not None:
                raise InvalidField(
                    f"does not compile: {trouble['source']}", field=f"rows[{place}].when.{name}"
                )
    model = msgspec.json.encode(
        _write_model(len(names), cells, is_collecting=is_collecting)
    ).decode()
    decision = zen.ZenEngine().create_decision(model)
    decision.validate()
    return Engine(decision, names, is_collecting=is_collecting)


def _name(place: int) -> str:
    # Not the column's own name: it might be a word of the engine's language.
    return f"i{place}"


def _write_model(
    width: int, cells: Sequence[Sequence[str]], *, is_collecting: bool
) -> dict[str, Any]:
    table = {
        "hitPolicy": "collect" if is_collecting else "first",
        # Without a field, cells are whole expressions. With one they are the engine's short
        # form, in which brackets and mixed `and` and `or` mean something else.
        "inputs": [{"id": _name(place), "name": _name(place)} for place in range(width)],
        "outputs": [{"id": "o", "name": _ROW, "field": _ROW}],
        "rules": [
            {
                "_id": f"r{place}",
                **{_name(at): cell for at, cell in enumerate(row)},
                # As text, which the engine hands back untouched.
                "o": f'"{place}"',
            }
            for place, row in enumerate(cells)
        ],
        "passThrough": False,
        "inputField": None,
        "outputPath": None,
        "executionMode": "single",
    }
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": _HERE},
            {
                "id": "table",
                "type": "decisionTableNode",
                "name": "table",
                "position": _HERE,
                "content": table,
            },
            {"id": "out", "type": "outputNode", "name": "out", "position": _HERE},
        ],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "e2", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }
