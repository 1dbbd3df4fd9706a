"""What every scene uses: the platform from outside, its operator, and whom it is about."""

import time
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from huitong.demo.day import Day, Person, StoryBroken
from huitong.demo.onboarding.applicants import Applicant
from huitong.demo.onboarding.operator import Operator
from huitong.demo.onboarding.telephone import Telephone

APPLICATIONS: Final = "/v1/onboarding/applications"
_WAIT_SECONDS_MAX: Final = 90.0
_POLL_SECONDS: Final = 0.1
#: In these an application waits for nobody but the worker.
_CHECKED_STATES: Final = frozenset({"approved", "refused", "pending_review"})
_OPEN_STATES: Final = frozenset({"received", "approved"})


class Asker(Protocol):
    """Whoever calls the platform: a partner's program, or somebody's telephone."""

    def do(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have something done and return the answer."""
        ...

    def read(self, path: str) -> Any:
        """Read something and return it."""
        ...


@dataclass(slots=True)
class Journey:
    """One run of the story: whom it is about and what is known by now."""

    day: Day
    operator: Operator
    #: Who becomes a customer, and who mistypes a name.
    applicant: Applicant
    other: Applicant
    #: The applicant's own telephone.
    phone: Telephone
    #: The applicant's account, once it is opened.
    customer: Person = field(default_factory=lambda: Person("", "", ""))
    #: What proving the number gave, to be exchanged for a session when the account is open.
    sign_up_token: str = ""

    @property
    def privacy_path(self) -> str:
        """The customer's privacy centre."""
        return f"/v1/privacy/customers/{self.customer.id}"

    def wait_for_decision(self, path: str, by: Asker) -> tuple[dict[str, Any], float]:
        """Wait until an application is decided or waits for staff; return it and the seconds."""
        started = time.monotonic()
        while True:
            found = by.read(path)
            seconds = time.monotonic() - started
            if found["state"] in _CHECKED_STATES:
                return found, seconds
            _give_up_after(seconds, f"{path} is still {found['state']}")
            time.sleep(_POLL_SECONDS)

    def wait_for_request(self, request_id: str) -> str:
        """Wait until a request about the customer's data is closed; return its state."""
        started = time.monotonic()
        while True:
            requests = self.day.read(f"{self.privacy_path}/requests")["data"]
            (state,) = (str(each["state"]) for each in requests if each["id"] == request_id)
            if state not in _OPEN_STATES:
                return state
            _give_up_after(time.monotonic() - started, f"{request_id} is still {state}")
            time.sleep(_POLL_SECONDS)


def _give_up_after(seconds: float, what: str) -> None:
    if seconds > _WAIT_SECONDS_MAX:
        raise StoryBroken(f"{what} after {_WAIT_SECONDS_MAX:.0f} s. Does a worker run?")
