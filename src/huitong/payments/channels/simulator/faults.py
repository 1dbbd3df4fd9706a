"""The ways in which a simulated channel can be trouble, arranged one by one or by rates."""

import random
from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal

import msgspec

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.payments.channels.limits import (
    SIMULATED_DELAY_SECONDS_MAX,
    SIMULATED_RATES_SEED,
)

On = Literal["submit", "query", "callback"]
_STEPS: Final = ("submit", "query", "callback")


class FaultKind(StrEnum):
    """The ways in which a channel can be trouble."""

    #: It answers late: `seconds` from now, after it has done its work.
    DELAY = "delay"
    #: It does its work, and the answer is lost on the way; a callback never comes.
    LOST_ANSWER = "lost_answer"
    #: The request is lost on the way, and nothing was done.
    LOST_REQUEST = "lost_request"
    #: The network hands the request, or the callback, over twice.
    DUPLICATE = "duplicate"
    #: It answers 500 and does nothing; a callback has a signature of somebody else.
    ERROR = "error"
    #: It takes the order and later says no.
    REFUSE = "refuse"
    #: It says no at once.
    REJECT = "reject"
    #: It takes another amount into its books, or states one in an answer or callback.
    WRONG_AMOUNT = "wrong_amount"
    #: What it says cannot be read.
    NONSENSE = "nonsense"
    #: It says no, and `seconds` later it has done it all the same.
    LATE_SUCCESS = "late_success"


#: What makes sense at which step; the rest concerns what becomes of an order.
_FITS: Final[Mapping[str, frozenset[FaultKind]]] = {
    "submit": frozenset(FaultKind),
    "query": frozenset(FaultKind)
    - {FaultKind.REFUSE, FaultKind.REJECT, FaultKind.LATE_SUCCESS, FaultKind.DUPLICATE},
    "callback": frozenset(FaultKind) - {FaultKind.REFUSE, FaultKind.REJECT, FaultKind.LATE_SUCCESS},
}


class FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /faults`: the next `times` calls of a kind have this trouble."""

    kind: FaultKind
    on: On = "submit"
    times: int = 1
    seconds: float = 1.0


class RatesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PUT /faults/rates`: shares of calls by `step:kind`, such as `query:delay`."""

    rates: dict[str, float]
    seconds: float = 1.0


class Faults:
    """What goes wrong at one channel: arranged trouble first, then trouble by chance."""

    def __init__(self) -> None:
        """Start without trouble; chance is the same in every run."""
        self._arranged: deque[FaultRequest] = deque()
        self._rates: dict[tuple[str, FaultKind], float] = {}
        self._seconds = 1.0
        self._chance = random.Random(SIMULATED_RATES_SEED)  # noqa: S311 - no secret hangs on it

    def arrange(self, fault: FaultRequest) -> int:
        """Let the next calls have trouble; return how much is arranged. Raises InvalidField."""
        if not 1 <= fault.times <= limits.SIMULATED_FAULTS_MAX - len(self._arranged):
            raise InvalidField("too many faults, or none", field="times")
        _check(fault.on, fault.kind, fault.seconds)
        self._arranged.extend([fault] * fault.times)
        return len(self._arranged)

    def set_rates(self, rates: Mapping[str, float], *, seconds: float) -> None:
        """Let shares of calls have trouble from now on; raises InvalidField."""
        found = {}
        for name, rate in rates.items():
            step, _, kind = name.partition(":")
            if kind not in {each.value for each in FaultKind} or step not in _STEPS:
                raise InvalidField(f"{name} is no step:kind such as query:delay", field="rates")
            if not 0 <= rate <= 1:
                raise InvalidField("a rate is from 0 to 1", field="rates")
            _check(step, FaultKind(kind), seconds)
            found[step, FaultKind(kind)] = rate
        self._rates, self._seconds = found, seconds

    def relent(self) -> None:
        """End all trouble."""
        self._arranged.clear()
        self._rates.clear()

    def show(self) -> dict[str, object]:
        """Return what is arranged and the rates."""
        rates = {f"{step}:{kind}": rate for (step, kind), rate in self._rates.items()}
        return {"faults": len(self._arranged), "rates": rates, "seconds": self._seconds}

    def take(self, on: On) -> FaultRequest | None:
        """Return what goes wrong with this call, or None."""
        for fault in self._arranged:
            if fault.on == on:
                self._arranged.remove(fault)
                return fault
        for (step, kind), rate in self._rates.items():
            if step == on and self._chance.random() < rate:
                return FaultRequest(kind=kind, on=on, seconds=self._seconds)
        return None


def read_rates(texts: Iterable[str]) -> dict[str, float]:
    """Return rates by `step:kind` from texts such as `query:delay=0.1`; raises InvalidField."""
    rates = {}
    for text in texts:
        name, _, rate = text.partition("=")
        try:
            rates[name] = float(rate)
        except ValueError as error:
            raise InvalidField(f"{text} is not like query:delay=0.1", field="fault") from error
    return rates


def _check(step: str, kind: FaultKind, seconds: float) -> None:
    if kind not in _FITS[step]:
        raise InvalidField(f"{kind.value} does not fit {step}", field="kind")
    if not 0 <= seconds <= SIMULATED_DELAY_SECONDS_MAX:
        wanted = f"from 0 to {SIMULATED_DELAY_SECONDS_MAX:g} seconds"
        raise InvalidField(wanted, field="seconds")
