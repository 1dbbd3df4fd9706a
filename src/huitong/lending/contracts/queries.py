"""Queries: the contract as it was signed."""

import uuid

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN_APPLICATION, show_id
from huitong.lending.applications import (
    Step,
    digest_contract,
    get_application,
    list_application_steps,
)
from huitong.lending.contracts.errors import ContractNotFound
from huitong.lending.contracts.types import SignedContract


async def get_signed_contract(uow: UnitOfWork, application_id: uuid.UUID) -> SignedContract:
    """Return what was signed for an application, word for word.

    Raises LoanApplicationNotFound, and ContractNotFound, also once it was erased. What is on
    record must have the digest that was signed: anything else raises RuntimeError.
    """
    application = await get_application(uow, application_id)
    steps = await list_application_steps(uow, application_id)
    signed = next((each for each in steps if each.step is Step.SIGNED), None)
    content = None if signed is None else signed.details.get("content")
    if signed is None or content is None:
        shown = show_id(LOAN_APPLICATION, application_id)
        raise ContractNotFound(f"there is no signed contract of {shown}")
    assert application.signed_at is not None, "the table says so"
    assert application.loan_id is not None, "the table says so"
    if digest_contract(content) != application.contract_digest:
        raise RuntimeError("the contract on record is not the one that was signed")
    return SignedContract(
        application_id=application_id,
        customer_id=application.customer_id,
        loan_id=application.loan_id,
        content=content,
        digest=application.contract_digest,
        signed_at=application.signed_at,
        proof=signed.details["proof"],
    )
