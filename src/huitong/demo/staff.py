"""The bank's own people: administrators and other staff, each with two factors."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pyotp

from huitong.demo.client import Answer, Client
from huitong.demo.day import StoryBroken
from huitong.demo.onboarding.operator import Operator
from huitong.kernel.clock import ShiftedClock

_PASSWORD: Final = "平遥 chestnut river 1823"  # noqa: S105 - of people who exist for a demonstration
_STEP: Final = timedelta(seconds=30)
_WHY: Final = "for the demonstration"


@dataclass(slots=True, kw_only=True)
class Member:
    """One member of staff with a telephone that makes codes."""

    operator: Operator
    clock: ShiftedClock
    email: str
    secret: str
    _client: Client | None = field(default=None, init=False)
    _code_used: str = field(default="", init=False)
    calls: int = field(default=0, init=False)

    def do(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have something done and return the answer; raises StoryBroken if it was not done."""
        return _expect(f"POST {path}", self.try_to_do(path, body))

    def try_to_do(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Ask for something to be done, whatever comes back."""
        return self._ask(lambda client: client.post(path, body))

    def read(self, path: str, **query: str | int) -> dict[str, Any]:
        """Read something and return it; raises StoryBroken."""
        return _expect(f"GET {path}", self._ask(lambda client: client.get(path, **query)))

    def approve(self, approval: dict[str, Any]) -> dict[str, Any]:
        """Agree to what another member asked for, which does it; raises StoryBroken."""
        path = f"/v1/staff/approvals/{approval['id']}"
        seen = self.read(path)
        return self.do(f"{path}/approve", {"digest": seen["digest"], "reason": _WHY})

    def sign_in(self) -> None:
        """Open a session with both factors; raises StoryBroken."""
        self._leave()
        stranger = Client(self.operator.trial.url, None)
        body = {"email": self.email, "password": _PASSWORD, "code": self.next_code()}
        opened = _expect("POST /v1/staff/sessions", stranger.post("/v1/staff/sessions", body))
        stranger.close()
        self._client = Client(self.operator.trial.url, opened["token"])

    def close(self) -> None:
        """Close the connection."""
        self._leave()

    def _ask(self, ask: Any) -> Answer:
        # A session that nobody used for a quarter of an hour of the story's time has ended.
        if self._client is None:
            self.sign_in()
        self.calls += 1
        answer: Answer = ask(self._client)
        if answer.status == _NOT_AUTHENTICATED:
            self.sign_in()
            answer = ask(self._client)
        return answer

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def next_code(self) -> str:
        """Return the code of this half minute, never the same one twice."""
        totp = pyotp.TOTP(self.secret)
        code = totp.at(self.clock.now())
        if code == self._code_used:
            # A code is good once: whoever signs in twice within half a minute waits for the next.
            self.clock.put_forward(_STEP)
            code = totp.at(self.clock.now())
        self._code_used = code
        return code


_NOT_AUTHENTICATED: Final = 401


def open_office(
    operator: Operator, clock: ShiftedClock, *, names: list[str], roles: list[str]
) -> list[Member]:
    """Appoint two administrators, who admit these people, each in a role; return those staff."""
    first, second = (
        _add_administrator(operator, clock, name=name, email=f"admin{place}@bank.example")
        for place, name in enumerate(("王芳", "赵强"))
    )
    members = [
        _admit(first, second, name=name, email=f"{role}{place}@bank.example", role=role)
        for place, (name, role) in enumerate(zip(names, roles, strict=True))
    ]
    first.close()
    second.close()
    return members


def _add_administrator(operator: Operator, clock: ShiftedClock, *, name: str, email: str) -> Member:
    added = operator.run("staff", "add", "--name", name, "--email", email, "--quiet")
    if added.returncode:
        raise StoryBroken(f"huitong staff add: {added.stderr}", retryable=False)
    return _enrol(operator, clock, email, {"token": added.stdout.strip()})


def _admit(maker: Member, checker: Member, *, name: str, email: str, role: str) -> Member:
    body = {"name": name, "email": email, "roles": [role], "reason": _WHY}
    asked = maker.do("/v1/staff/members", body)
    token = checker.approve(asked)["secret"]
    invitation = maker.read(f"/v1/staff/approvals/{asked['id']}/invitation")["invitation"]
    return _enrol(maker.operator, maker.clock, email, {"token": token, "invitation": invitation})


def _enrol(operator: Operator, clock: ShiftedClock, email: str, proof: dict[str, str]) -> Member:
    with Client(operator.trial.url, None) as stranger:
        path = "/v1/staff/enrolments"
        started = _expect(path, stranger.post(path, {**proof, "password": _PASSWORD}))
        member = Member(operator=operator, clock=clock, email=email, secret=started["secret"])
        body = {"token": proof["token"], "code": member.next_code()}
        _expect(path, stranger.post(f"{path}/finish", body))
    return member


def _expect(what: str, answer: Answer) -> dict[str, Any]:
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"{what} was answered with {answer.status}: {said}", retryable=False)
    found: dict[str, Any] = answer.body
    return found
