"""Refusals that may be an attack, as log lines: who was not known, not allowed, or sent nonsense.

A refusal of business (no funds, a closed account) is none of these. Lines are bounded, because
whoever can make us write as much as they like can fill our disk: what is beyond is only counted,
and the metrics have every refusal anyway.
"""

import ipaddress
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from huitong import identity
from huitong.api.problems import STATUS_BY_CODE, status_of
from huitong.kernel import limits, logs
from huitong.kernel.errors import InvalidField, NotFound, Refusal

#: The key under which the caller's public id stands in the ASGI scope, once it is known.
ACTOR: Final = "huitong.actor"
#: The key under which the route's template stands where the framework knows no route.
ROUTE: Final = "huitong.route"
#: Asked for on the way of every honest caller.
_ORDINARY: Final = frozenset({"step_up_required"})
_STATUSES: Final = frozenset({400, 401, 403, 408, 413, 415, 429, 431})
_SECOND: Final = 1.0
_log = logs.get_logger(__name__)


class NotOwned(NotFound):
    """Somebody else's thing: the caller is told that there is none, and we note the try.

    As the cause of a room's own refusal it stays behind the words for what does not exist.
    """


@dataclass(slots=True)
class LineBudget:
    """How many lines may still be written in this second."""

    clock: Callable[[], float] = time.monotonic
    begun_at: float = field(default=float("-inf"))
    written: int = 0
    unwritten: int = 0

    def take(self) -> int | None:
        """Return how many lines were left out before this one, or None to leave it out, too."""
        now = self.clock()
        if now - self.begun_at >= _SECOND:
            self.begun_at = now
            self.written = 0
        if self.written >= limits.SECURITY_LINES_PER_SECOND_MAX:
            self.unwritten += 1
            return None
        self.written += 1
        left_out, self.unwritten = self.unwritten, 0
        return left_out


_budget: Final = LineBudget()


def _is_of_others(refusal: Refusal) -> bool:
    return isinstance(refusal, NotOwned) or isinstance(refusal.__cause__, NotOwned)


def is_suspicious(refusal: Refusal) -> bool:
    """Say whether a refusal is one of the door or of the form, and not one of business."""
    if refusal.code in _ORDINARY:
        return False
    if _is_of_others(refusal) or isinstance(refusal, InvalidField):
        return True
    return (STATUS_BY_CODE.get(refusal.code) or status_of(type(refusal))) in _STATUSES


def note_refusal(
    refusal: Refusal, scope: MutableMapping[str, Any], *, budget: LineBudget = _budget
) -> None:
    """Log a suspicious refusal: what, where, by whom, from which network; never what was sent."""
    if not is_suspicious(refusal):
        return
    left_out = budget.take()
    if left_out is None:
        return
    facts: dict[str, object] = {
        "code": "not_owned" if _is_of_others(refusal) else refusal.code,
        "method": scope.get("method"),
        # The template, not the path: a path holds ids, or whatever a stranger wrote.
        "route": scope.get(ROUTE) or getattr(scope.get("route"), "path", None),
        "actor": scope.get(ACTOR),
        "network": _read_network(scope),
    }
    if left_out:
        facts["left_out"] = left_out
    _log.warning("request_refused", **facts)


def _read_network(scope: MutableMapping[str, Any]) -> str | None:
    client = scope.get("client")
    if client is None:
        return None
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return None
    return str(identity.Client(address=address).network)
