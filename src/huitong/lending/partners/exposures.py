"""How much of our own money is lent with partners, against the rulebook's ceilings."""

from datetime import date
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.lending.partners import store
from huitong.lending.partners.errors import AgreementAgainstRule
from huitong.lending.partners.types import Plan

# What we have lent beside a partner's principal is in proportion to it, loan by loan.
_OWN: Final = """
    SELECT s.partner_id, s.place, s.plan_id,
           (b.credits_posted - b.debits_posted) * p.own_share / s.share AS own
      FROM lending.plan_shares s
      JOIN lending.funding_plans p ON p.id = s.plan_id AND p.agreement_id IS NOT NULL
      JOIN lending.agreements g ON g.id = p.agreement_id AND g.currency = :currency
      JOIN lending.plan_accounts a ON (a.plan_id, a.partner_id, a.part)
                                    = (s.plan_id, s.partner_id, 'principal')
      JOIN ledger.balances b ON b.account_id = a.account_id
"""
_TOTAL: Final = """
    SELECT coalesce(sum(b.debits_posted - b.credits_posted), 0)
      FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
     WHERE a.currency = :currency AND a.chart_code IN ('1303.01', '1303.02', '1303.03')
"""


async def check_exposure(
    uow: UnitOfWork, plan: Plan, principal: int, *, rulebook: Rulebook, on: date
) -> None:
    """Lock a plan's partners, and refuse a loan that would lend too much with one or with all.

    With one partner at most a share of our net tier-one capital, with all at most a share of all
    our loans, those of other books included; each counted by our own part, and the loan that is
    asked for with it. Raises AgreementAgainstRule.
    """
    ids = [each.partner_id for each in plan.shares]
    await store.lock_rows(uow, ids)
    own = principal * plan.own_share // 1_000_000
    rows = await uow.execute(_OWN, currency=plan.currency)
    capital = rulebook.amount("institution.tier_one.net", on)
    key = "loan.colend.partner.capital.max"
    if capital.currency == plan.currency:
        most = int(capital.minor * rulebook.decimal(key, on))
        for each in plan.shares:
            with_one = sum(int(row.own) for row in rows if row.partner_id == each.partner_id)
            if with_one + own > most:
                raise _too_much(key, f"with {each.partner}", Money(most, plan.currency))
    with_all = own + sum(int(row.own) for row in rows if row.place == 1)
    total = own + int(await uow.fetch_value(_TOTAL, currency=plan.currency))
    elsewhere = rulebook.amount("institution.loans.elsewhere", on)
    total += elsewhere.minor if elsewhere.currency == plan.currency else 0
    key = "loan.colend.total.max"
    most = int(total * rulebook.decimal(key, on))
    if with_all > most:
        raise _too_much(key, "with all partners", Money(most, plan.currency))


def _too_much(key: str, whom: str, most: Money) -> AgreementAgainstRule:
    return AgreementAgainstRule(
        f"more than {most.format()} would be lent {whom} (rule {key})",
        field="principal",
        context={"rule": key, "most": most.to_json()},
    )
