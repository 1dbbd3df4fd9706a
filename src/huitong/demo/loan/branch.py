"""What every scene is given: the day, staff, the clock, the credit bureau, and who borrows."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

import httpx

from huitong.demo.day import Day, Person, StoryBroken, minor
from huitong.demo.loan.borrower import Borrower
from huitong.demo.onboarding.operator import Operator
from huitong.demo.pace import Pace
from huitong.demo.staff import Member
from huitong.kernel.clock import ShiftedClock
from huitong.kernel.trust import load_trust
from huitong.wiring.simulators import find_simulator

_BUREAU: Final = "bureau"


@dataclass(slots=True, kw_only=True)
class Branch(Pace):
    """Everybody and everything that a scene may use; later scenes find what earlier ones left.

    `risk` and `checker` set rules and tables live, `credit` makes the product and decides.
    """

    day: Day
    operator: Operator
    clock: ShiftedClock
    risk: Member
    checker: Member
    credit: Member
    owner: Borrower
    second: Borrower
    regulars: list[Person] = field(default_factory=list)
    supplier: Person = field(default_factory=lambda: Person("", "", ""))
    #: The owner's application and loan, as they are shown.
    application: str = ""
    loan: str = ""

    def close_days(self) -> None:
        """Close the business days that are over, as the worker would by itself; StoryBroken."""
        closed = self.operator.run("lending", "close-day")
        if closed.returncode:
            raise StoryBroken(f"huitong lending close-day: {closed.stderr}", retryable=False)
        lines = closed.stdout.splitlines()
        self.day.stage.aside(f"$ huitong lending close-day  …  {lines[-1]}  ({len(lines)})")

    def tell_bureau(self, number: str, report: dict[str, Any]) -> None:
        """Tell the simulated bureau somebody's report; raises StoryBroken."""
        url = find_simulator(self.operator.trial.home, _BUREAU)
        if url is None:
            raise StoryBroken("No simulated credit bureau runs on this platform", retryable=False)
        with httpx.Client(base_url=url, trust_env=False, verify=load_trust()) as bureau:
            told = bureau.put(f"/people/{number}", json=report)
        if told.is_error:
            raise StoryBroken(f"The credit bureau: {told.text}", retryable=False)

    def read_loan(self) -> dict[str, Any]:
        """Return the owner's loan as the owner sees it today."""
        return self.owner.read(f"/v1/loans/{self.loan}")

    def find_repaid(self, on: date) -> list[int]:
        """Return what the loan's statement says was repaid on a day, in minor units."""
        events = self.owner.read(f"/v1/loans/{self.loan}/statement")["data"]
        return [
            minor(each["amount"])
            for each in events
            if each["kind"] == "repayment" and each["on"] == on.isoformat()
        ]

    def due_on(self, number: int) -> date:
        """Return the day on which a payment of the owner's loan is due."""
        rows = self.owner.read(f"/v1/loans/{self.loan}/schedule")["data"]
        return next(date.fromisoformat(row["due_on"]) for row in rows if row["number"] == number)

    def morning_of(self, day: date) -> datetime:
        """Return nine o'clock in Shanghai of a day that is to come."""
        return self.at((day - self.now().date()) // timedelta(days=1), 9)
