"""Why a message is refused."""

from huitong.kernel.errors import Refusal


class InvalidMessage(Refusal):
    """The bytes are no ISO 20022 message that we read; `field` is the path of the element."""

    code = "iso20022_message_invalid"
    title = "The ISO 20022 message is not valid"
