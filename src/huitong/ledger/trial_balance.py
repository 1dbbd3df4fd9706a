"""The trial balance: debits and credits of every chart code, in each currency; they must tie."""

from dataclasses import dataclass
from itertools import groupby
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.ledger.chart import ChartCode, ChartKind
from huitong.ledger.types import Side

# One statement reads one snapshot, so postings that go on meanwhile cannot make it fail to tie.
_SUMS: Final = """
    SELECT s.currency, c.code, c.name_en, c.name_zh, c.kind, s.accounts, s.debits, s.credits
      FROM (SELECT a.currency, a.chart_code, count(*) AS accounts,
                   sum(b.debits_posted)::bigint AS debits, sum(b.credits_posted)::bigint AS credits
              FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id
             GROUP BY a.currency, a.chart_code) s
      JOIN ledger.chart c ON c.code = s.chart_code
     ORDER BY s.currency, c.code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceLine:
    """All accounts of one chart code in one currency."""

    chart: ChartCode
    accounts: int
    debits: Money
    credits: Money

    @property
    def balance(self) -> Money:
        """The net on the side on which accounts of this code grow."""
        if self.chart.normal_side is Side.DEBIT:
            return self.debits - self.credits
        return self.credits - self.debits


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """The books in one currency."""

    currency: str
    lines: tuple[TrialBalanceLine, ...]
    debits: Money
    credits: Money

    @property
    def is_tied(self) -> bool:
        """Whether what was debited in all is what was credited in all."""
        return self.debits == self.credits


async def get_trial_balances(uow: UnitOfWork) -> tuple[TrialBalance, ...]:
    """Return the trial balance of each currency, as the books stand now, by currency.

    Codes without an account in a currency are left out.
    """
    rows = await uow.execute(_SUMS)
    balances = []
    for currency, group in groupby(rows, key=lambda row: str(row.currency)):
        lines = tuple(
            TrialBalanceLine(
                chart=ChartCode(
                    code=row.code,
                    name_en=row.name_en,
                    name_zh=row.name_zh,
                    kind=ChartKind(row.kind),
                ),
                accounts=row.accounts,
                debits=Money(row.debits, currency),
                credits=Money(row.credits, currency),
            )
            for row in group
        )
        balances.append(
            TrialBalance(
                currency=currency,
                lines=lines,
                debits=Money.total((line.debits for line in lines), currency),
                credits=Money.total((line.credits for line in lines), currency),
            )
        )
    return tuple(balances)
