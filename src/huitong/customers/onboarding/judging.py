"""Judging evidence: from what was typed, read and answered to remarks, channels and a class.

Pure calculations. What is wrong with certainty refuses, what a person has to look at goes to
review, and nothing here raises for bad evidence.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from huitong.customers.checks import CheckAnswer, CheckKind, CheckVerdict
from huitong.customers.evidence import (
    CardField,
    CardReading,
    FaceResult,
    MrzField,
    PassportReading,
    Severity,
    Sex,
    check_bank_card,
    check_mobile,
    compare_card,
    compare_passport,
    years_between,
)
from huitong.customers.evidence.numbers.texts import compact
from huitong.customers.onboarding.documents import find_birth, judge_document, weigh
from huitong.customers.onboarding.types import (
    Application,
    IdentityDocument,
    Outcome,
    PersonDetails,
    Remark,
    Weight,
)
from huitong.kernel.rulebook import Rulebook

CLASSES: Final = (3, 2, 1)
#: Digits of a card that name its bank (ISO/IEC 7812-1, as issued before 2017).
_ISSUER_DIGITS: Final = 6


def judge_person(person: PersonDetails, *, rulebook: Rulebook, today: date) -> tuple[Remark, ...]:
    """Return what is found about the typed items alone, minors included."""
    birth_on = find_birth(person, today)
    remarks = list(judge_document(person, rulebook=rulebook, today=today))
    remarks += [weigh(finding) for finding in check_mobile(person.mobile).findings]
    for place, card in enumerate(person.bank_cards):
        checked = check_bank_card(card, field=f"bank_cards.{place}")
        remarks += [weigh(finding) for finding in checked.findings]
    if birth_on is not None and birth_on <= today:
        remarks += _judge_age(years_between(birth_on, today), person, rulebook, today)
    return tuple(remarks)


def judge_outcome(person: PersonDetails, outcome: Outcome) -> tuple[Remark, ...]:
    """Return what is found about pictures, faces and the answers from outside."""
    is_passport = person.document is IdentityDocument.PASSPORT
    if is_passport:
        remarks = _judge_passport(person, outcome.passport)
    else:
        remarks = _judge_reading(outcome.front, "id_front", _typed_front(person))
        remarks += _judge_reading(outcome.back, "id_back", _typed_back(person))
    remarks += _judge_faces(outcome.faces)
    for answer in outcome.answers:
        remarks += _judge_answer(answer)
    asked = {answer.kind for answer in outcome.answers}
    # The register of identity cards knows no passports.
    wanted = {CheckKind.LIVENESS} if is_passport else {CheckKind.IDENTITY, CheckKind.LIVENESS}
    missing = sorted(wanted - asked)
    remarks += [
        Remark(code="registry_unavailable", field=kind.value, weight=Weight.REVIEW)
        for kind in missing
    ]
    return tuple(remarks)


def judge_hold(application: Application) -> tuple[Remark, ...]:
    """Return that people have to look at it, if risk said so when it was handed in."""
    if not application.is_held_for_review:
        return ()
    return (Remark(code="risk_review", field="application", weight=Weight.REVIEW),)


def list_channels(person: PersonDetails, answers: Sequence[CheckAnswer]) -> tuple[str, ...]:
    """Return the independent channels that confirmed the person, sorted.

    The register of identity cards, the mobile operator, and each bank once: two cards of one bank
    (by their first six digits) are one channel. Liveness is none: it says that somebody was there,
    not who. Answers about bank cards come in the order of the cards.
    """
    channels = set()
    cards = iter(person.bank_cards)
    for answer in answers:
        card = next(cards, "") if answer.kind is CheckKind.BANK_CARD else ""
        if answer.verdict is not CheckVerdict.CONSISTENT:
            continue
        if answer.kind is CheckKind.BANK_CARD:
            channels.add(name_bank_channel(card))
        elif answer.kind is not CheckKind.LIVENESS:
            channels.add(answer.kind.value)
    return tuple(sorted(channels))


def name_bank_channel(card: str) -> str:
    """Return the name of the channel that a card's bank is, however the number is typed."""
    return f"bank_{compact(card)[:_ISSUER_DIGITS]}"


def find_class(
    channels: Sequence[str], *, is_in_person: bool, rulebook: Rulebook, on_day: date
) -> int | None:
    """Return the highest class of a payment account that the evidence supports, None for none.

    Announcement 2015 No. 43: one outside channel for class Ⅰ, three for Ⅱ, five for Ⅲ, or any class
    in person.
    """
    if is_in_person:
        return CLASSES[0]
    for account_class in CLASSES:
        if len(set(channels)) >= rulebook.integer(
            f"payacct.class{account_class}.channels.min", on_day
        ):
            return account_class
    return None


def has_weight(remarks: Iterable[Remark], weight: Weight) -> bool:
    """Say whether one of the remarks has a weight."""
    return any(remark.weight is weight for remark in remarks)


def _judge_age(age: int, person: PersonDetails, rulebook: Rulebook, today: date) -> list[Remark]:
    if age >= rulebook.integer("person.adult.age.min", today):
        return []
    if age < rulebook.integer("privacy.child.age.below", today) and person.guardian_id is None:
        return [Remark(code="guardian_missing", field="guardian_id", weight=Weight.REFUSE)]
    is_young = age < rulebook.integer("person.working_minor.age.min", today)
    code = "minor_under_16" if is_young else "minor_under_18"
    return [Remark(code=code, field="id_number", weight=Weight.REVIEW)]


def _judge_reading(
    reading: CardReading | None, name: str, typed: dict[CardField, str | date | None]
) -> list[Remark]:
    if reading is None:
        return [Remark(code="picture_desk_unavailable", field=name, weight=Weight.REVIEW)]
    if any(finding.severity is Severity.ERROR for finding in reading.findings):
        return [weigh(finding) for finding in reading.findings]
    comparison = compare_card(reading, typed)
    findings = (*reading.findings, *comparison.findings)
    return [
        Remark(code=finding.code.value, field=f"{name}.{finding.field}", weight=Weight.REVIEW)
        for finding in findings
    ]


def _judge_passport(person: PersonDetails, reading: PassportReading | None) -> list[Remark]:
    if reading is None:
        return [Remark(code="picture_desk_unavailable", field="passport", weight=Weight.REVIEW)]
    if any(finding.severity is Severity.ERROR for finding in reading.findings):
        return [weigh(finding) for finding in reading.findings]
    typed: dict[MrzField, str | date | Sex | None] = {
        MrzField.NUMBER: person.id_number,
        MrzField.ISSUER: person.issuer,
        MrzField.NATIONALITY: person.nationality,
        MrzField.NAME_LATIN: person.name_latin,
        MrzField.SEX: person.sex,
        MrzField.BIRTH_ON: person.birth_on,
        MrzField.VALID_UNTIL_ON: person.valid_until_on,
    }
    return [
        Remark(code=finding.code.value, field=f"passport.{finding.field}", weight=Weight.REVIEW)
        for finding in compare_passport(reading, typed)
    ]


def _typed_front(person: PersonDetails) -> dict[CardField, str | date | None]:
    return {
        CardField.NAME: person.name,
        CardField.SEX: person.sex.value,
        CardField.ADDRESS: person.address,
        CardField.NUMBER: person.id_number,
    }


def _typed_back(person: PersonDetails) -> dict[CardField, str | date | None]:
    return {
        CardField.VALID_FROM_ON: person.valid_from_on,
        CardField.VALID_UNTIL_ON: person.valid_until_on,
    }


def _judge_faces(faces: FaceResult | None) -> list[Remark]:
    if faces is None:
        return [Remark(code="picture_desk_unavailable", field="selfie", weight=Weight.REVIEW)]
    return [weigh(finding) for finding in faces.findings]


def _judge_answer(answer: CheckAnswer) -> list[Remark]:
    kind, verdict = answer.kind, answer.verdict
    if verdict is CheckVerdict.CONSISTENT:
        return []
    # Cards are there to prove more; one that proves nothing is no reason for a no.
    if kind is CheckKind.BANK_CARD:
        weight = Weight.NOTE
    elif verdict is CheckVerdict.UNAVAILABLE:
        weight = Weight.NOTE if kind is CheckKind.MOBILE else Weight.REVIEW
    else:
        weight = Weight.REVIEW if kind is CheckKind.MOBILE else Weight.REFUSE
    return [Remark(code=f"registry_{verdict.value}", field=kind.value, weight=weight)]
