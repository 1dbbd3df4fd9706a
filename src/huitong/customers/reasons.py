"""The reason that somebody gives for what they do to a customer."""

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField


def check_reason(text: str) -> str:
    """Return the reason as it is; raises InvalidField for one that is empty or too long."""
    if not text.strip() or len(text) > limits.DESCRIPTION_LENGTH_MAX:
        raise InvalidField(
            f"must have 1 to {limits.DESCRIPTION_LENGTH_MAX} characters", field="reason"
        )
    return text
