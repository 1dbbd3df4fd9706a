"""Banks join and fund; their caps and reserves change, and what then fits leaves the queues.

Each takes the one lock of clearing first and the ledger's locks after it, so none can deadlock
with another.
"""

import uuid
from datetime import datetime
from typing import Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Request, post_entries
from huitong.payments.clearing import postings, store
from huitong.payments.clearing.bank_codes import check_bank_code
from huitong.payments.clearing.commands import find_bank, load_banks, release_gross, release_net
from huitong.payments.clearing.errors import (
    CapBelowUse,
    DepositRefused,
    ParticipantExists,
)
from huitong.payments.clearing.types import CURRENCY, Participant

_NAME_LENGTH_MAX: Final = 100


async def check_join(
    uow: UnitOfWork,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    net_debit_cap: Money,
    reserved: Money | None = None,
) -> None:
    """Refuse a bank that could not join like this; raises InvalidField, ParticipantExists."""
    _read_terms(code, name_zh, name_en, net_debit_cap, reserved)
    _refuse_known(await load_banks(uow), code)


async def join(
    uow: UnitOfWork,
    *,
    code: str,
    name_zh: str,
    name_en: str,
    net_debit_cap: Money,
    reserved: Money | None = None,
    now: datetime,
) -> Participant:
    """Make a bank a participant, with a settlement account, a collateral account and a cap.

    `reserved` is what only its urgent gross payments may use. Raises what `check_join` does.
    """
    cap, kept = _read_terms(code, name_zh, name_en, net_debit_cap, reserved)
    await store.lock(uow)
    _refuse_known(await load_banks(uow), code)
    account_id, collateral_id = await postings.open_participant_accounts(uow, code, name_zh)
    new = Participant(
        code=code,
        name_zh=name_zh.strip(),
        name_en=name_en.strip(),
        account_id=account_id,
        collateral_account_id=collateral_id,
        net_debit_cap=cap,
        reserved=kept,
        joined_at=now,
    )
    await store.add_participant(uow, new)
    await audit.record(uow, action="clearing.join", subject=code, details={"net_debit_cap": cap})
    return new


async def check_deposit(uow: UnitOfWork, *, code: str, amount: Money) -> None:
    """Refuse what could never be deposited; raises InvalidField, ParticipantNotFound."""
    _read_amount(amount, "amount", least=1)
    find_bank(await load_banks(uow), code, field="participant")


async def deposit(
    uow: UnitOfWork,
    *,
    transfer_id: uuid.UUID,
    code: str,
    amount: Money,
    is_collateral: bool = False,
    now: datetime,
) -> None:
    """Put money that came through the central bank on a participant's account.

    The same `transfer_id` moves money once. Raises InvalidField, ParticipantNotFound, and
    DepositRefused if the ledger says no: it knows the id with other content, or takes nothing in.
    """
    minor = _read_amount(amount, "amount", least=1)
    await store.lock(uow)
    bank = find_bank(await load_banks(uow), code, field="code")
    entry = postings.deposit_entry(
        transfer_id=transfer_id,
        central_bank=await postings.find_central_bank_account(uow),
        account_id=bank.collateral_account_id if is_collateral else bank.account_id,
        amount=minor,
        on=business_day(now),
    )
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        raise DepositRefused(f"the ledger refuses the deposit: {outcome.reason}")
    details = {"amount": minor, "collateral": is_collateral, "transfer": str(transfer_id)}
    await audit.record(uow, action="clearing.deposit", subject=code, details=details)


async def check_cap(uow: UnitOfWork, *, code: str, cap: Money) -> None:
    """Refuse what could never be a participant's cap; raises InvalidField, ParticipantNotFound."""
    _read_amount(cap, "cap")
    find_bank(await load_banks(uow), code, field="participant")


async def check_reserved(uow: UnitOfWork, *, code: str, reserved: Money) -> None:
    """Refuse what could never be kept; raises InvalidField, ParticipantNotFound."""
    _read_amount(reserved, "reserved")
    find_bank(await load_banks(uow), code, field="participant")


async def set_net_debit_cap(
    uow: UnitOfWork, *, code: str, cap: Money, reason: str, rulebook: Rulebook, now: datetime
) -> Participant:
    """Set a participant's net debit cap, at once; what then fits leaves the queue.

    Raises InvalidField, ParticipantNotFound, CapBelowUse.
    """
    minor = _read_amount(cap, "cap")
    await store.lock(uow)
    bank = find_bank(await load_banks(uow), code, field="participant")
    window = await store.find_window(uow, is_open=True)
    if window is not None:
        positions = await store.list_positions(uow, window.id)
        used = next((each.used for each in positions if each.participant == code), 0)
        if minor < used:
            raise CapBelowUse(f"{code} uses {Money(used, CURRENCY)} of its cap", field="cap")
    await store.set_cap(uow, code, minor)
    details = {"from": bank.net_debit_cap, "to": minor, "reason": reason}
    await audit.record(uow, action="clearing.set_cap", subject=code, details=details)
    await release_net(uow, banks=[code], rulebook=rulebook, now=now)
    return find_bank(await load_banks(uow), code, field="participant")


async def set_reserved(
    uow: UnitOfWork, *, code: str, reserved: Money, rulebook: Rulebook, now: datetime
) -> Participant:
    """Set what a participant keeps for urgent gross payments; what then fits leaves the queue.

    Raises InvalidField, ParticipantNotFound.
    """
    minor = _read_amount(reserved, "reserved")
    await store.lock(uow)
    find_bank(await load_banks(uow), code, field="code")
    await store.set_reserved(uow, code, minor)
    await audit.record(uow, action="clearing.set_reserved", subject=code, details={"to": minor})
    await release_gross(uow, rulebook=rulebook, now=now)
    return find_bank(await load_banks(uow), code, field="code")


def _refuse_known(banks: dict[str, Participant], code: str) -> None:
    if code in banks:
        raise ParticipantExists(f"{code} takes part already", field="code")


def _read_terms(
    code: str, name_zh: str, name_en: str, net_debit_cap: Money, reserved: Money | None
) -> tuple[int, int]:
    """Return the cap and what is kept, in minor units; raises InvalidField."""
    check_bank_code(code, field="code")
    for field, name in (("name_zh", name_zh), ("name_en", name_en)):
        if not 1 <= len(name.strip()) <= _NAME_LENGTH_MAX or not name.isprintable():
            raise InvalidField(
                f"a name has 1 to {_NAME_LENGTH_MAX} printable characters", field=field
            )
    cap = _read_amount(net_debit_cap, "net_debit_cap")
    return cap, 0 if reserved is None else _read_amount(reserved, "reserved")


def _read_amount(amount: Money, field: str, least: int = 0) -> int:
    if amount.currency != CURRENCY:
        raise InvalidField("clearing settles CNY only", field=field)
    if amount.minor < least:
        raise InvalidField("is too small", field=field)
    return amount.minor
