"""The clients of a worker for the channels that its settings name."""

from typing import Final

from huitong import payments
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings

channels: Final = payments.channels
#: The channel that `HUITONG_BANK_CHANNEL_URL` is about.
_BANK: Final = "bank"


def make_clients(settings: Settings) -> dict[str, payments.BankChannel]:
    """Return a client for each channel that orders of customers are settled with, by name.

    Ways across borders are asked by whoever sends over them, not here. Raises InvalidField for a
    kind that is none.
    """
    clients: dict[str, payments.BankChannel] = {}
    if settings.bank_channel_url is not None:
        clients[_BANK] = channels.HttpBankChannel(settings.bank_channel_url)
    for name, kind_name, url in settings.channels:
        if kind_name not in {each.value for each in channels.ChannelKind}:
            raise InvalidField(f"{kind_name} is no kind of channel", field="HUITONG_CHANNELS")
        client = channels.SETTLING.get(channels.ChannelKind(kind_name))
        if client is not None:
            clients[name] = client(url)
    return clients
