"""Rules that are live, and a house whose log-ins they decide about."""

import uuid
from dataclasses import replace
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from tests.identity.conftest import CALLER, START, House
from tests.risk.decisioning.rules.conftest import Desk

from huitong import identity, risk
from huitong.identity.places import Place
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.log_in_risk import LogInRisk

BEIJING = Place(country="CN", region="Beijing", city="Beijing", latitude=39.90, longitude=116.41)
SHANGHAI = Place(country="CN", region="Shanghai", city="Shanghai", latitude=31.23, longitude=121.47)
CATALOGUE = risk.default_catalogue(risk.Purpose.LOG_IN)


def at(place: Place | None, address: str = "203.0.113.7", **more: Any) -> identity.Client:
    return identity.Client(address=ip_address(address), place=place, **more)


async def make_live(
    database: Database,
    purpose: risk.Purpose,
    document: list[dict[str, Any]] | None = None,
    *,
    now: datetime = START,
) -> None:
    """Make the default rules of a purpose, or those of a document, live from today on."""
    catalogue = risk.default_catalogue(purpose)
    desk = Desk(database, now=now, catalogue=catalogue, purpose=purpose)
    rules = document or risk.default_rules(purpose, Rulebook.load(), business_day(now))
    version = await desk.run(
        lambda uow: risk.save_rules(
            uow,
            version_id=uuid7(),
            purpose=purpose,
            rules=risk.read_rules(rules, catalogue),
            now=now,
        )
    )
    await desk.shadow(version)
    await desk.test_over_history(version)
    await desk.set_live(version, days=(business_day(now) - now.date()).days)


def rule(predicate: str, action: str) -> list[dict[str, Any]]:
    return [
        {
            "key": "rule",
            "predicate": predicate,
            "action": action,
            "weight": 10,
            "reason_zh": "登录异常",
            "reason_en": "This log-in is out of the ordinary.",
            "source": "test",
        }
    ]


async def decided_by(house: House, document: list[dict[str, Any]] | None = None) -> House:
    """Return the house with log-ins that are decided about by live rules, the default ones."""
    await make_live(house.desk.database, risk.Purpose.LOG_IN, document)
    rules = risk.RuleCache(
        house.desk.database, {risk.Purpose.LOG_IN: CATALOGUE}, now=house.clock.now
    )
    await rules.learn_news()
    return with_rules(house, rules)


def with_rules(house: House, rules: risk.RuleCache) -> House:
    decider = risk.Decider(risk.Purpose.LOG_IN, house.desk.database, rules, Rulebook.load())
    return replace(house, desk=replace(house.desk, decider=LogInRisk(decider)))


async def decision_of(house: House, decision_id: uuid.UUID) -> risk.Decision:
    found: risk.Decision = await house.run(lambda uow: risk.get_decision(uow, decision_id))
    return found


async def session_of(house: House, issued: identity.IssuedSession) -> identity.Session:
    found = await house.run(lambda uow: identity.find_session(uow, issued.token, now=house.now))
    assert found is not None
    session: identity.Session = found
    return session


async def prove(
    house: House, session: identity.Session, factor: identity.Factor, secret: str = ""
) -> None:
    """Give the second factor of a log-in: the PIN, or the code that was sent."""
    opened = await identity.start_step_up(
        house.desk,
        session=session,
        act=identity.LOG_IN_ACT,
        factor=factor,
        client=house.client,
        caller=CALLER,
        now=house.now,
    )
    step_up_id = opened.step_up.id
    if factor is identity.Factor.PIN:
        await identity.prove_step_up_by_pin(
            house.desk,
            session=session,
            step_up_id=step_up_id,
            pin=secret,
            caller=CALLER,
            now=house.now,
        )
        return
    await identity.prove_step_up_by_code(
        house.desk,
        session=session,
        step_up_id=step_up_id,
        code=house.read_code(),
        client=house.client,
        caller=CALLER,
        now=house.now,
    )


async def settle(house: House, place: Place = BEIJING) -> identity.IssuedSession:
    """Open a login with password and PIN, whose owner logged in three times from a place."""
    await house.open_login()
    client = at(place)
    first = await house.log_in(client=client)
    await house.change_password(first.session)
    token = first.device_token
    for _ in range(3):
        house.advance(hours=2)
        issued = await house.log_in(client=at(place, device_token=token))
    await house.set_pin(issued.session)
    house.advance(minutes=10)
    return replace(issued, device_token=token)
