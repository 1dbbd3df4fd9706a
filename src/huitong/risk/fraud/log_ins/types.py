"""A history of log-ins as columns."""

from dataclasses import dataclass, fields
from enum import IntEnum

from huitong.risk.decisioning.features.scans import Flags, Integers


class Kind(IntEnum):
    """What a log-in really is. Known of generated log-ins; a file knows the last two only."""

    HONEST = 0
    #: Leaked credentials, from anywhere in the world with a common user agent.
    NAIVE = 1
    #: The same by a hosted address in the victim's country.
    VPN = 2
    #: From a household in the victim's city, imitating the victim's user agent.
    TARGETED = 3
    #: One of the many credentials that a botnet tries.
    STUFFING = 4
    #: A phishing site that passes the victim's words and user agent on.
    RELAY = 5
    #: Marked in a file as an account takeover.
    TAKEOVER = 6
    #: From an address that a file marks as an attacker's, and no takeover.
    ATTACK_ADDRESS = 7


@dataclass(frozen=True, slots=True, eq=False)
class LogIns:
    """Attempts to log in, in the order of time. All but `at` and the flags are codes from 0 on."""

    #: Microseconds since 1970, by the clock of whoever wrote the history.
    at: Integers
    login: Integers
    address: Integers
    #: The autonomous system.
    network: Integers
    country: Integers
    city: Integers
    agent: Integers
    browser: Integers
    system: Integers
    device: Integers
    #: Browser and operating system without their versions.
    family: Integers
    #: Whether the credential was right.
    is_successful: Flags
    kind: Integers

    def __len__(self) -> int:
        return len(self.at)

    def take(self, rows: Integers) -> "LogIns":
        """Return these rows, in this order."""
        return LogIns(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})
