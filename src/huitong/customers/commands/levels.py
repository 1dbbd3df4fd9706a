"""Raising the class of a payment account when more channels have confirmed the person."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from huitong.customers import identity_store, store
from huitong.customers.checks import (
    BankCardQuestion,
    BankCardRegistry,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    Trouble,
)
from huitong.customers.commands.life_cycle import not_verified
from huitong.customers.errors import CustomerIsClosed
from huitong.customers.events import AccountClassRaised
from huitong.customers.evidence import check_bank_card, check_mobile, to_invalid_fields
from huitong.customers.evidence.numbers.texts import compact
from huitong.customers.onboarding.judging import find_class, name_bank_channel
from huitong.customers.onboarding.sealing import IDENTITY_PERSON_FIELD
from huitong.customers.onboarding.types import PersonDetails
from huitong.customers.queries import get_customer
from huitong.customers.types import Customer
from huitong.kernel import audit, outbox
from huitong.kernel.clock import Clock, business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.ids import CUSTOMER, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

_CHANNELS_MAX: Final = 16


async def add_channels(
    uow: UnitOfWork,
    *,
    customer_id: uuid.UUID,
    channels: Sequence[str] = (),
    is_in_person: bool = False,
    rulebook: Rulebook,
    now: datetime,
) -> Customer:
    """Add what confirmed a customer's identity, and raise the account's class if it allows one.

    A channel that is known adds nothing, and a class never falls here. The caps of payments follow
    the class with the next payment. Raises NotFound, NotVerified, CustomerIsClosed.
    """
    await store.lock_customer(uow, customer_id)
    customer = await get_customer(uow, customer_id)
    if customer.closed_at is not None:
        shown = show_id(CUSTOMER, customer_id)
        raise CustomerIsClosed(f"{shown} is closed", context={"id": shown})
    proof = await identity_store.find_proof(uow, customer_id)
    if proof is None:
        raise not_verified(customer_id)
    known = tuple(sorted({*proof.channels, *channels}))[:_CHANNELS_MAX]
    is_known_in_person = proof.is_in_person or is_in_person
    if (known, is_known_in_person) != (proof.channels, proof.is_in_person):
        await identity_store.set_proof(uow, customer_id, known, is_in_person=is_known_in_person)
        await audit.record(
            uow,
            action="customers.add_channels",
            subject=show_id(CUSTOMER, customer_id),
            details={"channels": known, "is_in_person": is_known_in_person},
        )
    supported = find_class(
        known, is_in_person=is_known_in_person, rulebook=rulebook, on_day=business_day(now)
    )
    if supported is None or supported <= customer.account_class:
        return customer
    await store.set_account_class(uow, customer_id, supported)
    event = AccountClassRaised(
        customer_id=customer_id, before=customer.account_class, after=supported, raised_at=now
    )
    await outbox.append(uow, [event])
    return await get_customer(uow, customer_id)


async def ask_about_card(
    database: Database,
    vault: Vault,
    registry: BankCardRegistry | None,
    *,
    customer_id: uuid.UUID,
    card_number: str,
    request_id: uuid.UUID,
) -> tuple[CheckAnswer, str]:
    """Ask a bank whether a card is the customer's; return the answer, and the channel it would be.

    Asks with no transaction open; record a consistent answer with `add_channels`. The same request
    id asks again without a second charge. Without a registry the answer is UNAVAILABLE. Raises
    InvalidField for a number that is none, NotFound, NotVerified, DataDestroyed.
    """
    checked = check_bank_card(card_number)
    for refusal in to_invalid_fields(checked.findings):
        raise refusal
    assert checked.facts is not None, "a number without facts has an error"
    number = checked.facts.number
    async with database.reading() as uow:
        await get_customer(uow, customer_id)
        proof = await identity_store.find_proof(uow, customer_id)
        if proof is None:
            raise not_verified(customer_id)
        opened = await vault.open(uow, customer_id, {IDENTITY_PERSON_FIELD: proof.person})
    person = msgspec.json.decode(opened[IDENTITY_PERSON_FIELD], type=PersonDetails)
    channel = name_bank_channel(number)
    if registry is None:
        answer = CheckAnswer(
            request_id=request_id,
            kind=CheckKind.BANK_CARD,
            verdict=CheckVerdict.UNAVAILABLE,
            trouble=Trouble.UNREACHABLE,
            attempts=0,
        )
        return answer, channel
    mobile = check_mobile(person.mobile).facts
    question = BankCardQuestion(
        card_number=number,
        name=person.name,
        id_number=compact(person.id_number),
        mobile=None if mobile is None else mobile.number,
        id_kind=person.document.value,
    )
    return await registry.check_bank_card(question, request_id=request_id), channel


async def prove_bank_card(
    database: Database,
    vault: Vault,
    registry: BankCardRegistry | None,
    *,
    customer_id: uuid.UUID,
    card_number: str,
    rulebook: Rulebook,
    clock: Clock,
) -> tuple[CheckAnswer, Customer]:
    """Ask a bank about a card, and count the bank as a channel if it confirms the customer.

    Returns the answer and the customer as it then stands. Raises as `ask_about_card` and
    `add_channels` do.
    """
    answer, channel = await ask_about_card(
        database,
        vault,
        registry,
        customer_id=customer_id,
        card_number=card_number,
        request_id=uuid7(),
    )
    channels = [channel] if answer.verdict is CheckVerdict.CONSISTENT else []
    customer = await database.run(
        lambda uow: add_channels(
            uow, customer_id=customer_id, channels=channels, rulebook=rulebook, now=clock.now()
        )
    )
    return answer, customer
