"""Commands: loans are sold and bought back, each by two people, in one entry."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong.kernel import audit, outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN, LOAN_SALE, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Request, TransferCode, post_entries
from huitong.lending import partners
from huitong.lending.loans import acts, postings
from huitong.lending.loans.changing import get_loan, load_running, lock_loan
from huitong.lending.loans.events import LoanSold
from huitong.lending.loans.funding import Funding, find_funding, insert_funding
from huitong.lending.loans.sharing import Base, Changes, list_shares, share_totals
from huitong.lending.loans.state import Rows, State
from huitong.lending.loans.types import Loan, LoanState
from huitong.lending.partners import Partner, PartnerMoneyRefused, PartnerPart, Plan
from huitong.lending.products import RATE_SCALE
from huitong.lending.sales import store
from huitong.lending.sales.checks import check_buy_back_fields, check_portfolio, check_sale_fields
from huitong.lending.sales.errors import SaleRefused
from huitong.lending.sales.queries import get_sale
from huitong.lending.sales.types import NewBuyBack, NewSale, Sale, SaleQuote

#: What of a buyer's parts is a claim, and comes back with the loan.
_CLAIMS: Final = (
    PartnerPart.PRINCIPAL.value,
    PartnerPart.INTEREST.value,
    PartnerPart.FEES.value,
    PartnerPart.PROVISION.value,
)


@dataclass(frozen=True, slots=True)
class _Portfolio:
    """Loans in order of their numbers, as they stand, and what of them is on our books."""

    loans: list[Loan]
    states: list[State]
    fundings: list[Funding | None]

    @property
    def owed(self) -> list[int]:
        return [owed_on_books(each) for each in self.states]

    def prices(self, share: int) -> list[int]:
        return [(each * share + RATE_SCALE // 2) // RATE_SCALE for each in self.owed]

    def list_sold(self, share: int) -> list[tuple[int, int, int, int]]:
        """Return principal, what is owed, provision and price of each."""
        parts = zip(self.states, self.owed, self.prices(share), strict=True)
        return [(each.owed_principal, owed, each.provision, price) for each, owed, price in parts]

    def quote(self, share: int) -> SaleQuote:
        return SaleQuote(
            currency=self.loans[0].currency,
            loans=len(self.loans),
            owed=sum(self.owed),
            provision=sum(each.provision for each in self.states),
            price=sum(self.prices(share)),
        )


def owed_on_books(state: State) -> int:
    """Return what is owed of a loan and on the balance sheet."""
    doubtful = state.interest + state.penalty + state.compound
    return state.owed_principal + state.fees + (0 if state.suspended else doubtful)


async def check_sale(
    uow: UnitOfWork, new: NewSale, *, rulebook: Rulebook, now: datetime
) -> SaleQuote:
    """Return what a sale would come to today, and refuse one that could not be.

    Raises InvalidField, PartnerNotFound, LoanNotFound, SaleRefused, and SaleAgainstRule.
    """
    check_sale_fields(new, rulebook=rulebook, on=business_day(now))
    portfolio = await _load(uow, new.loans, now=now, is_locked=False)
    await _check(uow, new, portfolio, rulebook=rulebook, now=now)
    return portfolio.quote(new.price_share)


async def sell_loans(
    uow: UnitOfWork, new: NewSale, *, sale_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> Sale:
    """Sell loans as they stand today, for a price from the buyer's deposit.

    They leave our balance sheet, with a gain or loss of the price less the carrying amount; what
    they bring from now on is the buyer's. The same id again returns the sale that stands. Raises
    what `check_sale` raises, and PartnerMoneyRefused if the deposit has too little.
    """
    known = await store.find_sale(uow, sale_id)
    if known is not None:
        return known
    check_sale_fields(new, rulebook=rulebook, on=business_day(now))
    portfolio = await _load(uow, new.loans, now=now, is_locked=True)
    buyer = await _check(uow, new, portfolio, rulebook=rulebook, now=now)
    quote = portfolio.quote(new.price_share)
    sale = Sale(
        id=sale_id,
        buyer=buyer.code,
        currency=quote.currency,
        day=business_day(now),
        price_share=new.price_share,
        loans=quote.loans,
        owed=quote.owed,
        provision=quote.provision,
        price=quote.price,
        entry_id=uuid7(int(now.timestamp() * 1_000)),
        sold_at=now,
    )
    await store.insert_sale(uow, sale, buyer.id)
    plan = await _make_plan(uow, sale, buyer, new.fee_share, now=now)
    base, rows = Base.of(portfolio.states), Rows.of(portfolio.states)
    numbers = [each.number for each in portfolio.loans]
    await insert_funding(uow, numbers, plan.id, base)
    sold = portfolio.list_sold(new.price_share)
    await store.insert_sold(uow, sale.id, dict(zip(numbers, sold, strict=True)))
    changes = share_totals(rows, base, plan)
    await _post(uow, changes, sale, buyer, (quote.price, -quote.gain), now=now)
    await _tell(uow, sale, portfolio.loans, now=now)
    return sale


async def check_buy_back(uow: UnitOfWork, new: NewBuyBack, *, now: datetime) -> SaleQuote:
    """Return what a buy-back would come to today.

    Raises InvalidField, SaleNotFound, LoanNotFound, SaleRefused.
    """
    check_buy_back_fields(new)
    await get_sale(uow, new.sale_id)
    portfolio = await _load(uow, new.loans, now=now, is_locked=False)
    await _check_sold(uow, new, portfolio)
    return portfolio.quote(new.price_share)


async def buy_back(
    uow: UnitOfWork, new: NewBuyBack, *, buy_back_id: uuid.UUID, now: datetime
) -> Sale:
    """Buy loans of a sale back as they stand today, for a price to the buyer's deposit.

    They are on our balance sheet again as if they had stayed there; what the price is more than
    that is a loss at once, what it is less a gain. Flows until now stay the buyer's. The same id
    again changes nothing. Raises what `check_buy_back` raises, and PartnerMoneyRefused.
    """
    sale = await get_sale(uow, new.sale_id)
    if await store.was_bought_back(uow, buy_back_id):
        return sale
    check_buy_back_fields(new)
    portfolio = await _load(uow, new.loans, now=now, is_locked=True)
    plan_id = await _check_sold(uow, new, portfolio)
    if await store.was_bought_back(uow, buy_back_id):
        return sale
    quote, prices = portfolio.quote(new.price_share), portfolio.prices(new.price_share)
    changes: Changes = {}
    for loan, state, funding in zip(
        portfolio.loans, portfolio.states, portfolio.fundings, strict=True
    ):
        assert funding is not None, "it was checked"
        await _end(uow, funding, loan, state, changes)
    numbers = [each.number for each in portfolio.loans]
    by_number = dict(zip(numbers, prices, strict=True))
    await store.end_sold(uow, sale.id, by_number, by=buy_back_id, day=business_day(now))
    buyer = await partners.get_partner(uow, sale.buyer, on=business_day(now))
    await _post(uow, changes, sale, buyer, (-quote.price, quote.gain), now=now, is_back=True)
    await audit.record(
        uow,
        action="lending.buy_back",
        subject=show_id(LOAN_SALE, sale.id),
        details={"plan": plan_id, "loans": quote.loans, "price": quote.price},
    )
    return sale


async def _load(
    uow: UnitOfWork, ids: Sequence[uuid.UUID], *, now: datetime, is_locked: bool
) -> _Portfolio:
    """Return loans as they stand today, in order of their numbers, which is that of locking."""
    numbers = await store.list_ids(uow, ids)
    for each in ids:
        if each not in numbers:
            await get_loan(uow, each)
    found = _Portfolio([], [], [])
    for loan_id in sorted(ids, key=lambda each: numbers[each]):
        if is_locked:
            running = (await lock_loan(uow, loan_id, now=now)).running
        else:
            running = await load_running(uow, await get_loan(uow, loan_id), [])
            acts.close_days(running, business_day(now))
        found.loans.append(running.loan)
        found.states.append(running.state)
        found.fundings.append(await find_funding(uow, running.loan.number))
    return found


async def _check(
    uow: UnitOfWork, new: NewSale, portfolio: _Portfolio, *, rulebook: Rulebook, now: datetime
) -> Partner:
    today = business_day(now)
    buyer = await partners.get_partner(uow, new.buyer, on=today)
    if not buyer.is_open:
        raise SaleRefused(f"{buyer.code} is not open for sales", field="buyer")
    for place, loan in enumerate(portfolio.loans):
        if loan.state is not LoanState.ACTIVE or not portfolio.states[place].owed_principal:
            raise _refused(loan, "nothing of its principal is owed")
        if portfolio.fundings[place] is not None:
            raise _refused(loan, "it is not ours alone")
        if loan.currency != buyer.currency:
            raise _refused(loan, f"it is not in {buyer.currency}")
    check_portfolio([each.klass for each in portfolio.states], rulebook=rulebook, on=today)
    if portfolio.quote(new.price_share).price == 0:
        raise SaleRefused("the price is nothing", field="price_share")
    return buyer


async def _check_sold(uow: UnitOfWork, new: NewBuyBack, portfolio: _Portfolio) -> int:
    plan_id = await store.load_plan_id(uow, new.sale_id)
    for loan, funding in zip(portfolio.loans, portfolio.fundings, strict=True):
        if funding is None or funding.plan.id != plan_id:
            raise _refused(loan, "it is not the buyer's of this sale")
        if loan.state is not LoanState.ACTIVE:
            raise _refused(loan, f"it is {loan.state.value}")
    if portfolio.quote(new.price_share).price == 0:
        raise SaleRefused("the price is nothing", field="price_share")
    return plan_id


async def _make_plan(
    uow: UnitOfWork, sale: Sale, buyer: Partner, fee_share: int, *, now: datetime
) -> Plan:
    plan_id = await partners.insert_plan(
        uow,
        agreement_id=None,
        version=None,
        sale_id=sale.id,
        effective_from=sale.day,
        products=(),
        is_open=False,
        own=(0, 0),
        approval_id=sale.id,
        now=now,
    )
    accounts = await partners.open_plan_accounts(uow, plan_id, buyer.id, sale.currency)
    shares = (RATE_SCALE, RATE_SCALE, fee_share)
    await partners.insert_share(uow, plan_id, buyer.id, place=1, shares=shares, accounts=accounts)
    return (await partners.list_plans(uow, [plan_id]))[plan_id]


async def _end(
    uow: UnitOfWork, funding: Funding, loan: Loan, state: State, changes: Changes
) -> None:
    """Take a loan's claims off its buyer's accounts, and keep what stays there for good."""
    share = funding.plan.shares[0]
    parts = list_shares(Rows.of([state]), funding.base, funding.plan, 1)
    amounts = {part: int(each[0]) for part, each in parts.items()}
    for part in _CLAIMS:
        account = share.accounts[part]
        changes[account] = changes.get(account, 0) - amounts.pop(part)
    kept = {part: amount for part, amount in amounts.items() if amount}
    await store.insert_ended(uow, funding.plan.id, loan.number, share.partner_id, kept)


async def _post(
    uow: UnitOfWork,
    changes: Changes,
    sale: Sale,
    buyer: Partner,
    money: tuple[int, int],
    *,
    now: datetime,
    is_back: bool = False,
) -> None:
    """Post a sale or a buy-back; `money` is what the deposit gives and the loss, as debits."""
    result = await partners.open_sale_result(uow, sale.currency)
    now_ms = int(now.timestamp() * 1_000)
    entry = postings.make_entry(
        {},
        {},
        more={**changes, buyer.deposit_account_id: money[0], result: money[1]},
        entry_id=uuid7(now_ms) if is_back else sale.entry_id,
        code=TransferCode.LOAN_BOUGHT_BACK if is_back else TransferCode.LOAN_SOLD,
        currency=sale.currency,
        on=business_day(now),
        now_ms=now_ms,
    )
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        raise PartnerMoneyRefused(
            f"the ledger refuses the movement: {outcome.reason}",
            context={"reason": str(outcome.reason)},
        )


async def _tell(uow: UnitOfWork, sale: Sale, loans: Sequence[Loan], *, now: datetime) -> None:
    """Tell of a sale; borrowers are to be told whose claim it is (民法典 Art. 546)."""
    await audit.record(
        uow,
        action="lending.sell_loans",
        subject=show_id(LOAN_SALE, sale.id),
        details={"buyer": sale.buyer, "loans": sale.loans, "owed": sale.owed, "price": sale.price},
    )
    events = [
        LoanSold(loan_id=each.id, customer_id=each.customer_id, sale_id=sale.id, sold_at=now)
        for each in loans
    ]
    await outbox.append(uow, events)


def _refused(loan: Loan, why: str) -> SaleRefused:
    shown = show_id(LOAN, loan.id)
    return SaleRefused(f"{shown}: {why}", field="loans", context={"loan": shown})
