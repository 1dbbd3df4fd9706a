"""Codes: what merchants show to be paid, what customers show to pay, and reading them."""

import uuid
from datetime import datetime, timedelta

from huitong import customers
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import CODE, read_id, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import qr
from huitong.payments.calculations import derive_id
from huitong.payments.commands import moving
from huitong.payments.commands.checkouts import create_order
from huitong.payments.errors import CodeAltered, CodeNotFound, IdReused
from huitong.payments.store import codes as store
from huitong.payments.store import orders as order_store
from huitong.payments.types import CodeKind, CodeReading, MerchantCode, OrderKind

_CUSTOMER_CODE_SECONDS = "qr.customer_code.seconds"


async def create_merchant_code(
    uow: UnitOfWork,
    *,
    code_id: uuid.UUID,
    merchant_id: uuid.UUID,
    kind: CodeKind,
    amount: Money | None = None,
    reference: str | None = None,
    description: str | None = None,
    expires_in_seconds: int | None = None,
    order_id: uuid.UUID | None = None,
    now: datetime,
) -> MerchantCode:
    """Make a code for a merchant to show and return it.

    A static code may be paid many times, and the payer names the amount; a dynamic one stands for
    a new order (`order_id`, or one that follows from `code_id`) with an amount. The same id with
    the same content returns the code as made. Raises NotFound for the merchant, InvalidField,
    ReferenceUsed, IdReused.
    """
    moving.check_id(code_id, field="id")
    merchant = await customers.get_merchant(uow, merchant_id)
    if kind is CodeKind.DYNAMIC:
        if amount is None:
            raise InvalidField("a dynamic code has an amount", field="amount")
        order = await create_order(
            uow,
            order_id=derive_id(code_id, 1) if order_id is None else order_id,
            kind=OrderKind.DYNAMIC_QR,
            merchant=merchant,
            amount=amount,
            reference=reference,
            description=description,
            expires_in_seconds=expires_in_seconds,
            now=now,
        )
        order_id = order.id
    else:
        _check_static(
            amount=amount,
            reference=reference,
            description=description,
            expires_in_seconds=expires_in_seconds,
            order_id=order_id,
        )
    code = MerchantCode(
        id=code_id,
        merchant_id=merchant_id,
        kind=kind,
        order_id=order_id,
        payload=_write_payload(code_id, kind, merchant, amount),
        created_at=now,
    )
    if await store.insert_merchant_code(uow, code):
        return code
    known = await store.find_merchant_code(uow, code_id)
    assert known is not None
    if (known.payload, known.order_id) != (code.payload, code.order_id):
        raise IdReused(f"{show_id(CODE, code_id)} is another code", field="id")
    return known


def _check_static(**given: object) -> None:
    for field, value in given.items():
        if value is not None:
            raise InvalidField("only a dynamic code has one", field=field)


def _write_payload(
    code_id: uuid.UUID, kind: CodeKind, merchant: customers.Merchant, amount: Money | None
) -> str:
    is_static = kind is CodeKind.STATIC
    return qr.encode_payload(
        qr.MerchantPayload(
            initiation=qr.PointOfInitiation.STATIC if is_static else qr.PointOfInitiation.DYNAMIC,
            merchant_accounts=(qr.code_account(show_id(CODE, code_id)),),
            merchant_category_code=merchant.category_code,
            currency=merchant.currency,
            merchant_name=merchant.name_latin,
            merchant_city=merchant.city_latin,
            amount=amount,
        )
    )


async def get_merchant_code(uow: UnitOfWork, code_id: uuid.UUID) -> MerchantCode:
    """Return a merchant's code; raises CodeNotFound."""
    code = await store.find_merchant_code(uow, code_id)
    if code is None:
        shown = show_id(CODE, code_id)
        raise CodeNotFound(f"there is no code {shown}", context={"id": shown})
    return code


async def read_code(uow: UnitOfWork, *, payload: str) -> CodeReading:
    """Return what a scanned payload asks for.

    Raises InvalidField naming the data object that breaks the standard or for codes of others,
    CodeNotFound, and CodeAltered if it is not, letter by letter, what we issued: an amount or a
    name that somebody changed must not reach the payer's eyes.
    """
    if len(payload) > limits.QR_PAYLOAD_LENGTH_MAX:
        raise InvalidField(
            f"has at most {limits.QR_PAYLOAD_LENGTH_MAX} characters", field="payload"
        )
    parsed = qr.parse_payload(payload)
    code = await get_merchant_code(uow, read_id(CODE, qr.get_code_id(parsed), field="payload"))
    if code.payload != payload:
        raise CodeAltered(
            f"{show_id(CODE, code.id)} was issued with other contents", field="payload"
        )
    merchant = await customers.get_merchant(uow, code.merchant_id)
    order = None if code.order_id is None else await order_store.find_order(uow, code.order_id)
    return CodeReading(
        code_id=code.id,
        kind=code.kind,
        merchant_id=merchant.id,
        merchant_name=merchant.name,
        payee_account_id=merchant.account_id,
        currency=merchant.currency,
        amount=parsed.amount,
        order_id=code.order_id,
        order_status=None if order is None else order.status,
    )


async def issue_customer_code(
    uow: UnitOfWork, *, customer_id: uuid.UUID, now: datetime
) -> qr.CustomerCode:
    """Issue a one-time code with which a merchant may take one payment from a customer.

    It lives as long as the rulebook says (60 seconds). Only its digest is kept: this answer is the
    only place where the code is ever seen. Raises NotFound.
    """
    await customers.get_customer(uow, customer_id)
    seconds = Rulebook.load().integer(_CUSTOMER_CODE_SECONDS, business_day(now))
    code = qr.issue_code(now=now, lifetime=timedelta(seconds=seconds))
    await store.insert_issued_code(uow, code.digest, customer_id, code.expires_at)
    return code


async def prune_customer_codes(
    uow: UnitOfWork, *, now: datetime, limit: int = limits.PRUNE_ROWS_MAX
) -> int:
    """Delete at most `limit` customer codes that expired long ago; return how many."""
    before = now - timedelta(hours=limits.CUSTOMER_CODES_KEEP_HOURS)
    return await store.prune_issued_codes(uow, before, limit)
