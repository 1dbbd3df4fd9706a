"""What people are told by text message: log-ins that look odd, money that is held or given back.

An event's handler asks for a notice in its own transaction; a worker sends it afterwards, under an
id by which the gateway knows a message that it was given before. Owns the notices, not their
numbers: those are the login's, opened only when a message is sent.
"""

from huitong.identity.notices.commands import (
    ask_notice,
    ask_notice_of_subject,
    prune_notices,
    send_notices,
)
from huitong.identity.notices.limits import NOTICES_AT_ONCE_MAX
from huitong.identity.notices.texts import write_notice
from huitong.identity.notices.types import Notice, NoticeKind

__all__ = [
    "NOTICES_AT_ONCE_MAX",
    "Notice",
    "NoticeKind",
    "ask_notice",
    "ask_notice_of_subject",
    "prune_notices",
    "send_notices",
    "write_notice",
]
