"""What an instruction says, as canonical JSON: approvers approve its SHA-256."""

import msgspec

from huitong.payments.corporate.plans import Plan
from huitong.payments.corporate.types import Instruction


class SinglePayment(msgspec.Struct, frozen=True, kw_only=True):
    """The content of an instruction to pay at once."""

    currency: str
    amount: int
    description: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What approvers approve: whose money, to whom, and how much or by which plan."""

    merchant: str
    payee: str
    payment: SinglePayment | None = None
    plan: Plan | None = None

    @property
    def description(self) -> str:
        """What it is for, as its maker wrote."""
        what = self.payment or self.plan
        assert what is not None
        return what.description


def write_content(content: Content) -> str:
    """Return the one text of a content."""
    return msgspec.json.encode(content, order="deterministic").decode()


def read_content(instruction: Instruction) -> Content:
    """Return what an instruction says."""
    return msgspec.json.decode(instruction.content, type=Content)
