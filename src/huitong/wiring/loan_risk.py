"""Applications for loans decided about: rules of risk, who may borrow, score, limit and price.

Each step is recorded with its id, and the application's history names them. Whatever is not known,
or cannot be asked, puts the application before people.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from huitong import lending, risk
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import TABLE_ANSWER, show_id, uuid7
from huitong.kernel.logs import get_logger
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault
from huitong.wiring.loan_features import LoanFacts, gather_loan_facts
from huitong.wiring.risk_reasons import tell_reasons

Reason = lending.applications.Reason
Verdict = lending.applications.Verdict
LoanDecision = lending.applications.LoanDecision
LoanSubject = lending.applications.LoanSubject

_log: Final = get_logger(__name__)
_ELIGIBILITY: Final = "loan_eligibility"
_PRICE: Final = "loan_price"
_RATE_SCALE: Final = lending.RATE_SCALE
#: Every contract is signed with one more factor, so that who has to prove more does so anyway.
_ACTIONS: Final = {
    risk.Action.ALLOW: Verdict.OFFER,
    risk.Action.STEP_UP: Verdict.OFFER,
    risk.Action.REVIEW: Verdict.REVIEW,
    risk.Action.DELAY: Verdict.REVIEW,
    risk.Action.BLOCK: Verdict.REFUSE,
}
_OUTCOMES: Final = {
    "eligible": Verdict.OFFER,
    "review": Verdict.REVIEW,
    "refused": Verdict.REFUSE,
}
_BY_PEOPLE: Final = Reason(
    code="by_people",
    zh="该申请由人工审核",
    en="People decide about this application",
)
_NOT_IDENTIFIED: Final = Reason(
    code="not_identified",
    zh="身份信息尚未核实，需要人工审核",
    en="The identity is not verified, so somebody looks at it",
)
_PUBLIC_RECORD: Final = Reason(
    code="public_record",
    zh="征信报告中有公共记录，需要人工审核",
    en="The credit report has public records, so somebody looks at it",
)
#: The applicant is not told what is known of somebody else.
_PARTY_BY_PEOPLE: Final = Reason(
    code="party_by_people",
    zh="共同借款人或保证人的情况需要人工核实",
    en="Somebody looks at who else stands for the loan",
)
_NOT_PRICED: Final = Reason(
    code="not_priced",
    zh="暂时无法自动定价，需要人工审核",
    en="No price could be found, so somebody looks at it",
)
_SCORECARD_OUT: Final = Reason(
    code="scorecard_out",
    zh="评分模型正在复核，需要人工审核",
    en="The scorecard is being looked at, so somebody decides",
)
_NOTHING_LEFT: Final = Reason(
    code="no_limit",
    zh="按收入和现有负债，暂时没有可借额度",
    en="With this income and these debts there is no limit left to lend",
)


@dataclass(frozen=True, slots=True)
class _Subject:
    id: uuid.UUID
    entities: tuple[risk.Entity, ...]


@dataclass(slots=True)
class _Course:
    """What was found so far: verdicts with their reasons, and the ids of what was recorded."""

    records: dict[str, Any] = field(default_factory=dict)
    _found: list[tuple[Verdict, tuple[Reason, ...]]] = field(default_factory=list)

    def note(self, verdict: Verdict, *reasons: Reason) -> None:
        self._found.append((verdict, reasons))

    def is_refused(self) -> bool:
        return any(verdict is Verdict.REFUSE for verdict, _ in self._found)

    def conclude(self, **terms: Any) -> LoanDecision:
        """Return the strictest verdict, with all reasons for it, and the terms if there are any."""
        for verdict in (Verdict.REFUSE, Verdict.REVIEW):
            told = [one for each, reasons in self._found if each is verdict for one in reasons]
            if told:
                unique = {each.code: each for each in told}
                return LoanDecision(
                    verdict=verdict, reasons=tuple(unique.values()), records=self.records, **terms
                )
        return LoanDecision(verdict=Verdict.OFFER, records=self.records, **terms)


class LoanRisk:
    """Decides about applications for loans; a `lending.applications.LoanDecider`."""

    def __init__(self, decider: risk.Decider | None, vault: Vault, rulebook: Rulebook) -> None:
        """Ask a decider whose purpose is loans; without one, people decide about everything."""
        self._decider = decider
        self._vault = vault
        self._rulebook = rulebook

    async def decide(
        self, uow: UnitOfWork, subject: LoanSubject, /, *, now: datetime
    ) -> LoanDecision:
        """Return what becomes of an application, and write down why."""
        course = _Course()
        if self._decider is None:
            course.note(Verdict.REVIEW, _BY_PEOPLE)
            return course.conclude()
        facts = await gather_loan_facts(uow, self._vault, subject, rulebook=self._rulebook, now=now)
        decision_id = await self._ask_rules(uow, course, subject, facts, now=now)
        await self._ask_eligibility(uow, course, subject, facts, now=now)
        if facts.has_public_record:
            course.note(Verdict.REVIEW, _PUBLIC_RECORD)
        _look_at_parties(course, subject, now=now)
        terms: Mapping[str, Any] = {}
        if not course.is_refused():
            terms = await self._price(uow, course, subject, facts, now=now)
        return course.conclude(decision_id=decision_id, **terms)

    async def _ask_rules(
        self,
        uow: UnitOfWork,
        course: _Course,
        subject: LoanSubject,
        facts: LoanFacts,
        *,
        now: datetime,
    ) -> uuid.UUID:
        assert self._decider is not None, "it was looked at before"
        application = subject.application
        entities = [
            risk.Entity.of_id(risk.EntityKind.CUSTOMER, application.customer_id),
            risk.Entity.of_account(application.borrower_account_id),
        ]
        if application.device_id is not None:
            entities.append(risk.Entity.of_id(risk.EntityKind.DEVICE, application.device_id))
        asked = _Subject(application.id, tuple(entities))
        (made,) = await self._decider.decide(uow, [asked], [facts.values], at=now)
        await risk.record_decisions(uow, [made])
        course.records["decision"] = risk.show_decision(made.id)
        reasons = await tell_reasons(uow, made)
        course.note(
            _ACTIONS[made.action],
            *(Reason(code=each.code, zh=each.zh, en=each.en) for each in reasons),
        )
        return made.id

    async def _ask_eligibility(
        self,
        uow: UnitOfWork,
        course: _Course,
        subject: LoanSubject,
        facts: LoanFacts,
        *,
        now: datetime,
    ) -> None:
        wish = subject.application.wish
        assert wish is not None, "it was asked for before"
        if facts.age is None:
            course.note(Verdict.REVIEW, _NOT_IDENTIFIED)
            return
        purpose = subject.application.product.terms.purpose
        is_consumer = purpose is lending.Purpose.CONSUMER
        burden = facts.debt_to_income
        inputs = {
            "age": facts.age,
            "amount": wish.principal,
            "term_months": facts.term_months,
            "use": wish.use,
            "exposure": facts.exposure + (wish.principal if is_consumer else 0),
            "debt_to_income": None if burden is None else str(burden),
            "overdue_days": facts.values["overdue_days"],
            "overdue_days_24m": facts.values["overdue_days_24m"],
        }
        answer = await _ask_table(uow, course, _ELIGIBILITY, inputs, subject, now=now)
        if answer is None:
            course.note(Verdict.REVIEW, _BY_PEOPLE)
            return
        reason = Reason(
            code=answer.rows[0],
            zh=str(answer.outputs[0]["reason_zh"]),
            en=str(answer.outputs[0]["reason_en"]),
        )
        course.note(_OUTCOMES[str(answer.outputs[0]["outcome"])], reason)

    async def _price(
        self,
        uow: UnitOfWork,
        course: _Course,
        subject: LoanSubject,
        facts: LoanFacts,
        *,
        now: datetime,
    ) -> Mapping[str, Any]:
        """Return grade, limit and rate as far as they are known."""
        today = business_day(now)
        card = await _find_scorecard(uow)
        score = risk.score_application(
            facts.score, rulebook=self._rulebook, on=today, scorecard=card
        )
        course.records["score"] = {
            "points": score.points,
            "grade": score.grade.value,
            "scorecard": "champion" if card is not None else "start",
            "features": {name: _show(value) for name, value in facts.score.items()},
        }
        if await risk.is_scorecard_out(uow):
            course.note(Verdict.REVIEW, _SCORECARD_OUT)
            return {"grade": score.grade.value}
        if not score.grade.is_offered_terms:
            reasons = [Reason(code=each.code, zh=each.zh, en=each.en) for each in score.reasons]
            # Nobody is refused for what is not known.
            is_known = subject.report is not None and facts.income is not None
            course.note(Verdict.REFUSE if is_known else Verdict.REVIEW, *reasons)
            return {"grade": score.grade.value}
        found = await self._propose(uow, course, score.grade, subject, facts, now=now)
        return {"grade": score.grade.value, **found}

    async def _propose(
        self,
        uow: UnitOfWork,
        course: _Course,
        grade: risk.Grade,
        subject: LoanSubject,
        facts: LoanFacts,
        *,
        now: datetime,
    ) -> Mapping[str, Any]:
        application, today = subject.application, business_day(now)
        currency = application.product.currency
        prices = await _find_prices(uow, now=now)
        if facts.income is None or prices is None or application.wish is None:
            course.note(Verdict.REVIEW, _NOT_PRICED)
            return {}
        ability = risk.Ability(
            monthly_income=Money(facts.income, currency),
            monthly_repayments=Money(facts.repayments, currency),
            exposure=Money(facts.exposure, currency),
            has_borrowed=facts.has_borrowed,
        )
        try:
            terms = risk.propose_terms(
                grade=grade,
                ability=ability,
                term_months=facts.term_months,
                prices=prices,
                rulebook=self._rulebook,
                on=today,
            )
        except (InvalidField, risk.PriceAboveCeiling) as refused:
            _log.warning("loan_not_priced", reason=refused.code)
            course.note(Verdict.REVIEW, _NOT_PRICED)
            return {}
        if terms.annual_rate is None or not terms.limit.is_positive:
            course.note(Verdict.REFUSE, _NOTHING_LEFT)
            return {"limit": 0}
        amount = min(terms.limit.minor, application.wish.principal)
        inputs = {"grade": grade.value, "term_months": facts.term_months, "amount": amount}
        answer = await _ask_table(uow, course, _PRICE, inputs, subject, now=now)
        rate = None if answer is None else Decimal(str(answer.outputs[0]["rate"]))
        # The limit was reckoned with the other price: at a higher one it would be too much.
        if rate is None or rate > terms.annual_rate:
            course.note(Verdict.REVIEW, _NOT_PRICED)
            return {"limit": terms.limit.minor}
        return {"limit": terms.limit.minor, "rate": int(rate * _RATE_SCALE)}


def _look_at_parties(course: _Course, subject: LoanSubject, *, now: datetime) -> None:
    """Leave it to people unless everybody who stands for the loan is known to pay."""
    found = [_find_trouble(each, now=now) for each in subject.party_reports]
    if any(found):
        course.records["parties"] = found
        course.note(Verdict.REVIEW, _PARTY_BY_PEOPLE)


def _find_trouble(report: lending.bureau.Report | None, *, now: datetime) -> str | None:
    if report is None:
        return "no_report"
    measured = lending.bureau.measure_report(report, on=business_day(now))
    if measured.overdue_days:
        return "overdue"
    return "public_record" if measured.has_public_record else None


async def _ask_table(
    uow: UnitOfWork,
    course: _Course,
    name: str,
    inputs: Mapping[str, Any],
    subject: LoanSubject,
    *,
    now: datetime,
) -> risk.TableAnswer | None:
    """Return what a table answers, or None where it cannot: then people decide."""
    try:
        answer = await risk.ask_table(
            uow,
            name,
            inputs,
            answer_id=uuid7(),
            subject_id=subject.application.id,
            now=now,
        )
    except (InvalidField, risk.NoRowHit, risk.TableNotLive, risk.TableTooSlow) as problem:
        _log.warning("table_without_answer", table=name, reason=problem.code)
        return None
    course.records[name] = show_id(TABLE_ANSWER, answer.id)
    return answer


async def _find_scorecard(uow: UnitOfWork) -> risk.Scorecard | None:
    """Return the champion, or None where the shipped scorecard is to be used."""
    try:
        return await risk.load_scorecard(uow)
    except risk.ScorecardNotLive:
        return None


async def _find_prices(uow: UnitOfWork, *, now: datetime) -> risk.DecisionTable | None:
    versions: Sequence[risk.TableVersion] = await risk.list_table_versions(uow, _PRICE)
    today = business_day(now)
    live = next((each for each in versions if each.decides_on(today)), None)
    return None if live is None else risk.reload_table(live.content)


def _show(value: risk.Feature) -> str | None:
    return None if value is None else str(value)
