"""All SQL of payments abroad themselves, and of accounts in foreign currencies."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.crossborder.types import (
    HOME,
    ChargeBearer,
    Direction,
    Party,
    Payment,
    PaymentState,
)

#: What is sealed of a payment, and under which name its column is known to the vault.
SEALED: Final = {
    each: f"payments.crossborder_payments.{each}"
    for each in ("name_sealed", "account_sealed", "address_sealed", "note_sealed")
}
MESSAGE_FIELD: Final = "payments.crossborder_payments.message_sealed"
_PAYMENT: Final = """
    id, direction, uetr, party_id, is_business, ordered_by, approved_by, state, reasons, currency,
    amount, settled_amount, charge_bearer, fee, account_id, fee_account_id, quote_id, deal_id,
    purpose, usd_amount, country, agent_bic, name_sealed, account_sealed, address_sealed,
    note_sealed, counterparty_index, message_id, entry_id, settled_entry, ended_entry,
    returned_amount, is_return_due, is_report_due, attempts, due_at, created_at, changed_at
"""
_PAYMENTS: Final = f"SELECT {_PAYMENT} FROM payments.crossborder_payments"  # noqa: S608
_TO_DO: Final = "(state IN ('initiated', 'screened', 'sending') OR is_return_due OR is_report_due)"
_DUE: Final = f"""
    {_PAYMENTS} WHERE {_TO_DO} AND due_at <= :now
     ORDER BY due_at LIMIT :limit
"""
_TAKE: Final = f"""
    UPDATE payments.crossborder_payments SET due_at = :until, attempts = attempts + 1
     WHERE id = :id AND due_at <= :now AND {_TO_DO}
    RETURNING id
"""  # noqa: S608 - our own text
# Different people who pay one account abroad; what was refused or withdrawn did not pay it.
_COUNT_PAYERS: Final = """
    SELECT count(DISTINCT party_id) FROM payments.crossborder_payments
     WHERE counterparty_index = :index AND direction = 'out' AND NOT is_business
       AND created_at > :since AND party_id <> :but
       AND state NOT IN ('awaiting_approval', 'withdrawn', 'refused', 'rejected')
"""


async def lock_party(uow: UnitOfWork, party_id: uuid.UUID) -> None:
    """Let nobody else open an account of a party until this transaction ends."""
    await uow.execute(
        "SELECT pg_advisory_xact_lock(hashtext('payments.currency_accounts'), hashtext(:party))",
        party=str(party_id),
    )


async def lock_counterparty(uow: UnitOfWork, index: bytes) -> None:
    """Let payments to one account abroad be ordered one after another: each counts those before."""
    await uow.execute(
        "SELECT pg_advisory_xact_lock(hashtext('payments.counterparty'), hashtext(:index))",
        index=index.hex(),
    )


async def find_currency_account(uow: UnitOfWork, party_id: uuid.UUID, currency: str) -> int | None:
    """Return a party's account in a foreign currency."""
    found: int | None = await uow.fetch_value(
        """SELECT account_id FROM payments.currency_accounts
            WHERE party_id = :party_id AND currency = :currency""",
        party_id=party_id,
        currency=currency,
    )
    return found


async def list_currency_accounts(uow: UnitOfWork, party_id: uuid.UUID) -> list[tuple[str, int]]:
    """Return a party's accounts in foreign currencies, with their currencies."""
    rows = await uow.execute(
        """SELECT currency, account_id FROM payments.currency_accounts
            WHERE party_id = :party_id ORDER BY currency""",
        party_id=party_id,
    )
    return [(row.currency, row.account_id) for row in rows]


async def find_owner(uow: UnitOfWork, account_id: int) -> tuple[uuid.UUID, bool] | None:
    """Return whose account in a foreign currency this is, and whether that is a business."""
    row = await uow.fetch_one(
        """SELECT party_id, is_business FROM payments.currency_accounts
            WHERE account_id = :account_id""",
        account_id=account_id,
    )
    return None if row is None else (row.party_id, row.is_business)


async def add_currency_account(
    uow: UnitOfWork, party: Party, currency: str, account_id: int
) -> None:
    """Write down a party's account in a foreign currency."""
    await uow.execute(
        """INSERT INTO payments.currency_accounts (party_id, currency, is_business, account_id)
           VALUES (:party_id, :currency, :is_business, :account_id)""",
        party_id=party.id,
        currency=currency,
        is_business=party.is_business,
        account_id=account_id,
    )


def _values(payment: Payment) -> dict[str, object]:
    """Return what may change of a payment, by column."""
    return {
        "id": payment.id,
        "state": payment.state.value,
        "reasons": list(payment.reasons),
        "approved_by": payment.approved_by,
        "deal_id": payment.deal_id,
        "message_id": payment.message_id,
        "entry_id": payment.entry_id,
        "settled_entry": payment.settled_entry,
        "ended_entry": payment.ended_entry,
        "returned_amount": None if payment.returned is None else payment.returned.minor,
        "is_return_due": payment.is_return_due,
        "is_report_due": payment.is_report_due,
        "attempts": payment.attempts,
        "due_at": payment.due_at,
        "changed_at": payment.changed_at,
    }


async def add_payment(uow: UnitOfWork, payment: Payment) -> None:
    """Write down a new payment."""
    await uow.execute(
        f"""INSERT INTO payments.crossborder_payments ({_PAYMENT})
            VALUES (:id, :direction, :uetr, :party_id, :is_business, :ordered_by, :approved_by,
                    :state, :reasons, :currency, :amount, :settled_amount, :charge_bearer, :fee,
                    :account_id, :fee_account_id, :quote_id, :deal_id, :purpose, :usd_amount,
                    :country, :agent_bic, :name_sealed, :account_sealed, :address_sealed,
                    :note_sealed, :counterparty_index, :message_id, :entry_id, :settled_entry,
                    :ended_entry, :returned_amount, :is_return_due, :is_report_due,
                    :attempts, :due_at, :created_at, :changed_at)""",  # noqa: S608 - our own text
        direction=payment.direction.value,
        uetr=payment.uetr,
        party_id=payment.party_id,
        is_business=payment.is_business,
        ordered_by=payment.ordered_by,
        currency=payment.amount.currency,
        amount=payment.amount.minor,
        settled_amount=payment.settled.minor,
        charge_bearer=payment.charge_bearer.value,
        fee=payment.fee.minor,
        account_id=payment.account_id,
        fee_account_id=payment.fee_account_id,
        quote_id=payment.quote_id,
        purpose=payment.purpose,
        usd_amount=payment.usd.minor,
        country=payment.country,
        agent_bic=payment.agent_bic,
        **{each: payment.sealed.get(each) for each in SEALED},
        counterparty_index=payment.counterparty_index,
        created_at=payment.created_at,
        **_values(payment),
    )


async def change_payment(uow: UnitOfWork, payment: Payment) -> None:
    """Write what may change of a payment, whose row is locked."""
    await uow.execute(
        """UPDATE payments.crossborder_payments
              SET state = :state, reasons = :reasons, approved_by = :approved_by,
                  deal_id = :deal_id, message_id = :message_id, entry_id = :entry_id,
                  settled_entry = :settled_entry, ended_entry = :ended_entry,
                  returned_amount = :returned_amount, is_return_due = :is_return_due,
                  is_report_due = :is_report_due, due_at = :due_at, attempts = :attempts,
                  changed_at = greatest(changed_at, :changed_at)
            WHERE id = :id""",
        **_values(payment),
    )


async def set_message(uow: UnitOfWork, payment_id: uuid.UUID, sealed: bytes) -> None:
    """Keep the message that is sent, so that it is the same each time."""
    await uow.execute(
        """UPDATE payments.crossborder_payments SET message_sealed = :sealed
            WHERE id = :id AND message_sealed IS NULL""",
        id=payment_id,
        sealed=sealed,
    )


async def find_message(uow: UnitOfWork, payment_id: uuid.UUID) -> bytes | None:
    """Return the sealed message of a payment."""
    found: bytes | None = await uow.fetch_value(
        "SELECT message_sealed FROM payments.crossborder_payments WHERE id = :id", id=payment_id
    )
    return found


async def find_payment(
    uow: UnitOfWork, payment_id: uuid.UUID, *, is_locked: bool = False
) -> Payment | None:
    """Return a payment, locked if it is to be changed."""
    suffix = " FOR UPDATE" if is_locked else ""
    row = await uow.fetch_one(f"{_PAYMENTS} WHERE id = :id{suffix}", id=payment_id)
    return None if row is None else read_payment(row)


async def lock_by_uetr(uow: UnitOfWork, uetr: uuid.UUID, direction: Direction) -> Payment | None:
    """Return a payment by its UETR, locked."""
    row = await uow.fetch_one(
        f"{_PAYMENTS} WHERE uetr = :uetr AND direction = :direction FOR UPDATE",
        uetr=uetr,
        direction=direction.value,
    )
    return None if row is None else read_payment(row)


async def list_due(uow: UnitOfWork, *, now: datetime, limit: int) -> list[Payment]:
    """Return payments with something to do, longest due first."""
    return [read_payment(row) for row in await uow.execute(_DUE, now=now, limit=limit)]


async def take_payment(
    uow: UnitOfWork, payment_id: uuid.UUID, *, until: datetime, now: datetime
) -> bool:
    """Have a payment to oneself until then; False if another worker was quicker."""
    return bool(await uow.execute(_TAKE, id=payment_id, until=until, now=now))


async def list_payments(
    uow: UnitOfWork, *, party_id: uuid.UUID, before: uuid.UUID | None, limit: int
) -> list[Payment]:
    """Return a party's payments, newest first."""
    rows = await uow.execute(
        f"""{_PAYMENTS} WHERE party_id = :party_id
               AND (CAST(:before AS uuid) IS NULL OR id < :before)
             ORDER BY id DESC LIMIT :limit""",
        party_id=party_id,
        before=before,
        limit=limit,
    )
    return [read_payment(row) for row in rows]


async def list_held(uow: UnitOfWork, *, after: uuid.UUID | None, limit: int) -> list[Payment]:
    """Return payments that wait for a person, oldest first."""
    rows = await uow.execute(
        f"""{_PAYMENTS} WHERE state = 'held' AND (CAST(:after AS uuid) IS NULL OR id > :after)
             ORDER BY id LIMIT :limit""",
        after=after,
        limit=limit,
    )
    return [read_payment(row) for row in rows]


async def count_payers(
    uow: UnitOfWork, index: bytes, since: datetime, *, but: uuid.UUID | None
) -> int:
    """Return how many different people other than `but` paid an account abroad since then."""
    found: int = await uow.fetch_value(_COUNT_PAYERS, index=index, since=since, but=but)
    return found


def read_payment(row: Row[Any]) -> Payment:
    """Return the payment of a row."""
    currency, bearer = row.currency, ChargeBearer(row.charge_bearer)
    fee_currency = currency if bearer is ChargeBearer.CRED else HOME
    return Payment(
        id=row.id,
        direction=Direction(row.direction),
        uetr=row.uetr,
        party_id=row.party_id,
        is_business=row.is_business,
        ordered_by=row.ordered_by,
        approved_by=row.approved_by,
        state=PaymentState(row.state),
        reasons=tuple(row.reasons),
        amount=Money(row.amount, currency),
        settled=Money(row.settled_amount, currency),
        charge_bearer=bearer,
        fee=Money(row.fee, fee_currency),
        account_id=row.account_id,
        fee_account_id=row.fee_account_id,
        quote_id=row.quote_id,
        deal_id=row.deal_id,
        purpose=row.purpose,
        usd=Money(row.usd_amount, "USD"),
        country=row.country,
        agent_bic=row.agent_bic,
        sealed={each: value for each in SEALED if (value := getattr(row, each)) is not None},
        counterparty_index=row.counterparty_index,
        message_id=row.message_id,
        entry_id=row.entry_id,
        settled_entry=row.settled_entry,
        ended_entry=row.ended_entry,
        returned=None if row.returned_amount is None else Money(row.returned_amount, currency),
        is_return_due=row.is_return_due,
        is_report_due=row.is_report_due,
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


async def set_original(uow: UnitOfWork, payment_id: uuid.UUID, message_id: str) -> None:
    """Write down by which message of theirs a receipt came."""
    await uow.execute(
        "UPDATE payments.crossborder_payments SET original_id = :message_id WHERE id = :id",
        id=payment_id,
        message_id=message_id,
    )


async def find_original(uow: UnitOfWork, payment_id: uuid.UUID) -> str:
    """Return the id of the message by which a receipt came."""
    found: str = await uow.fetch_value(
        "SELECT original_id FROM payments.crossborder_payments WHERE id = :id", id=payment_id
    )
    return found


async def is_quote_used(uow: UnitOfWork, quote_id: uuid.UUID) -> bool:
    """Say whether a payment was ordered by a quote, also one that was withdrawn."""
    return bool(
        await uow.fetch_value(
            """SELECT EXISTS (SELECT FROM payments.crossborder_payments
                               WHERE quote_id = :quote_id)""",
            quote_id=quote_id,
        )
    )


async def has_open_payments(uow: UnitOfWork, party_id: uuid.UUID) -> bool:
    """Say whether a party has a payment that has no end yet."""
    return bool(
        await uow.fetch_value(
            """SELECT EXISTS (SELECT FROM payments.crossborder_payments
                               WHERE party_id = :party_id
                                 AND state IN ('awaiting_approval', 'initiated', 'held', 'screened',
                                               'sending', 'sent', 'accepted'))""",
            party_id=party_id,
        )
    )
