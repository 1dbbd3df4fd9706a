"""Commands: an application is begun and filled in, every step kept."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import LOAN_APPLICATION, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.applications import store
from huitong.lending.applications.errors import (
    LoanApplicationIdReused,
    LoanApplicationNotFound,
    WrongStage,
)
from huitong.lending.applications.types import (
    Application,
    Collateral,
    Party,
    Stage,
    Step,
)
from huitong.lending.loans import check_loan_terms
from huitong.lending.loans.types import LoanTerms
from huitong.lending.products import Product, RateKind, base_rate, get_product, to_millionths
from huitong.privacy import Vault

FACTS_FIELD: Final = "lending.applications.facts"


async def start_application(
    uow: UnitOfWork,
    *,
    application_id: uuid.UUID,
    customer_id: uuid.UUID,
    product: str,
    borrower_account_id: int,
    payout_account_id: int,
    now: datetime,
) -> Application:
    """Begin an application for a product as it is today; the same id again returns what stands.

    Raises ProductNotFound, LoanApplicationIdReused, and LimitExceeded for too many open ones.
    """
    known = await store.find_application(uow, application_id, for_update=True)
    if known is None:
        found = await get_product(uow, product, on=business_day(now))
        await _check_open(uow, customer_id)
        begun = Application(
            id=application_id,
            customer_id=customer_id,
            product=found,
            stage=Stage.DRAFT,
            borrower_account_id=borrower_account_id,
            payout_account_id=payout_account_id,
            started_at=now,
            changed_at=now,
        )
        await store.insert_application(uow, begun)
        known = await lock_application(uow, application_id)
        await store.add_step(
            uow, application_id, Step.STARTED, uow.caller.actor, now=now, details={}
        )
    if (known.customer_id, known.product.code) != (customer_id, product):
        shown = show_id(LOAN_APPLICATION, application_id)
        raise LoanApplicationIdReused(f"{shown} is another application", field="application")
    return known


async def fill_application(
    uow: UnitOfWork,
    vault: Vault,
    application_id: uuid.UUID,
    *,
    wish: LoanTerms | None = None,
    facts: Mapping[str, str] | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    """Keep what is asked for and facts about the applicant; facts add to those kept before.

    A wish is checked against the product at its highest price (`price_wish`). Raises
    LoanTermsRefused or InvalidField with the field, and WrongStage after the draft.
    """
    application = await lock_application(uow, application_id, Stage.DRAFT)
    if wish is not None:
        wish = price_wish(wish, application.product, rulebook=rulebook, now=now)
        supplied = await open_facts(uow, vault, application) | dict(facts or {})
        stated = dict.fromkeys(application.product.terms.mandatory, "stated")
        check_loan_terms(
            replace(wish, facts=stated | supplied), application.product, rulebook=rulebook, now=now
        )
        application = replace(application, wish=wish)
    names = await _keep_facts(uow, vault, application, facts or {})
    details = {"wish": wish is not None, "facts": names}
    return await move(uow, application, application.stage, Step.FILLED, now=now, details=details)


async def add_party(
    uow: UnitOfWork, application_id: uuid.UUID, party: Party, *, now: datetime
) -> Application:
    """Name a co-borrower or guarantor, once each; raises InvalidField, WrongStage, LimitExceeded.

    They agree by their own consent to a credit report, which submitting asks for.
    """
    application = await lock_application(uow, application_id, Stage.DRAFT)
    if party.customer_id == application.customer_id:
        raise InvalidField("must be somebody else than the applicant", field="customer")
    others = [each for each in application.parties if each.customer_id != party.customer_id]
    if len(others) >= limits.PARTIES_MAX:
        raise LimitExceeded(f"an application names at most {limits.PARTIES_MAX} others")
    changed = replace(application, parties=(*others, party))
    details = {"role": party.role.value, "customer_id": str(party.customer_id)}
    return await move(uow, changed, changed.stage, Step.PARTY_ADDED, now=now, details=details)


async def add_collateral(
    uow: UnitOfWork, application_id: uuid.UUID, collateral: Collateral, *, now: datetime
) -> Application:
    """Record what secures the loan; raises InvalidField, WrongStage, LimitExceeded."""
    application = await lock_application(uow, application_id, Stage.DRAFT)
    words = collateral.description
    if not words.strip() or len(words) > limits.DESCRIPTION_LENGTH_MAX or not words.isprintable():
        most = limits.DESCRIPTION_LENGTH_MAX
        raise InvalidField(f"has 1 to {most} printable characters", field="description")
    if not 0 < collateral.value <= limits.PRINCIPAL_MAX:
        raise InvalidField(f"must be from 1 to {limits.PRINCIPAL_MAX}", field="value")
    if len(application.collateral) >= limits.COLLATERAL_MAX:
        raise LimitExceeded(f"an application has at most {limits.COLLATERAL_MAX} of them")
    changed = replace(application, collateral=(*application.collateral, collateral))
    details = {"kind": collateral.kind.value, "value": collateral.value}
    return await move(uow, changed, changed.stage, Step.COLLATERAL_ADDED, now=now, details=details)


def price_wish(
    wish: LoanTerms, product: Product, *, rulebook: Rulebook, now: datetime
) -> LoanTerms:
    """Return a wish at the product's highest price, so that what it would cost is never too low."""
    offered, today = product.terms, business_day(now)
    ceiling = to_millionths(rulebook.decimal("loan.cost.max", today))
    base = base_rate(RateKind(offered.rate_kind), rulebook=rulebook, on=today)
    dearest = max(offered.grades, key=lambda each: each.rate_max, default=None)
    highest = base + (dearest.rate_max if dearest else offered.rate_max)
    grade = dearest.grade if dearest else None
    return replace(wish, rate=min(highest, ceiling), grade=grade, facts={}, application=None)


async def lock_application(
    uow: UnitOfWork, application_id: uuid.UUID, *stages: Stage
) -> Application:
    """Return an application, locked; raises LoanApplicationNotFound, WrongStage unless in one."""
    found = await store.find_application(uow, application_id, for_update=True)
    if found is None:
        shown = show_id(LOAN_APPLICATION, application_id)
        raise LoanApplicationNotFound(f"there is no application {shown}")
    if stages and found.stage not in stages:
        raise WrongStage(
            f"the application is {found.stage.value}, not {' or '.join(stages)}",
            context={"stage": found.stage.value},
        )
    return found


async def move(
    uow: UnitOfWork,
    application: Application,
    stage: Stage,
    step: Step,
    *,
    now: datetime,
    details: Mapping[str, Any] | None = None,
) -> Application:
    """Write down that a step was taken, and how the application stands after it."""
    moved = replace(application, stage=stage, changed_at=now)
    await store.save_application(uow, moved)
    await store.add_step(uow, moved.id, step, uow.caller.actor, now=now, details=details or {})
    return moved


async def open_facts(uow: UnitOfWork, vault: Vault, application: Application) -> dict[str, str]:
    """Return the facts of an application, opened."""
    sealed = await store.find_facts(uow, application.id)
    if sealed is None:
        return {}
    opened = await vault.open(uow, application.customer_id, {FACTS_FIELD: sealed})
    facts: dict[str, str] = json.loads(opened[FACTS_FIELD])
    return facts


async def _keep_facts(
    uow: UnitOfWork, vault: Vault, application: Application, facts: Mapping[str, str]
) -> list[str]:
    if not facts:
        return []
    kept = await open_facts(uow, vault, application) | dict(facts)
    if len(kept) > limits.FACTS_MAX:
        raise InvalidField(f"has at most {limits.FACTS_MAX}", field="facts")
    for name, value in facts.items():
        if not value.strip() or len(value) > limits.FACT_LENGTH_MAX:
            most = limits.FACT_LENGTH_MAX
            raise InvalidField(f"has 1 to {most} characters", field=f"facts.{name}")
    fields = {FACTS_FIELD: json.dumps(kept, sort_keys=True, ensure_ascii=False)}
    sealed = await vault.seal(uow, application.customer_id, fields)
    await store.save_facts(uow, application.id, sealed[FACTS_FIELD])
    return sorted(facts)


async def _check_open(uow: UnitOfWork, customer_id: uuid.UUID) -> None:
    known = await store.list_of_customer(uow, customer_id, limits.APPLICATIONS_PAGE_MAX)
    waiting = [each for each in known if each.stage in {Stage.DRAFT, Stage.REVIEW, Stage.OFFERED}]
    if len(waiting) >= limits.OPEN_APPLICATIONS_MAX:
        most = limits.OPEN_APPLICATIONS_MAX
        raise LimitExceeded(f"a customer has at most {most} open applications")
