"""The baseline of `bench pay`: a plain FastAPI handler with one transaction a payment.

Written as a competent developer would write it at first: models, a pool, prepared statements,
locks in one order, the same tables and the same promises (idempotency, limits, order, event,
durable before the answer). It runs in a process of its own and is never part of the platform.
"""

import hashlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, ConfigDict

from huitong.kernel.clock import business_day
from huitong.kernel.ids import PAYMENT, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.settings import Settings
from huitong.ledger import TransferCode, read_account

CONNECTIONS: Final = 8
_KEEP: Final = timedelta(hours=24)
_METER: Final = 1
#: What the rulebook says for a payer of class 3 with two factors, in minor units.
_DAY_MAX: Final = 500_000
_YEAR_MAX: Final = 20_000_000

_FIND_KEY: Final = "SELECT id, scopes FROM kernel.api_keys WHERE digest = $1 AND revoked_at IS NULL"
_FIND_REPLY: Final = """
SELECT fingerprint, status, body FROM kernel.replies WHERE scope = $1 AND key = $2
"""
_FIND_PARTIES: Final = """
SELECT account_id, NULL::uuid AS merchant_id FROM customers.customers WHERE account_id = ANY($1)
 UNION ALL
SELECT account_id, id FROM customers.merchants WHERE account_id = ANY($1)
"""
_LOCK: Final = """
SELECT account_id, currency, state, limits, balance_max, debits_posted, credits_posted,
       debits_pending, credits_pending
  FROM ledger.balances WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR UPDATE
"""
_METERED: Final = """
INSERT INTO ledger.meters AS m (account_id, meter, on_day, day_used, day_count, year_used,
                                total_used)
VALUES ($1, $2, $3, $4, 1, $4, $4)
    ON CONFLICT (account_id, meter) DO UPDATE
   SET on_day = excluded.on_day,
       day_used = CASE WHEN m.on_day = excluded.on_day THEN m.day_used ELSE 0 END + $4,
       day_count = CASE WHEN m.on_day = excluded.on_day THEN m.day_count ELSE 0 END + 1,
       year_used = CASE WHEN date_trunc('year', m.on_day) = date_trunc('year', excluded.on_day)
                        THEN m.year_used ELSE 0 END + $4,
       total_used = m.total_used + $4
RETURNING day_used, year_used
"""
_DEBIT: Final = (
    "UPDATE ledger.balances SET debits_posted = debits_posted + $2 WHERE account_id = $1"
)
_CREDIT: Final = (
    "UPDATE ledger.balances SET credits_posted = credits_posted + $2 WHERE account_id = $1"
)
_ADD_TRANSFER: Final = """
INSERT INTO ledger.transfers (id, sequence, recorded_at, debit_account_id, credit_account_id,
                              amount, effective_on, currency, code, kind)
VALUES ($1, (nextval('ledger.batches') << 16) + 1, clock_timestamp(), $2, $3, $4, $5, $6, $7, 0)
RETURNING recorded_at
"""
_ADD_ORDER: Final = """
INSERT INTO payments.orders (id, kind, status, currency, amount, payer_account_id,
                             payee_account_id, merchant_id, reference, transfer_id, created_at,
                             completed_at)
VALUES ($1, $2, 'succeeded', $3, $4, $5, $6, $7, $8, $1, $9, $10)
"""
_ADD_EVENT: Final = "INSERT INTO kernel.outbox (id, topic, payload) VALUES ($1, $2, $3::jsonb)"
_ADD_REPLY: Final = """
INSERT INTO kernel.replies (scope, key, fingerprint, status, body, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""


class Amount(BaseModel):
    """Money as it travels."""

    model_config = ConfigDict(extra="forbid")
    amount: str
    currency: str


class Payment(BaseModel):
    """The body of a payment."""

    model_config = ConfigDict(extra="forbid")
    payer: str
    payee: str
    amount: Amount
    reference: str | None = None


def create_app() -> FastAPI:
    """Return the application; uvicorn calls this."""
    settings = Settings.from_environment()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        role = settings.database_app_role
        pool = await asyncpg.create_pool(
            settings.database_app_url,
            min_size=CONNECTIONS,
            max_size=CONNECTIONS,
            server_settings={"timezone": "UTC"} | ({} if role is None else {"role": role}),
        )
        app.state.pool = pool
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/v1/payments", _make_handler(app), methods=["POST"], status_code=201)
    app.add_api_route("/readyz", lambda: {"pid": os.getpid()}, methods=["GET"])
    return app


def _make_handler(app: FastAPI) -> Any:
    async def pay(
        payment: Payment,
        authorization: Annotated[str, Header()],
        idempotency_key: Annotated[str, Header(max_length=64)],
    ) -> Response:
        amount = Money.parse(payment.amount.amount, payment.amount.currency)
        async with app.state.pool.acquire() as connection, connection.transaction():
            scope = await _authenticate(connection, authorization)
            text = payment.model_dump_json().encode()
            fingerprint = hashlib.sha256(text).digest()
            stored = await connection.fetchrow(_FIND_REPLY, scope, idempotency_key)
            if stored is not None:
                if stored["fingerprint"] != fingerprint:
                    raise HTTPException(409, "the key was used for something else")
                return Response(stored["body"], stored["status"], media_type="application/json")
            body = await _pay(connection, payment, amount)
            expires_at = datetime.now(UTC) + _KEEP
            await connection.execute(
                _ADD_REPLY, scope, idempotency_key, fingerprint, 201, body, expires_at
            )
        return Response(body, 201, media_type="application/json")

    return pay


async def _authenticate(connection: Any, header: str) -> str:
    digest = hashlib.sha256(header.removeprefix("Bearer ").encode()).digest()
    key = await connection.fetchrow(_FIND_KEY, digest)
    if key is None or "payments:write" not in key["scopes"]:
        raise HTTPException(401, "unknown key")
    return f"naive_{key['id'].hex}"


async def _pay(connection: Any, payment: Payment, amount: Money) -> bytes:
    payer = read_account(payment.payer, field="payer")
    payee = read_account(payment.payee, field="payee")
    accounts = sorted((payer, payee))
    parties = {row[0]: row[1] for row in await connection.fetch(_FIND_PARTIES, accounts)}
    if len(parties) != len(accounts):
        raise HTTPException(404, "no such account")
    rows = {row["account_id"]: row for row in await connection.fetch(_LOCK, accounts)}
    _check(rows[payer], rows[payee], amount)
    now = datetime.now(UTC)
    on_day = business_day(now)
    metered = await connection.fetchrow(_METERED, payer, _METER, on_day, amount.minor)
    if metered["day_used"] > _DAY_MAX or metered["year_used"] > _YEAR_MAX:
        raise HTTPException(422, "a limit is reached")
    await connection.execute(_DEBIT, payer, amount.minor)
    await connection.execute(_CREDIT, payee, amount.minor)
    order_id = uuid7()
    merchant_id = parties[payee]
    kind, code = ("transfer", TransferCode.TRANSFER)
    if merchant_id is not None:
        kind, code = ("payment", TransferCode.PAYMENT)
    recorded_at = await connection.fetchval(
        _ADD_TRANSFER, order_id, payer, payee, amount.minor, on_day, amount.currency, int(code)
    )
    await connection.execute(
        _ADD_ORDER, order_id, kind, amount.currency, amount.minor, payer, payee, merchant_id,
        payment.reference, now, recorded_at,
    )  # fmt: skip
    answer = _show(
        order_id=order_id,
        kind=kind,
        payment=payment,
        amount=amount,
        merchant_id=merchant_id,
        recorded_at=recorded_at,
    )
    text = json.dumps(answer)
    await connection.execute(_ADD_EVENT, uuid7(), "payments.NaivePaymentSucceeded.v1", text)
    return text.encode()


def _check(payer: Any, payee: Any, amount: Money) -> None:
    if payer["currency"] != amount.currency or payee["currency"] != amount.currency:
        raise HTTPException(422, "another currency")
    if payer["state"] != 0 or payee["state"] > 1:
        raise HTTPException(422, "frozen")
    available = payer["credits_posted"] - payer["debits_posted"] - payer["debits_pending"]
    if payer["limits"] == 1 and available < amount.minor:
        raise HTTPException(422, "insufficient funds")


def _show(
    *,
    order_id: uuid.UUID,
    kind: str,
    payment: Payment,
    amount: Money,
    merchant_id: uuid.UUID | None,
    recorded_at: datetime,
) -> dict[str, Any]:
    return {
        "id": show_id(PAYMENT, order_id),
        "kind": kind,
        "status": "succeeded",
        "amount": amount.to_json(),
        "payer": payment.payer,
        "payee": payment.payee,
        "merchant": None if merchant_id is None else merchant_id.hex,
        "reference": payment.reference,
        "completed_at": recorded_at.isoformat(),
    }
