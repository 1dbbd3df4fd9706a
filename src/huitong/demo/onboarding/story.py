"""The whole story, scene after scene."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from huitong.demo.day import Day
from huitong.demo.onboarding import leaving, logging_in, opening, paying
from huitong.demo.onboarding.applicants import draw_applicants
from huitong.demo.onboarding.journey import Journey
from huitong.demo.onboarding.operator import Operator
from huitong.demo.onboarding.telephone import Telephone
from huitong.kernel.clock import business_day

#: What the story's key may do: as much as a partner and the counter together.
SCOPES: Final = (
    "accounts:read",
    "channels:simulate",
    "customers:manage",
    "customers:read",
    "merchants:read",
    "merchants:write",
    "onboarding:decide",
    "onboarding:read",
    "onboarding:write",
    "payments:read",
    "payments:write",
    "privacy:read",
    "privacy:write",
)


def play_onboarding(day: Day, operator: Operator, *, pictures: Path) -> Journey:
    """Play the story and return it; what is not as it must be is in `day.differences`.

    The pictures of the card are left in `pictures`. Raises StoryBroken or PlatformAway if it cannot
    go on.
    """
    started = time.monotonic()
    day.stage.open(
        operator.trial.url,
        business_day(datetime.now(UTC)).isoformat(),
        zh="一位客户的资料：从递交证件，到销毁密钥",
        en="One customer's data, from the identity card to the key that is destroyed",
    )
    people = draw_applicants(day.seed)
    applicant, other = next(people), next(people)
    phone = Telephone(operator, applicant.mobile)
    journey = Journey(day, operator, applicant=applicant, other=other, phone=phone)
    opening.draw_card(journey, pictures)
    opening.read_card(journey)
    opening.apply(journey)
    opening.mistype_name(journey)
    refused = paying.meet_the_cap(journey)
    logging_in.log_in(journey)
    paying.raise_the_class(journey, refused)
    logging_in.pay_alone(journey)
    leaving.take_back_consent(journey)
    leaving.fetch_copy(journey)
    leaving.delete(journey)
    leaving.destroy(journey)
    day.tie()
    calls = day.client.calls + phone.calls
    phone.close()
    day.stage.close(day.checks, day.differences, calls, time.monotonic() - started)
    return journey
