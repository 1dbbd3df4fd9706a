"""A yes or a no that is recorded either way.

A refusal that is raised rolls its transaction back, and with it the failure that was counted. So
commands that count return what came out, and who opened the transaction raises after the commit.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from huitong.kernel.errors import Refusal

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Verdict(Generic[Value]):
    """Either a value or a refusal."""

    value: Value | None = None
    refusal: Refusal | None = None

    def unwrap(self) -> Value:
        """Return the value, or raise the refusal: after the commit."""
        if self.refusal is not None:
            raise self.refusal
        assert self.value is not None
        return self.value
