"""What is a partner's of loans' balances: shares of all that has come to pass, never of one flow.

A share of a flow is the share of the balances after it less that before it. So shares depend on
where a loan stands and not on its way there: parts sum to the whole, and what is reversed leaves
nothing behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from huitong.lending.loans.state import Integers, Rows, State
from huitong.lending.partners import POSITION, Flow, PartnerPart, Plan
from huitong.lending.products import RATE_SCALE

Changes = dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What of loans was before a plan took hold: nothing of one that was lent by it.

    `interest` and `fees` were owed and on our books, penalty interest among the interest.
    """

    lent: Integers
    principal_paid: Integers
    interest_paid: Integers
    penalty_paid: Integers
    fees_paid: Integers
    interest: Integers
    fees: Integers
    provision: Integers

    @classmethod
    def of(cls, states: Sequence[State]) -> "Base":
        """Return the base of loans that are sold as they stand."""
        rows = Rows.of(states)
        kept = _is_kept(rows)
        return cls(
            lent=rows.column("lent"),
            principal_paid=rows.column("principal_paid"),
            interest_paid=rows.column("interest_paid"),
            penalty_paid=rows.column("penalty_paid"),
            fees_paid=rows.column("fees_paid"),
            interest=kept * (_interest(rows) + rows.penalty + rows.compound),
            fees=rows.fees,
            provision=rows.provision,
        )

    def where(self, chosen: Integers) -> "Base":
        """Return the base of the loans at some places."""
        return Base(**{name: getattr(self, name)[chosen] for name in BASE_NAMES})


BASE_NAMES: Final = tuple(each.name for each in fields(Base))


def split(total: Integers, shares: Sequence[int]) -> list[Integers]:
    """Return the parts of amounts by shares in millionths that make a whole.

    Each in turn gets its part of what is left, halves rounded up: of 10.01 by 0.7 and 0.3 7.01 and
    3.00. For two this is the method of the largest remainder. Beyond it no part ever falls as
    the amount grows, which with three the largest remainder does not keep (Balinski and Young, Fair
    Representation, 1982: the Alabama paradox); each is within one unit of its exact share for up
    to three.
    """
    parts, left, left_share = [], total, RATE_SCALE
    for share in shares:
        part = (2 * left * share + left_share) // (2 * left_share) if left_share else left * 0
        parts.append(part)
        left, left_share = left - part, left_share - share
    return parts


@dataclass(frozen=True, slots=True)
class _Parts:
    """What all funders have of one kind of money: what was paid, left off, and is still owed."""

    paid: list[Integers]
    off: list[Integers]
    owed: list[Integers]

    @classmethod
    def of(cls, amounts: tuple[Integers, Integers, Integers], shares: Sequence[int]) -> "_Parts":
        """Split at the ends of each amount laid after the other, so that they sum as the whole."""
        paid, off, owed = amounts
        ends = [split(end, shares) for end in (paid, paid + off, paid + off + owed)]
        return cls(
            ends[0],
            [b - a for a, b in zip(ends[0], ends[1], strict=True)],
            [b - a for a, b in zip(ends[1], ends[2], strict=True)],
        )


def share_totals(rows: Rows, base: Base, plan: Plan) -> dict[int, int]:
    """Return what loans come to on each account of a plan's partners, debits above zero.

    All together they are zero for loans that were lent by the plan; for those that were sold, the
    carrying amount at which they were, as a credit.
    """
    found, totals = _split_rows(rows, base, plan), dict[int, int]()
    for place, share in enumerate(plan.shares, 1):
        flows = _flows(found, plan, place)
        for part, amounts in _list_parts(found, base, flows, place).items():
            account = share.accounts[part]
            totals[account] = totals.get(account, 0) + int(np.sum(amounts))
    return totals


def list_shares(rows: Rows, base: Base, plan: Plan, place: int) -> Mapping[str, Integers]:
    """Return what each loan comes to of each part of one partner, by its place from 1 on."""
    found = _split_rows(rows, base, plan)
    return _list_parts(found, base, _flows(found, plan, place), place)


def share_flows(rows: Rows, base: Base, plan: Plan) -> list[Flow]:
    """Return what has moved for each partner in all."""
    found = _split_rows(rows, base, plan)
    return [
        Flow(**{name: int(np.sum(each)) for name, each in _flows(found, plan, place).items()})
        for place in range(1, len(plan.shares) + 1)
    ]


def subtract(after: Flow, before: Flow) -> Flow:
    """Return what has moved between two points."""
    return Flow(
        **{
            each.name: getattr(after, each.name) - getattr(before, each.name)
            for each in fields(Flow)
        }
    )


def _interest(rows: Rows) -> Integers:
    return rows.carried + rows.accrued + rows.interest_due + rows.interest_overdue


def _is_kept(rows: Rows) -> Integers:
    """Return 1 for loans whose interest is on the balance sheet, 0 for the others."""
    return 1 - rows.suspended


@dataclass(frozen=True, slots=True)
class _Split:
    """All that a plan's shares make of loans, by place; ours is at 0."""

    principal: _Parts
    interest: _Parts
    penalty: _Parts
    fees: _Parts
    lost: list[Integers]
    recovered: list[Integers]
    provision: list[Integers]
    lent: list[Integers]
    kept: Integers


def _split_rows(rows: Rows, base: Base, plan: Plan) -> _Split:
    shares = [plan.own_share, *(each.share for each in plan.shares)]
    losses = [plan.own_loss_share, *(each.loss_share for each in plan.shares)]
    column, kept = rows.column, _is_kept(rows)

    def parts(name: str, owed: Integers) -> _Parts:
        paid = column(f"{name}_paid") - getattr(base, f"{name}_paid")
        return _Parts.of((paid, column(f"{name}_off"), owed), shares)

    off = column("principal_off") + column("fees_off")
    off = off + kept * (column("interest_off") + column("penalty_off"))
    return _Split(
        principal=parts("principal", rows.not_due + rows.due + rows.overdue),
        interest=parts("interest", _interest(rows)),
        penalty=parts("penalty", rows.penalty + rows.compound),
        fees=parts("fees", rows.fees),
        lost=split(off, losses),
        recovered=split(column("recovered"), losses),
        provision=split(rows.provision, losses),
        lent=split(column("lent") - base.lent, shares),
        kept=kept,
    )


def _flows(found: _Split, plan: Plan, place: int) -> dict[str, Integers]:
    earned = found.interest.paid[place] + found.penalty.paid[place]
    off = found.principal.off[place] + found.fees.off[place]
    off = off + found.kept * (found.interest.off[place] + found.penalty.off[place])
    return {
        "lent": found.lent[place],
        "principal": found.principal.paid[place],
        "interest": found.interest.paid[place],
        "penalty": found.penalty.paid[place],
        "fees": found.fees.paid[place],
        "recovered": found.recovered[place],
        "compensation": found.lost[place] - off,
        "service_fee": earned * plan.shares[place - 1].fee_share // RATE_SCALE,
    }


def _list_parts(
    found: _Split, base: Base, flows: Mapping[str, Integers], place: int
) -> Mapping[str, Integers]:
    owed = found.kept * (found.interest.owed[place] + found.penalty.owed[place])
    off = found.kept * (found.interest.off[place] + found.penalty.off[place])
    interest = flows["interest"] + flows["penalty"] + off + owed
    fees = flows["fees"] + found.fees.off[place] + found.fees.owed[place]
    provision = found.provision[place]
    lost = provision + found.lost[place] - found.recovered[place]
    came_in = flows["principal"] + flows["interest"] + flows["penalty"] + flows["fees"]
    went_out = flows["lent"] + flows["compensation"] + flows["service_fee"]
    return {
        PartnerPart.PRINCIPAL.value: -found.principal.owed[place],
        PartnerPart.INTEREST.value: -owed,
        PartnerPart.FEES.value: -found.fees.owed[place],
        PartnerPart.INTEREST_INCOME.value: interest - base.interest,
        PartnerPart.FEE_INCOME.value: fees - base.fees,
        PartnerPart.PROVISION.value: provision,
        PartnerPart.IMPAIRMENT.value: base.provision - lost,
        PartnerPart.SERVICE_FEE.value: -flows["service_fee"],
        POSITION: went_out - came_in - flows["recovered"],
    }
