"""The channels that a process can speak with: a client and a circuit breaker for each."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from huitong.kernel.ids import uuid7
from huitong.payments.channels.health import CircuitBreaker
from huitong.payments.channels.protocols import BankChannel
from huitong.payments.channels.types import Health


class Channels:
    """Clients by the names of their channels."""

    def __init__(self, clients: Mapping[str, BankChannel]) -> None:
        """Take the clients of this process; its circuits start closed."""
        self.process_id: uuid.UUID = uuid7()
        self._clients = dict(clients)
        self._breakers = {name: CircuitBreaker() for name in clients}

    @property
    def names(self) -> list[str]:
        """Return the names of the channels that have a client here."""
        return sorted(self._clients)

    def client(self, name: str) -> BankChannel:
        """Return the client of a channel; raises KeyError unless it is one of `names`."""
        return self._clients[name]

    def breaker(self, name: str) -> CircuitBreaker:
        """Return the circuit breaker of a channel; raises KeyError."""
        return self._breakers[name]

    def describe(self, now: datetime) -> dict[str, Health]:
        """Return the health of every channel as this process sees it."""
        return {name: breaker.describe(now) for name, breaker in self._breakers.items()}
