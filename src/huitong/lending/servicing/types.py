"""A loan's instalments, and what happened to it. Amounts are minor units of one currency."""

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum

from huitong.lending.schedules import Cycle


class Part(IntEnum):
    """What an instalment is made of."""

    PRINCIPAL = 0
    INTEREST = 1
    FEE = 2
    PENALTY = 3


class Direction(StrEnum):
    """Which instalments a payment in advance goes to first."""

    NEXT = "next"
    LAST = "last"
    #: All that are open, in equal parts.
    ALL_ALIKE = "all_alike"


class Walk(StrEnum):
    """Whether an instalment is paid whole before the next one, or a part of all before the next."""

    BY_INSTALMENT = "by_instalment"
    BY_PART = "by_part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """The order in which a payment settles what is owed.

    What was due before the day of the payment comes first, then what is due on it, then what is
    not due yet. With `is_by_due_date` False all instalments are alike, earliest first.
    """

    due: tuple[Part, ...]
    in_advance: tuple[Part, ...]
    walk: Walk = Walk.BY_INSTALMENT
    is_by_due_date: bool = True


@dataclass(slots=True)
class Instalment:
    """What is due on a day, what was paid of it, and when."""

    start: date
    due: date
    owed: list[int]
    is_down_payment: bool = False
    #: Principal that was lent again within it, as by a payment that was charged back.
    lent_again: int = 0
    paid: list[int] = field(default_factory=lambda: [0] * len(Part))
    #: What of its charges was forgiven.
    waived: list[int] = field(default_factory=lambda: [0] * len(Part))
    #: Whether it came after the schedule's end, for what came later than the schedule.
    is_additional: bool = False
    paid_early: int = 0
    paid_late: int = 0
    #: The day of the payment that settled it; None while anything is open.
    settled_on: date | None = None

    @property
    def open(self) -> int:
        """Return what is still to be paid."""
        return sum(self.owed) - sum(self.paid) - sum(self.waived)

    def open_of(self, part: Part) -> int:
        """Return what is still to be paid of one part."""
        return self.owed[part] - self.paid[part] - self.waived[part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money from the borrower, or credited to them."""

    on: date
    amount: int
    direction: Direction = Direction.NEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A fee or a penalty that is due on a day; known from `on`."""

    on: date
    due: date
    amount: int
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A charge that is due on a day, or what is still open of it, is not asked for any more."""

    on: date
    due: date
    amount: int
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeBack:
    """A payment, or a part of one, that the bank of the borrower took back.

    `first` are the parts that are owed again before principal, each up to what was paid of it.
    """

    on: date
    amount: int
    first: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disbursement:
    """More money lent while the loan runs: `down_payment` of it is due at once.

    The rest is spread over the instalments that are due later, in parts of `multiple`. What had
    been overpaid pays for it. With `is_from_start` it is as if the schedule had been made with it:
    it counts before all payments, instalments due on the day take part, and each of them is an
    equal part of all that was ever lent, the last one the rest. With `is_in_schedule` the rows
    that the loan is made of count it already, as on a loan with interest: nothing is spread.
    """

    on: date
    amount: int
    down_payment: int = 0
    multiple: int = 1
    is_from_start: bool = False
    is_in_schedule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """What was paid too much, given back to the borrower; more than that is owed again."""

    on: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponement:
    """An instalment that is due later, and all after it by the loan's cycle from there."""

    on: date
    due: date
    new_due: date
    cycle: Cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """Paid money that the lender gives back while the loan runs: the last paid is open again."""

    on: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """More instalments at the end; what is due from `due` on is spread anew over all of them."""

    on: date
    due: date
    count: int
    cycle: Cycle
    multiple: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """Instalments from `due` on without principal; theirs and all later principal moves on."""

    on: date
    due: date
    count: int
    cycle: Cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class ReAging:
    """All open principal moves to `count` new instalments, the first of them due on `first_due`."""

    on: date
    first_due: date
    count: int
    cycle: Cycle
    multiple: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReAmortization:
    """Principal that is overdue or due on the day is spread over the later instalments."""

    on: date
    multiple: int = 1


Event = (
    Payment
    | Charge
    | Waiver
    | ChargeBack
    | Disbursement
    | Refund
    | GivenBack
    | Postponement
    | Extension
    | Holiday
    | ReAging
    | ReAmortization
)


@dataclass(slots=True)
class Loan:
    """A loan as it stands: its instalments, and what was paid beyond them."""

    lent: int
    instalments: list[Instalment]
    #: What was paid too much, by the day of the payment, earliest first.
    credits: list[tuple[date, int]] = field(default_factory=list)
    #: Overpaid money that was given back after the last instalment's day.
    refunded: list[tuple[date, int]] = field(default_factory=list)
    #: What was charged back of each part, so that nothing is owed again twice.
    given_back: list[int] = field(default_factory=lambda: [0] * len(Part))

    def balances(self) -> list[int]:
        """Return the principal that is owed after each instalment, if all are paid when due."""
        balance, found = self.lent, []
        for instalment in self.instalments:
            balance += instalment.lent_again - instalment.owed[Part.PRINCIPAL]
            found.append(balance)
        return found

    @property
    def overpaid(self) -> int:
        """Return what was paid too much and not used since."""
        return sum(amount for _, amount in self.credits)

    @property
    def open(self) -> int:
        """Return all that is still to be paid."""
        return sum(each.open for each in self.instalments)
