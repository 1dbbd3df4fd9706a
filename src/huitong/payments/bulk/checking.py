"""What the text of a file alone shows to be wrong: every bad line, with all its reasons."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from huitong.kernel import limits
from huitong.kernel.currencies import exponent_of
from huitong.kernel.errors import InvalidField
from huitong.ledger import read_account
from huitong.payments.bulk.reading import TITLES
from huitong.payments.bulk.types import Head, Line, Problem, ProblemCode, RawLine

_REFERENCE_SHAPE: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._/-]*")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_AMOUNT_SHAPE: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
#: What a spreadsheet may take for the beginning of a formula (OWASP, CSV Injection).
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_LENGTHS_MAX: Final = {
    "reference": limits.BULK_REFERENCE_LENGTH_MAX,
    "name": limits.BULK_NAME_LENGTH_MAX,
    "note": limits.BULK_NOTE_LENGTH_MAX,
}
# So that the sum of a whole file stays within what can be recorded.
_AMOUNT_MAX: Final = limits.MINOR_UNITS_MAX // limits.BULK_LINES_MAX


@dataclass(slots=True)
class Checked:
    """A file whose text was checked: the lines that are sound, and what is wrong with others."""

    head: Head
    lines: list[Line] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def check_lines(head: Head, rows: Iterable[RawLine]) -> Checked:
    """Check every row and the head's control totals; what is wrong is returned, never raised.

    The totals are compared if all amounts can be read, so that one bad line is one problem.
    """
    checked = Checked(head)
    seen: set[str] = set()
    count = total = 0
    is_total_known = True
    for row in rows:
        count += 1
        found, line, amount = _check(head, row, seen)
        checked.problems += found
        if line is not None:
            checked.lines.append(line)
        if amount is None:
            is_total_known = False
        else:
            total += amount
    if count != head.line_count:
        checked.problems.append(Problem(0, ProblemCode.COUNT_DIFFERS, "lines"))
    if is_total_known and total != head.total.minor:
        checked.problems.append(Problem(0, ProblemCode.TOTAL_DIFFERS, "total"))
    return checked


def _check(
    head: Head, row: RawLine, seen: set[str]
) -> tuple[list[Problem], Line | None, int | None]:
    """Return what is wrong with a row, the line if nothing is, and its amount if it has one."""
    if row.trouble is not None:
        return [Problem(row.number, row.trouble, "line")], None, None
    if len(row.fields) != len(TITLES):
        return [Problem(row.number, ProblemCode.FIELDS_WRONG, "line")], None, None
    reference, account, name, amount_text, currency, note = (each.strip() for each in row.fields)
    problems = [
        Problem(row.number, code, title)
        for title, text in (("reference", reference), ("name", name), ("note", note))
        if (code := _check_text(title, text)) is not None
    ]
    if not problems or problems[0].field != "reference":
        if _REFERENCE_SHAPE.fullmatch(reference) is None:
            problems.append(Problem(row.number, ProblemCode.REFERENCE_MALFORMED, "reference"))
        elif reference in seen:
            problems.append(Problem(row.number, ProblemCode.REFERENCE_DUPLICATE, "reference"))
        seen.add(reference)
    try:
        account_id = read_account(account, field="account")
    except InvalidField:
        account_id = 0
        code = _check_text("account", account) or ProblemCode.ACCOUNT_UNKNOWN
        problems.append(Problem(row.number, code, "account"))
    amount = read_amount(amount_text, exponent_of(head.currency))
    if isinstance(amount, ProblemCode):
        problems.append(Problem(row.number, amount, "amount"))
    if currency != head.currency:
        code = ProblemCode.FORMULA if _is_formula(currency) else ProblemCode.CURRENCY_WRONG
        problems.append(Problem(row.number, code, "currency"))
    if isinstance(amount, ProblemCode):
        return problems, None, None
    if problems:
        return problems, None, amount
    line = Line(
        number=row.number,
        reference=reference,
        account_id=account_id,
        name=name,
        amount=amount,
        note=note,
    )
    return [], line, amount


def read_amount(text: str, exponent: int) -> int | ProblemCode:
    """Return the minor units that a text means in a currency of `exponent` decimals, or why not.

    Worked: ("10.5", 2) → 1050; ("10.500", 2) → AMOUNT_DECIMALS, as whoever wrote it meant
    something that this currency does not have.
    """
    if len(text) > limits.AMOUNT_TEXT_LENGTH_MAX:
        return ProblemCode.FORMULA if _is_formula(text) else ProblemCode.AMOUNT_TOO_LARGE
    shape = _AMOUNT_SHAPE.fullmatch(text)
    if shape is None:
        return ProblemCode.FORMULA if _is_formula(text) else ProblemCode.AMOUNT_MALFORMED
    sign, whole, decimals = shape[1], shape[2], shape[3] or ""
    if len(decimals) > exponent:
        return ProblemCode.AMOUNT_DECIMALS
    minor = int(whole + decimals.ljust(exponent, "0"))
    if sign or minor == 0:
        return ProblemCode.AMOUNT_NOT_POSITIVE
    return ProblemCode.AMOUNT_TOO_LARGE if minor > _AMOUNT_MAX else minor


def _check_text(title: str, text: str) -> ProblemCode | None:
    if not text:
        return None if title == "note" else ProblemCode.FIELD_EMPTY
    if _CONTROLS.search(text) is not None:
        return ProblemCode.CONTROL_CHARACTER
    if _is_formula(text):
        return ProblemCode.FORMULA
    if len(text) > _LENGTHS_MAX.get(title, limits.BULK_LINE_CHARACTERS_MAX):
        return ProblemCode.FIELD_TOO_LONG
    return None


def _is_formula(text: str) -> bool:
    return text.startswith(FORMULA_SIGNS)
