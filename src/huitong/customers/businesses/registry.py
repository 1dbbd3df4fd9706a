"""Asking the business register about a business and its owners, and judging what it says.

Asks with no transaction open. The register knows shareholders by name; people who are named alike
cannot be told apart there, so a difference is for staff to look at and never a no by itself.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from huitong.customers.businesses.judging import list_owners
from huitong.customers.businesses.ownership import OwnerBasis, Stake, find_beneficial_owners
from huitong.customers.businesses.types import BusinessDetails
from huitong.customers.checks import (
    BusinessQuestion,
    BusinessRegistry,
    BusinessStatus,
    CheckAnswer,
    CheckVerdict,
)
from huitong.customers.evidence import check_credit_code
from huitong.customers.evidence.id_card.texts import tidy_name
from huitong.customers.onboarding.types import Remark, Weight
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.rulebook import Rulebook

_SHARE_MIN_KEY: Final = "aml.beneficial_owner.ownership.min"
# What two records of one holding may differ by: shares are often rounded.
_SHARE_TOLERANCE: Final = Fraction(1, 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAnswers:
    """What the register said: about the business itself, and about companies above it by code.

    `is_complete` is False if a company above it was not answered for, or there are too many.
    """

    own: CheckAnswer
    above: Mapping[str, CheckAnswer]
    is_complete: bool

    @property
    def all_answers(self) -> tuple[CheckAnswer, ...]:
        """Every answer, the business's own first."""
        return (self.own, *self.above.values())


async def ask_about_business(
    registry: BusinessRegistry | None,
    *,
    name: str,
    business: BusinessDetails,
    request_id: uuid.UUID,
) -> RegistryAnswers | None:
    """Ask the register about a business, and follow its shareholders up, a bounded number of them.

    None without a registry, and for a credit code or a representative that cannot be asked about:
    the judgement of the evidence says so. The same request id asks the same questions again without
    a second charge. Never raises for what happens outside.
    """
    checked = check_credit_code(business.credit_code)
    facts = checked.facts
    names = {person.key: person.name for person in business.people}
    # A code that breaks its standard is refused without paying anybody for an answer.
    is_worth_asking = checked.is_valid and business.legal_representative in names
    if registry is None or facts is None or not is_worth_asking:
        return None
    question = BusinessQuestion(
        credit_code=facts.code,
        name=name,
        legal_representative=names[business.legal_representative],
    )
    own = await registry.check_business(question, request_id=uuid.uuid5(request_id, facts.code))
    above: dict[str, CheckAnswer] = {}
    waiting = _list_companies(own)
    while waiting and len(above) + 1 < limits.BUSINESS_QUESTIONS_MAX:
        code = waiting.pop(0)
        if code == facts.code or code in above:
            continue
        above[code] = await registry.check_business(
            BusinessQuestion(credit_code=code), request_id=uuid.uuid5(request_id, code)
        )
        waiting += _list_companies(above[code])
    left = {code for code in waiting if code != facts.code and code not in above}
    is_complete = not left and all(each.business is not None for each in above.values())
    return RegistryAnswers(own=own, above=above, is_complete=is_complete)


def judge_registry(
    business: BusinessDetails,
    answers: RegistryAnswers | None,
    *,
    rulebook: Rulebook,
    today: date,
) -> tuple[Remark, ...]:
    """Return what the register's answers mean.

    An unknown code, another name or representative, and a company that has ended or lost its
    licence are a no. A register that is out, an abnormal company, and other beneficial owners than
    were declared are for staff.
    """
    if answers is None or answers.own.verdict is CheckVerdict.UNAVAILABLE:
        return (_remark("registry_unavailable", "business", Weight.REVIEW),)
    own = answers.own
    if own.verdict is not CheckVerdict.CONSISTENT or own.business is None:
        return (_remark(f"registry_{own.verdict.value}", "business", Weight.REFUSE),)
    status = own.business.status
    if status in (BusinessStatus.REVOKED, BusinessStatus.DEREGISTERED):
        return (_remark(f"business_{status.value}", "business", Weight.REFUSE),)
    remarks = []
    if status is BusinessStatus.ABNORMAL:
        remarks.append(_remark("business_abnormal", "business", Weight.REVIEW))
    if own.business.shareholders is None:
        remarks.append(_remark("shareholders_unknown", "stakes", Weight.NOTE))
    elif not answers.is_complete:
        remarks.append(_remark("shareholders_incomplete", "stakes", Weight.REVIEW))
    else:
        remarks += _compare_owners(business, answers, rulebook, today)
    return tuple(remarks)


def _compare_owners(
    business: BusinessDetails, answers: RegistryAnswers, rulebook: Rulebook, today: date
) -> list[Remark]:
    names = {person.key: tidy_name(person.name) for person in business.people}
    declared = {
        names[owner.person]: owner.share or Fraction(0)
        for owner in list_owners(business, rulebook=rulebook, today=today)
        if owner.basis is OwnerBasis.OWNERSHIP
    }
    try:
        registered = _find_registered(business.credit_code, answers, rulebook, today)
    except (InvalidField, LimitExceeded):
        # The register's own numbers make no sense: more than the whole of a company, for example.
        return [_remark("shareholders_contradict", "stakes", Weight.REVIEW)]
    if declared.keys() != registered.keys():
        return [_remark("beneficial_owners_differ", "people", Weight.REVIEW)]
    if any(abs(declared[name] - registered[name]) > _SHARE_TOLERANCE for name in declared):
        return [_remark("shares_differ", "stakes", Weight.REVIEW)]
    return []


def _find_registered(
    credit_code: str, answers: RegistryAnswers, rulebook: Rulebook, today: date
) -> dict[str, Fraction]:
    """Return the owners by ownership that follow from the register, by name."""
    facts = check_credit_code(credit_code).facts
    assert facts is not None, "it was asked about"
    stakes, people = [], set()
    for code, answer in ((facts.code, answers.own), *answers.above.items()):
        assert answer.business is not None, "the answers are complete"
        for holder in answer.business.shareholders or ():
            owner = holder.credit_code
            if owner is None:
                owner = f"person {tidy_name(holder.name)}"
                people.add(owner)
            stakes.append(Stake(owner=owner, owned=code, share=Decimal(holder.share)))
    owners = find_beneficial_owners(
        facts.code,
        stakes,
        people=people,
        share_min=rulebook.decimal(_SHARE_MIN_KEY, today),
    )
    return {owner.person.removeprefix("person "): owner.share or Fraction(0) for owner in owners}


def _list_companies(answer: CheckAnswer) -> list[str]:
    if answer.business is None:
        return []
    holders = answer.business.shareholders or ()
    return [each.credit_code for each in holders if each.credit_code is not None]


def _remark(code: str, field: str, weight: Weight) -> Remark:
    return Remark(code=code, field=field, weight=weight)
