"""Channels: the ways out of the house to banks and schemes.

Owns what each channel can do and costs, how it does (`CircuitBreaker`), which one an order takes
and why (`find_route`), what channels call back, and where they contradict our books (breaks).
Orders and their attempts belong to `payments`, which asks here.
"""

from huitong.payments.channels.breaks import add_break, cure_break, find_break, has_break
from huitong.payments.channels.calculations import (
    calculate_fee,
    choose_route,
    find_objection,
    is_open,
    plan_recheck,
)
from huitong.payments.channels.callbacks import (
    CallbackEffect,
    open_callback,
    prune_callbacks,
    receive_callback,
)
from huitong.payments.channels.commands import (
    digest_rules,
    digest_terms,
    get_channel,
    replace_rules,
    save_channel,
    switch_off,
    switch_on,
)
from huitong.payments.channels.errors import (
    BreakNotOpen,
    CallbackIdReused,
    CallbackNotSigned,
    ChannelChanged,
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
    list_channel_rules,
    list_channel_states,
    list_switched_off,
    report_health,
)
from huitong.payments.channels.registry import Channels
from huitong.payments.channels.simulator import BankSimulator, FaultKind
from huitong.payments.channels.terms import (
    check_name,
    check_rules,
    read_channel,
    read_rules,
    show_channel,
    show_rules,
)
from huitong.payments.channels.types import (
    BreakKind,
    Callback,
    Channel,
    ChannelAnswer,
    ChannelBreak,
    ChannelVerdict,
    CircuitState,
    Cure,
    FeeTier,
    Health,
    Route,
    RouteRequest,
    RoutingRule,
)
from huitong.payments.channels.webhooks import read_secret, sign, verify
from huitong.payments.types import ChannelKind

__all__ = [
    "BankChannel",
    "BankSimulator",
    "BreakKind",
    "BreakNotOpen",
    "Callback",
    "CallbackEffect",
    "CallbackIdReused",
    "CallbackNotSigned",
    "CardAcquirer",
    "Channel",
    "ChannelAnswer",
    "ChannelBreak",
    "ChannelChanged",
    "ChannelContradiction",
    "ChannelFault",
    "ChannelKind",
    "ChannelNotFound",
    "ChannelVerdict",
    "Channels",
    "CircuitBreaker",
    "CircuitState",
    "CrossBorderChannel",
    "Cure",
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
    "check_name",
    "check_rules",
    "choose_route",
    "cure_break",
    "digest_rules",
    "digest_terms",
    "find_break",
    "find_objection",
    "find_route",
    "get_channel",
    "get_route",
    "has_break",
    "is_open",
    "list_channel_breaks",
    "list_channel_rules",
    "list_channel_states",
    "list_switched_off",
    "open_callback",
    "plan_recheck",
    "prune_callbacks",
    "read_channel",
    "read_rules",
    "read_secret",
    "receive_callback",
    "replace_rules",
    "report_health",
    "save_channel",
    "show_channel",
    "show_rules",
    "sign",
    "switch_off",
    "switch_on",
    "verify",
]
