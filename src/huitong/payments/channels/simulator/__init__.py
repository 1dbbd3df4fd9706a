"""Simulated channels of all kinds, for `huitong channels simulate`: they fail on demand.

One process serves any number of them over HTTP, each under its name; the channel `bank` also at
the root. They know orders by our ids and do each at most once, call back signed, and write a file
of what they booked each day.
"""

from huitong.payments.channels.simulator.books import SimulatedOrder
from huitong.payments.channels.simulator.calling import Caller
from huitong.payments.channels.simulator.channel import RESULT_SECONDS, SimulatedChannel
from huitong.payments.channels.simulator.faults import FaultKind, FaultRequest, Faults, read_rates
from huitong.payments.channels.simulator.server import KINDS, make_application, make_channels

__all__ = [
    "KINDS",
    "RESULT_SECONDS",
    "Caller",
    "FaultKind",
    "FaultRequest",
    "Faults",
    "SimulatedChannel",
    "SimulatedOrder",
    "make_application",
    "make_channels",
    "read_rates",
]
