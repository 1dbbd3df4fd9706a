"""Channels: the ways out of the house to banks and schemes.

Owns what each channel can do and costs, how it does (`CircuitBreaker`), which one an order takes
and why (`find_route`), what channels call back, and where they contradict our books (breaks).
Orders and their attempts belong to `payments`, which asks here.
"""

from huitong.payments.channels.calculations import (
    calculate_fee,
    choose_route,
    find_objection,
    is_open,
)
from huitong.payments.channels.callbacks import (
    CallbackEffect,
    open_callback,
    prune_callbacks,
    receive_callback,
)
from huitong.payments.channels.errors import (
    CallbackIdReused,
    CallbackNotSigned,
    ChannelContradiction,
    ChannelFault,
    ChannelNotFound,
    NoChannel,
)
from huitong.payments.channels.health import CircuitBreaker
from huitong.payments.channels.http_bank import HttpBankChannel
from huitong.payments.channels.protocols import (
    BankChannel,
    CardAcquirer,
    CrossBorderChannel,
    WalletCode,
    WalletQr,
)
from huitong.payments.channels.queries import (
    find_route,
    get_route,
    list_channel_breaks,
    list_channel_states,
    list_switched_off,
    report_health,
)
from huitong.payments.channels.registry import Channels
from huitong.payments.channels.simulator import BankSimulator, FaultKind
from huitong.payments.channels.store import add_break, has_break
from huitong.payments.channels.types import (
    BreakKind,
    Callback,
    Channel,
    ChannelAnswer,
    ChannelBreak,
    ChannelKind,
    ChannelVerdict,
    CircuitState,
    FeeTier,
    Health,
    Route,
    RouteRequest,
    RoutingRule,
)
from huitong.payments.channels.webhooks import read_secret, sign, verify

__all__ = [
    "BankChannel",
    "BankSimulator",
    "BreakKind",
    "Callback",
    "CallbackEffect",
    "CallbackIdReused",
    "CallbackNotSigned",
    "CardAcquirer",
    "Channel",
    "ChannelAnswer",
    "ChannelBreak",
    "ChannelContradiction",
    "ChannelFault",
    "ChannelKind",
    "ChannelNotFound",
    "ChannelVerdict",
    "Channels",
    "CircuitBreaker",
    "CircuitState",
    "CrossBorderChannel",
    "FaultKind",
    "FeeTier",
    "Health",
    "HttpBankChannel",
    "NoChannel",
    "Route",
    "RouteRequest",
    "RoutingRule",
    "WalletCode",
    "WalletQr",
    "add_break",
    "calculate_fee",
    "choose_route",
    "find_objection",
    "find_route",
    "get_route",
    "has_break",
    "is_open",
    "list_channel_breaks",
    "list_channel_states",
    "list_switched_off",
    "open_callback",
    "prune_callbacks",
    "read_secret",
    "receive_callback",
    "report_health",
    "sign",
    "verify",
]
