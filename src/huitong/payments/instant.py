"""Instant payments: decided, posted and answered in one batch with all that arrive together.

The hot path of the room. Each step works on the whole batch: who the parties are, what the fee and
the caps are, the ledger entries, the orders and the events.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from huitong import customers, ledger, risk
from huitong.customers import Capacity, Party
from huitong.kernel.clock import business_day
from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.errors import Refusal
from huitong.kernel.idempotency import StoredReply
from huitong.kernel.money import CurrencyMismatch, Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import MeterUse, TransferCode
from huitong.payments.assessing import assess_payments, list_decisions
from huitong.payments.calculations import calculate_fee
from huitong.payments.errors import (
    AccountNotFound,
    CodeNotFound,
    ReferenceUsed,
    SameAccount,
    make_refusal,
)
from huitong.payments.instant_orders import InstantPayment, find_batch_time, list_rows
from huitong.payments.limit_rules import list_meter_uses
from huitong.payments.minor_rules import check_minor
from huitong.payments.payers import list_uses, recognise_payers
from huitong.payments.postings import (
    OwnAccounts,
    find_own_accounts,
    hold_entry,
    payment_entry,
)
from huitong.payments.types import OrderKind
from huitong.privacy import Vault

_FULL: Final = Capacity.FULL.value

_STATIC_CODES: Final = """
SELECT c.id, c.merchant_id, t.id AS terminal_id
  FROM payments.merchant_codes c
  LEFT JOIN payments.terminals t ON t.code_id = c.id
  LEFT JOIN payments.stores s ON s.id = t.store_id
 WHERE c.id = ANY($1::uuid[]) AND c.kind = 'static' AND s.closed_at IS NULL
"""

_USED_REFERENCES: Final = """
SELECT o.merchant_id, o.reference
  FROM payments.orders o
  JOIN unnest($1::uuid[], $2::text[]) AS n(merchant_id, reference) USING (merchant_id, reference)
"""


class InstantPayments:
    """The writer that the poster asks about instant payments; one for each API process."""

    def __init__(
        self,
        *,
        rulebook: Rulebook,
        database: Database,
        vault: Callable[[], Vault],
        render: Callable[[InstantPayment], bytes],
        render_refusal: Callable[[Refusal], StoredReply],
        decider: risk.PaymentDecider | None = None,
    ) -> None:
        """Take the rules, and how the edge writes an order and a refusal.

        `vault` is asked for when a payee is named by mobile number, which is looked up by index.
        `database` is asked once for each currency, for our own accounts in it. Without a `decider`
        risk is not asked.
        """
        self._decider = decider
        self._rulebook = rulebook
        self._database = database
        self._vault = vault
        self._render = render
        self._render_refusal = render_refusal
        self._own: dict[str, OwnAccounts] = {}

    async def prepare(
        self,
        connection: DriverConnection,
        payloads: Sequence[InstantPayment],
        *,
        now: datetime,
    ) -> list[ledger.Request | Refusal | ledger.Waiting]:
        """Find the parties of all payments at once, and return each one's entry and meter uses."""
        for payment in payloads:
            # Our time and not the database's: the reply is written with the money, not after it.
            payment.completed_at = now
        unknown = await self._resolve_payees(connection, payloads)
        unknown.update(await recognise_payers(connection, payloads, now=now))
        accounts = {p.payer_account_id for p in payloads}
        accounts.update(p.payee_account_id for p in payloads if p.payee_account_id is not None)
        parties = await customers.find_parties(connection, list(accounts))
        used = await _find_used_references(connection, payloads, parties)
        checked = [
            unknown.get(payment.order_id) or self._check(payment, parties, used)
            for payment in payloads
        ]
        if self._decider is not None:
            checked = await assess_payments(
                connection, self._decider, payloads, checked, parties, now=now
            )
        waiting = _find_repeated(payloads, checked)
        # Only for what was not refused: finding them opens them the first time.
        await self._find_own_accounts(
            {
                payment.amount.currency
                for payment, uses in zip(payloads, checked, strict=True)
                if not isinstance(uses, Refusal)
            }
        )
        return [
            waiting.get(payment.order_id)
            or (
                uses
                if isinstance(uses, Refusal)
                else ledger.Request(self._make_entry(payment, parties), uses)
            )
            for payment, uses in zip(payloads, checked, strict=True)
        ]

    def answer(self, payload: InstantPayment, result: "ledger.Outcome | Refusal") -> StoredReply:
        """Return the order as the caller sees it, or the problem: 202 for one that is held."""
        if isinstance(result, Refusal):
            return self._render_refusal(result)
        if not result.is_posted:
            fields = {
                payload.payer_account_id: "payer",
                payload.payee_account_id or 0: payload.payee_field,
            }
            return self._render_refusal(make_refusal(result, fields))
        return StoredReply(201 if payload.stop is None else 202, self._render(payload))

    def list_statements(
        self, posted: Sequence[InstantPayment], refused: Sequence[InstantPayment]
    ) -> list[Statement]:
        """Write the orders and their events, and what was decided about all of them."""
        statements = list_decisions(posted, refused)
        if posted:
            statements += list_rows(posted)
            statements += list_uses(posted, now=find_batch_time(posted))
        return statements

    async def _resolve_payees(
        self, connection: DriverConnection, payloads: Sequence[InstantPayment]
    ) -> dict[uuid.UUID, Refusal]:
        """Turn mobile numbers and static codes into accounts; returns what could not be."""
        refusals: dict[uuid.UUID, Refusal] = {}
        by_mobile = [p for p in payloads if p.payee_mobile is not None]
        if by_mobile:
            found = await customers.find_accounts_by_mobile(
                connection,
                self._vault(),
                [p.payee_mobile for p in by_mobile if p.payee_mobile is not None],
            )
            for payment in by_mobile:
                payment.payee_account_id = found.get(payment.payee_mobile or "")
                if payment.payee_account_id is None:
                    refusals[payment.order_id] = AccountNotFound(
                        "no customer has this mobile number", field="payee_mobile"
                    )
        by_code = [p for p in payloads if p.code_id is not None]
        if by_code:
            codes = await connection.fetch(_STATIC_CODES, list({p.code_id for p in by_code}))
            merchants = {row[0]: row[1] for row in codes}
            terminals = {row[0]: row[2] for row in codes}
            accounts = await customers.find_accounts_by_merchant(
                connection, list(set(merchants.values()))
            )
            for payment in by_code:
                merchant_id = merchants.get(payment.code_id)
                payment.kind = OrderKind.STATIC_QR
                payment.terminal_id = terminals.get(payment.code_id)
                payment.payee_account_id = accounts.get(merchant_id) if merchant_id else None
                if payment.payee_account_id is None:
                    refusals[payment.order_id] = CodeNotFound(
                        "there is no such static code", field="code"
                    )
        return refusals

    async def _find_own_accounts(self, currencies: Iterable[str]) -> None:
        for currency in currencies:
            # They never change once they are there, so they are asked for once; in a transaction
            # of its own, as opening them must not depend on the fate of a batch.
            if currency not in self._own:
                async with self._database.unit_of_work() as uow:
                    self._own[currency] = await find_own_accounts(uow, currency)

    def _check(
        self,
        payment: InstantPayment,
        parties: dict[int, Party],
        used: set[tuple[uuid.UUID, str]],
    ) -> tuple[MeterUse, ...] | Refusal:
        """Return what the payment counts against, or why it cannot be made."""
        payer = parties.get(payment.payer_account_id)
        if payer is None or _is_foreign(payment, payer):
            return AccountNotFound("no customer or merchant has this account", field="payer")
        payee = parties.get(payment.payee_account_id or 0)
        if payee is None:
            return AccountNotFound(
                "no customer or merchant has this account", field=payment.payee_field
            )
        if payee.account_id == payer.account_id:
            # Before risk is asked: what it stops has two parties.
            return SameAccount("payer and payee have the same account", field=payment.payee_field)
        if payee.merchant_id is not None:
            payment.merchant_id = payee.merchant_id
            if payment.kind is OrderKind.TRANSFER:
                payment.kind = OrderKind.PAYMENT
        try:
            uses = self._list_uses(payment, payer)
        except Refusal as refusal:
            return refusal
        currency = payment.amount.currency
        for party in (payer, payee):
            if party.currency != currency:
                return CurrencyMismatch(
                    f"{ledger.show_account(party.account_id)} is in {party.currency}, "
                    f"not {currency}",
                    field="amount.currency",
                )
        if (payment.merchant_id, payment.reference) in used:
            return _make_reference_used()
        return uses

    def _list_uses(self, payment: InstantPayment, payer: Party) -> tuple[MeterUse, ...]:
        if payer.account_class is None:
            return ()
        on_day = business_day(payment.requested_at)
        capacity = Capacity.FULL
        if payer.capacity != _FULL or payment.guardian_id is not None:
            capacity = check_minor(
                self._rulebook,
                payer,
                kind=payment.kind,
                amount=payment.amount,
                on_day=on_day,
                guardian_id=payment.guardian_id,
            )
        return list_meter_uses(
            self._rulebook,
            account_id=payer.account_id,
            account_class=payer.account_class,
            kind=payment.kind,
            authentication=payment.authentication,
            amount=payment.amount,
            on_day=on_day,
            capacity=capacity,
        )

    def _make_entry(self, payment: InstantPayment, parties: dict[int, Party]) -> ledger.Entry:
        payee = parties[payment.payee_account_id or 0]
        currency = payment.amount.currency
        if payment.stop is not None:
            # The fee is on what is paid, and nothing is yet.
            payment.fee = Money.zero(currency)
            return hold_entry(
                transfer_id=payment.order_id,
                payer_account_id=payment.payer_account_id,
                payee_account_id=payee.account_id,
                amount=payment.amount,
                code=TransferCode.PAYMENT_HELD,
                effective_on=business_day(payment.requested_at),
                expires_at=None,
            )
        fee_max = None if payee.fee_max is None else Money(payee.fee_max, currency)
        payment.fee = calculate_fee(payment.amount, payee.fee_rate, fee_max)
        return payment_entry(
            transfer_id=payment.order_id,
            payer_account_id=payment.payer_account_id,
            payee_account_id=payee.account_id,
            amount=payment.amount,
            fee=payment.fee,
            own=self._own[currency],
            code=TransferCode.TRANSFER if payee.merchant_id is None else TransferCode.PAYMENT,
            effective_on=business_day(payment.requested_at),
        )


def _make_reference_used() -> ReferenceUsed:
    return ReferenceUsed("the merchant has an order with this reference", field="reference")


def _find_repeated(
    payloads: Sequence[InstantPayment], checked: Sequence[tuple[MeterUse, ...] | Refusal]
) -> dict[uuid.UUID, ledger.Waiting]:
    """Return all but the first payment of a batch with a merchant's reference, by order.

    After all other refusals, risk's too: what is refused does not take the reference. If the ledger
    refuses the first one, the next one has its turn.
    """
    taken: dict[tuple[uuid.UUID, str], InstantPayment] = {}
    waiting = {}
    for payment, found in zip(payloads, checked, strict=True):
        if isinstance(found, Refusal) or payment.merchant_id is None or payment.reference is None:
            continue
        key = (payment.merchant_id, payment.reference)
        if key in taken:
            # Refused as if risk had not been asked: so is one whose reference was used before.
            payment.facts = payment.decision = payment.stop = None
            waiting[payment.order_id] = ledger.Waiting(_make_reference_used(), taken[key])
        else:
            taken[key] = payment
    return waiting


def _is_foreign(payment: InstantPayment, payer: Party) -> bool:
    """Say whether the caller is bound to somebody else than who would pay."""
    if payment.proof is not None:
        own = payment.proof.session.subject_id
        # A ward's money is spent by the guardian's own session, not by whoever names the guardian.
        owners = (
            (payer.customer_id,)
            if payment.guardian_id is None
            else (payer.guardian_id, payment.guardian_id)
        )
        return any(owner != own for owner in owners)
    merchant_id = payment.acting_merchant_id
    return merchant_id is not None and payer.merchant_id != merchant_id


async def _find_used_references(
    connection: DriverConnection, payloads: Sequence[InstantPayment], parties: dict[int, Party]
) -> set[tuple[uuid.UUID, str]]:
    wanted = [
        (party.merchant_id, payment.reference)
        for payment in payloads
        if payment.reference is not None
        and (party := parties.get(payment.payee_account_id or 0)) is not None
        and party.merchant_id is not None
    ]
    if not wanted:
        return set()
    rows = await connection.fetch(
        _USED_REFERENCES, [merchant for merchant, _ in wanted], [text for _, text in wanted]
    )
    return {(row[0], row[1]) for row in rows}
