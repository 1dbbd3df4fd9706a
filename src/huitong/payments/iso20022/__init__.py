"""ISO 20022 messages: what a file is, and whether its bytes and its coded values can be trusted."""

from huitong.payments.iso20022.checking import Checked, check_message
from huitong.payments.iso20022.errors import InvalidMessage

__all__ = ["Checked", "InvalidMessage", "check_message"]
