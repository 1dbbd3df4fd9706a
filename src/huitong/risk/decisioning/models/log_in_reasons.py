"""What the features of a log-in say, in plain words, where a model looked at them."""

from collections.abc import Mapping
from typing import Final

from huitong.risk.decisioning.models.payment_reasons import ReasonText

#: Under which name models of log-ins are registered.
LOG_IN_MODEL_NAME: Final = "log_in_takeover"
#: What a model of log-ins may look at, in the order of its columns: all that is no text.
LOG_IN_MODEL: Final = (
    "kilometres_per_hour",
    "kilometres_from_last",
    "kilometres_from_usual",
    "is_new_place",
    "is_new_device",
    "is_new_agent",
    "seconds_since_log_in",
    "is_night",
    "failures_1h",
    "address_failures_1h",
    "address_logins_today",
)
LOG_IN_TEXTS: Final[Mapping[str, ReasonText]] = {
    "log_in_travel": ReasonText(
        "The place is too far from the last log-in for the time between.",
        "与上次登录地点的距离和间隔时间不符。",
    ),
    "log_in_place": ReasonText("The place is unusual for this login.", "登录地点异常。"),
    "log_in_device": ReasonText(
        "The device or the program is new to this login.", "登录设备或程序为首次使用。"
    ),
    "log_in_pause": ReasonText(
        "How long ago the last log-in was is unusual.", "距上次登录的间隔异常。"
    ),
    "log_in_time": ReasonText("The time of day is unusual.", "登录时间异常。"),
    "log_in_failures": ReasonText(
        "Log-ins to this number failed lately.", "该号码近期有登录失败。"
    ),
    "log_in_address": ReasonText(
        "Many log-ins or failures come from this network address.",
        "该网络地址的登录或失败次数较多。",
    ),
}
#: The reason of each feature of a log-in that a model may look at.
LOG_IN_CODES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("kilometres_per_hour", "kilometres_from_last"), "log_in_travel"),
    **dict.fromkeys(("kilometres_from_usual", "is_new_place"), "log_in_place"),
    **dict.fromkeys(("is_new_device", "is_new_agent"), "log_in_device"),
    "seconds_since_log_in": "log_in_pause",
    "is_night": "log_in_time",
    "failures_1h": "log_in_failures",
    **dict.fromkeys(("address_failures_1h", "address_logins_today"), "log_in_address"),
}
