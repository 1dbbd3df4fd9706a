"""The sentences of published scenarios (Apache Fineract's features), and what each of them tells.

Sentences that only look at other things, such as journals of another chart, are passed over; one
that does what the engine does not do is refused, and ends what can be compared.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from huitong.lending.schedules import Cycle, TimeUnit
from huitong.lending.servicing import (
    ChargeBack,
    Direction,
    Extension,
    GivenBack,
    Holiday,
    Part,
    Payment,
    Postponement,
    ReAging,
    ReAmortization,
    Refund,
    Waiver,
)
from huitong.lending.tie_out.products import adapt_product, read_product
from huitong.lending.tie_out.reading import read_amount, read_day
from huitong.lending.tie_out.results import NotCovered
from huitong.lending.tie_out.story import Lent, NewRate, Story

Table = list[dict[str, str]]
Found = re.Match[str]

_DIRECTIONS: Final = {
    "NEXT_INSTALLMENT": Direction.NEXT,
    "LAST_INSTALLMENT": Direction.LAST,
    "REAMORTIZATION": Direction.ALL_ALIKE,
}
#: Credits whose product has a rule of its own for what is not due yet.
_OF_KIND: Final = {
    "GOODWILL_CREDIT": Direction.LAST,
    "MERCHANT_ISSUED_REFUND": Direction.ALL_ALIKE,
}
_PARTS: Final = {
    "LOAN_NSF_FEE": Part.PENALTY,
    "LOAN_FIXED_LATE_FEE": Part.PENALTY,
    "LOAN_FIXED_RETURNED_PAYMENT_FEE": Part.PENALTY,
    "LOAN_SNOOZE_FEE": Part.FEE,
}
_ANY_PART: Final = "|".join(_PARTS)
_NSF_FEE: Final = 1_000
_DEFAULT_PRINCIPAL: Final = 100_000
_ANY_KIND: Final = "DEFAULT"
_PERCENT: Final = 100
#: What acts on the loan in a way that is not covered.
_ACTS: Final = re.compile(
    r"(Admin|Batch|Customer|Refund|Loan Pay-off|When Admin).*"
    r"(re-ag|re-amort|writ|undo|waive|adjust|charge|reschedule|Pay-off|[Rr]efund|fee|BATCH|adds \""
    r"|makes|disburse)"
)
#: What is refused or only looked at, and so changes nothing.
_PASSED_OVER: Final = re.compile(r".*(is not able to|not possible|fails|rror|checks that)")


def take(text: str, table: Table, story: Story) -> None:
    """Let a sentence tell its part; raises NotCovered for what the engine does not do."""
    for pattern, act in _SENTENCES:
        found = pattern.match(text)
        if found:
            act(story, found, table)
            return
    if _ACTS.match(text) and not _PASSED_OVER.match(text):
        raise NotCovered(" ".join(re.sub(r'"[^"]*"|[\d.]+', "…", text).split())[:60])


def _set_day(story: Story, found: Found, _table: Table) -> None:
    story.today = read_day(found[1])


def _set_direction(story: Story, found: Found, _table: Table) -> None:
    story.directions[found[1]] = _DIRECTIONS[found[2]]


def _set_start(story: Story, found: Found, _table: Table) -> None:
    story.counts_from_submission = found[1] == "SUBMITTED_ON_DATE"


def _make(story: Story, found: Found, table: Table) -> None:
    terms = table[0]
    story.product = adapt_product(read_product(terms), found[1])
    on = read_day(terms["submitted on date"])
    story.submitted_on = on
    story.planned = Lent(on, read_amount(terms["with Principal"]))


def _make_custom(story: Story, found: Found, _table: Table) -> None:
    months, count = int(found[3]), int(found[4])
    every = {"repaymentEvery": str(max(months // count, 1))}
    story.product = read_product({"numberOfRepayments": found[4], **every})
    story.submitted_on = read_day(found[1])
    story.planned = Lent(story.submitted_on, read_amount(found[2]))


def _make_default(story: Story, found: Found, _table: Table) -> None:
    _make_plainest(story, found[1], days="30")


def _make_shortest(story: Story, found: Found, _table: Table) -> None:
    _make_plainest(story, found[1], days="1")


def _make_plainest(story: Story, submitted_on: str, *, days: str) -> None:
    cycle = {"repaymentEvery": days, "repaymentFrequencyType": "DAYS"}
    story.product = read_product({"numberOfRepayments": "1", **cycle})
    story.submitted_on = read_day(submitted_on)
    story.planned = Lent(story.submitted_on, _DEFAULT_PRINCIPAL)


def _approve(story: Story, found: Found, _table: Table) -> None:
    story.planned = Lent(read_day(found[2]), read_amount(found[1]))


def _lend(story: Story, found: Found, _table: Table) -> None:
    if "adjust repayment date" in found[3]:
        raise NotCovered("due days that are set as money is lent")
    level = re.search(rf'"{_AMOUNT}" (?:EUR )?fixed emi', found[3])
    if level:
        story.product = replace(story.terms, level=read_amount(level[1]))
    story.lend(read_day(found[1]), read_amount(found[2]))


def _forget_last_lent(story: Story, _found: Found, _table: Table) -> None:
    story.forget_lent(only_last=True)


def _forget_lent(story: Story, _found: Found, _table: Table) -> None:
    story.forget_lent(only_last=False)


def _pay(story: Story, found: Found, _table: Table) -> None:
    kind, on, amount = found[1], read_day(found[2]), read_amount(found[3])
    if kind == "REFUND_BY_CASH":
        story.tell(kind, GivenBack(on=on, amount=amount))
        return
    direction = story.directions.get(kind) or _OF_KIND.get(kind) or story.directions[_ANY_KIND]
    story.tell(kind, Payment(on=on, amount=amount, direction=direction))


def _credit(story: Story, found: Found, _table: Table) -> None:
    on, amount = read_day(found[1]), read_amount(found[2])
    story.tell("Refund", Payment(on=on, amount=amount, direction=Direction.ALL_ALIKE))


def _pay_all(story: Story, found: Found, _table: Table) -> None:
    story.pay_off(read_day(found[1]))


def _adjust_charge(story: Story, found: Found, _table: Table) -> None:
    payment = Payment(
        on=story.today, amount=read_amount(found[1]), direction=story.directions[_ANY_KIND]
    )
    story.tell("Charge Adjustment", payment)


def _charge(story: Story, found: Found, _table: Table) -> None:
    story.charge(_PARTS[found[1]], read_day(found[2]), read_amount(found[3]))


def _charge_bounce(story: Story, found: Found, _table: Table) -> None:
    story.charge(Part.PENALTY, read_day(found[1]), _NSF_FEE)


def _charge_part(story: Story, found: Found, _table: Table) -> None:
    story.charge_part(Part.FEE, Fraction(found[1]) / _PERCENT, read_day(found[2]))


def _charge_at_lending(story: Story, found: Found, _table: Table) -> None:
    story.charge_at_lending(Fraction(found[1]) / _PERCENT)


def _charge_part_of_each(story: Story, found: Found, _table: Table) -> None:
    story.charge_part(Part.FEE, Fraction(found[1]) / _PERCENT, None)


def _waive(story: Story, _found: Found, _table: Table) -> None:
    story.waive()


def _forget_waiver(story: Story, _found: Found, _table: Table) -> None:
    story.forget_last(Waiver)


def _charge_back(story: Story, found: Found, _table: Table) -> None:
    amount, first = read_amount(found[1]), story.terms.charged_back_first
    story.tell("Chargeback", ChargeBack(on=story.today, amount=amount, first=first))


def _refund(story: Story, found: Found, _table: Table) -> None:
    event = Refund(on=read_day(found[1]), amount=read_amount(found[2]))
    story.tell("Credit Balance Refund", event)


def _pass_over(_story: Story, _found: Found, _table: Table) -> None:
    """Do nothing: a loan that is charged off is still owed as it was."""


def _close_day(story: Story, _found: Found, _table: Table) -> None:
    story.close_day()


def _set_recalculation(story: Story, found: Found, _table: Table) -> None:
    story.is_recalculated_daily = found[1] == "puts"


def _reverse(story: Story, found: Found, _table: Table) -> None:
    story.forget(_find_payment(story, found))


def _find_payment(story: Story, found: Found) -> Payment:
    """Return the payment of that number on that day, or of all if there is none on it."""
    number, kind, day = int(found["number"] or 1), found["kind"], read_day(found["day"])
    payments = [
        (each.kind, each.what)
        for each in story.told
        if isinstance(each.what, Payment) and _is_kind(each.kind, kind)
    ]
    of_day = [paid for _, paid in payments if paid.on == day]
    paid = of_day or [paid for told, paid in payments if told != "Down Payment"]
    if not paid:
        raise NotCovered("nothing to reverse")
    return paid[min(number, len(paid)) - 1]


def _adjust(story: Story, found: Found, _table: Table) -> None:
    """Let the payment of that number on that day be of another amount; of nothing, none."""
    paid, amount = _find_payment(story, found), read_amount(found["amount"])
    if amount:
        story.change(paid, replace(paid, amount=amount))
    else:
        story.forget(paid)


def _is_kind(told: str, asked: str | None) -> bool:
    if not asked or asked == "Repayment":
        return True
    return told.replace("_", " ").lower() == asked.lower()


def _reschedule(story: Story, _found: Found, table: Table) -> None:
    row = {key: value for key, value in table[0].items() if value}
    due, cycle = read_day(row["rescheduleFromDate"]), story.terms.cycle
    others = set(row) - _RESCHEDULING
    if not story.terms.annual_rate:
        others -= {"graceOnInterest"}
    if others:
        raise NotCovered(f"rescheduling by {', '.join(sorted(others))}")
    on = story.today
    if "newInterestRate" in row:
        story.new_rates.append(NewRate(due, Decimal(row["newInterestRate"]) / _PERCENT))
    if "graceOnPrincipal" in row:
        count = int(row["graceOnPrincipal"])
        story.tell("holiday", Holiday(on=on, due=due, count=count, cycle=cycle))
    if "extraTerms" in row:
        count, multiple = int(row["extraTerms"]), story.terms.multiple
        extension = Extension(on=on, due=due, count=count, cycle=cycle, multiple=multiple)
        story.tell("extension", extension)
    if "adjustedDueDate" in row:
        _postpone(story, row["rescheduleFromDate"], row["adjustedDueDate"])


def _reschedule_at_once(story: Story, found: Found, _table: Table) -> None:
    _postpone(story, found[1], found[2])


def _postpone(story: Story, due: str, new_due: str) -> None:
    moved = Postponement(
        on=story.today, due=read_day(due), new_due=read_day(new_due), cycle=story.terms.cycle
    )
    story.tell("postponement", moved)


def _re_age(story: Story, _found: Found, table: Table) -> None:
    row = table[0]
    cycle = Cycle(int(row["frequencyNumber"]), TimeUnit(row["frequencyType"].lower()))
    event = ReAging(
        on=story.today,
        first_due=read_day(row["startDate"]),
        count=int(row["numberOfInstallments"]),
        cycle=cycle,
        multiple=story.terms.multiple,
    )
    story.tell("re-aging", event)


def _forget_re_aging(story: Story, _found: Found, _table: Table) -> None:
    story.forget_last(ReAging)


def _re_amortize(story: Story, _found: Found, _table: Table) -> None:
    story.tell("re-amortization", ReAmortization(on=story.today, multiple=story.terms.multiple))


def _forget_re_amortization(story: Story, _found: Found, _table: Table) -> None:
    story.forget_last(ReAmortization)


_RESCHEDULING: Final = frozenset(
    {
        "rescheduleFromDate",
        "submittedOnDate",
        "adjustedDueDate",
        "graceOnPrincipal",
        "extraTerms",
        "newInterestRate",
    }
)
_DAY, _AMOUNT = r'"([^"]*)"', r"([\d.]+)"
_CUSTOM: Final = (
    rf"Admin successfully creates a new customised Loan .*: {_DAY}, .*Principal: {_DAY}.*"
    r"loanTermFrequency: (\d+) months.*numberOfRepayments: (\d+)"
)
_APPROVED: Final = (
    rf'Admin successfully approves the loan on .* with "{_AMOUNT}" amount '
    rf"and expected disbursement date on {_DAY}"
)
_PAID: Final = (
    r'(?:Customer|Admin) makes (?:[\w ]+ )?"([^"]*)" (?:repay|trans)'
    rf".* on {_DAY} with {_AMOUNT} EUR"
)
_UNDONE: Final = (
    r'Customer undo "(?P<number>\d+)"th (?:"(?P<kind>[^"]*)")?.*?(?:made )?'
    r'on "(?P<day>[^"]*)"'
)
_OF_EACH: Final = "LOAN_INSTALLMENT_(?:PERCENTAGE_FEE|FEE_PERCENTAGE_AMOUNT_PLUS_INTEREST)"
_AT_LENDING: Final = "LOAN_(?:TRANCHE_)?DISBURSEMENT_PERCENTAGE_FEE"
_ADJUSTED: Final = (
    r'Customer adjust "(?P<number>\d+)"th (?P<kind>)repayment on "(?P<day>[^"]*)" '
    r'with amount "(?P<amount>[\d.]+)"'
)
_MOVED: Final = (
    rf"Batch API call with steps: rescheduleLoan from {_DAY} to {_DAY} .*approveReschedule"
)
_SENTENCES: Final[tuple[tuple[re.Pattern[str], Callable[[Story, Found, Any], None]], ...]] = (
    (re.compile(rf"Admin sets the business date to {_DAY}"), _set_day),
    (re.compile(r'Admin set ".*" loan product "(\w+)" transaction type to "(\w+)"'),
     _set_direction),
    (re.compile(r'Admin sets repaymentStartDateType for ".*" loan product to "(\w+)"'), _set_start),
    (re.compile(r"Admin creates a fully customized loan(.*)"), _make),
    (re.compile(_CUSTOM), _make_custom),
    (re.compile(rf"Admin creates a new default Loan with date: {_DAY}"), _make_default),
    (re.compile(rf"Admin creates a new Loan with date: {_DAY} and with 1 day"), _make_shortest),
    (re.compile(_APPROVED), _approve),
    (re.compile(rf'Admin successfully disburse .* on {_DAY} with "{_AMOUNT}" EUR(.*)'), _lend),
    (re.compile(r"Admin successfully undo last disbursal"), _forget_last_lent),
    (re.compile(r"Admin successfully undo disbursal"), _forget_lent),
    (re.compile(_PAID),
     _pay),
    (re.compile(rf"Refund happens on {_DAY} with {_AMOUNT} EUR"), _credit),
    (re.compile(rf"Loan Pay-off is made on {_DAY}"), _pay_all),
    (re.compile(rf'Admin makes a charge adjustment .* with {_AMOUNT} EUR'), _adjust_charge),
    (re.compile(rf'Admin adds "({_ANY_PART})" due .* {_DAY} due .* {_AMOUNT} EUR'), _charge),
    (re.compile(rf"Admin adds an NSF fee because .* {_DAY}"), _charge_bounce),
    (re.compile(rf'Admin adds a {_AMOUNT} % Processing charge .* date: {_DAY}'), _charge_part),
    (re.compile(rf'Admin adds "{_OF_EACH}" charge with {_AMOUNT} %'), _charge_part_of_each),
    (re.compile(rf'Admin adds "{_AT_LENDING}" charge with {_AMOUNT} %'), _charge_at_lending),
    (re.compile(r"Admin waives (?:due date )?charge"), _waive),
    (re.compile(r"Admin makes waive undone"), _forget_waiver),
    (re.compile(rf'Admin makes "[^"]*" chargeback with {_AMOUNT} EUR'), _charge_back),
    (re.compile(rf"Admin makes Credit Balance Refund transaction on {_DAY} with {_AMOUNT} EUR"),
     _refund),
    (re.compile(_UNDONE),
     _reverse),
    (re.compile(r'(?P<number>)Customer makes a (?P<kind>)repayment undo on "(?P<day>[^"]*)"'),
     _reverse),
    (re.compile(r'(?P<number>)(?P<kind>Refund) undo happens on "(?P<day>[^"]*)"'), _reverse),
    (re.compile(_ADJUSTED), _adjust),
    (re.compile(r"Admin does (?:a )?charge-off"), _pass_over),
    (re.compile(r"Admin creates and approves Loan reschedule"), _reschedule),
    (re.compile(_MOVED),
     _reschedule_at_once),
    (re.compile(r"Admin creates a Loan re-aging transaction"), _re_age),
    (re.compile(r"Admin successfully undo Loan re-aging"), _forget_re_aging),
    (re.compile(r"(?:When )?Admin creates a Loan re-amortization"), _re_amortize),
    (re.compile(r"(?:When )?Admin undo Loan re-amortization"), _forget_re_amortization),
    (re.compile(r'Admin (puts|removes) "LOAN_INTEREST_RECALCULATION" business step'),
     _set_recalculation),
    (re.compile(r"Admin runs (?:inline )?COB job"), _close_day),
)  # fmt: skip
