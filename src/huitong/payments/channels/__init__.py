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
    check_rules_fit,
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
from huitong.payments.channels.http_kinds import (
    SETTLING,
    HttpCardAcquirer,
    HttpCrossBorderChannel,
    HttpWalletQr,
)
from huitong.payments.channels.limits import MINOR_MAX
from huitong.payments.channels.protocols import (
    BankChannel,
    CardAcquirer,
    CrossBorderChannel,
    Refunding,
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
from huitong.payments.channels.secrets import ChannelSecretUnreadable, find_secrets, make_secret
from huitong.payments.channels.simulator import (
    KINDS,
    RESULT_SECONDS,
    Caller,
    FaultKind,
    SimulatedChannel,
    make_application,
    make_channels,
    read_rates,
)
from huitong.payments.channels.store import find_channel
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
    ChannelRefund,
    ChannelVerdict,
    CircuitState,
    Cure,
    FeeTier,
    Health,
    PayeeRefusal,
    Route,
    RouteRequest,
    RoutingRule,
)
from huitong.payments.channels.webhooks import read_secret, sign, verify
from huitong.payments.types import ChannelKind

__all__ = [
    "KINDS",
    "MINOR_MAX",
    "RESULT_SECONDS",
    "SETTLING",
    "BankChannel",
    "BreakKind",
    "BreakNotOpen",
    "Callback",
    "CallbackEffect",
    "CallbackIdReused",
    "CallbackNotSigned",
    "Caller",
    "CardAcquirer",
    "Channel",
    "ChannelAnswer",
    "ChannelBreak",
    "ChannelChanged",
    "ChannelContradiction",
    "ChannelFault",
    "ChannelKind",
    "ChannelNotFound",
    "ChannelRefund",
    "ChannelSecretUnreadable",
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
    "HttpCardAcquirer",
    "HttpCrossBorderChannel",
    "HttpWalletQr",
    "NoChannel",
    "PayeeRefusal",
    "Refunding",
    "Route",
    "RouteRequest",
    "RoutingRule",
    "SimulatedChannel",
    "WalletQr",
    "add_break",
    "calculate_fee",
    "check_name",
    "check_rules",
    "check_rules_fit",
    "choose_route",
    "cure_break",
    "digest_rules",
    "digest_terms",
    "find_break",
    "find_channel",
    "find_objection",
    "find_route",
    "find_secrets",
    "get_channel",
    "get_route",
    "has_break",
    "is_open",
    "list_channel_breaks",
    "list_channel_rules",
    "list_channel_states",
    "list_switched_off",
    "make_application",
    "make_channels",
    "make_secret",
    "open_callback",
    "plan_recheck",
    "prune_callbacks",
    "read_channel",
    "read_rates",
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
