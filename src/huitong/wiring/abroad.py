"""The worker's loops for exchange and payments abroad: rates in, payments on their way."""

from datetime import datetime

from huitong import payments
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.privacy import Vault
from huitong.wiring.clocks import make_clock
from huitong.wiring.loop_types import Loop

_INTERVAL_SECONDS = 0.5
_REVALUE_SECONDS = 60.0


def make_abroad_loops(settings: Settings) -> tuple[Loop, ...]:
    """Return what revalues positions, and what asks for rates and works on payments if it can."""
    revaluing = Loop("payments.revalue_fx_positions", _REVALUE_SECONDS, _revalue_positions)
    return (*_make_rate_loop(settings), *_make_payment_loop(settings), revaluing)


async def _revalue_positions(database: Database, now: datetime) -> bool:
    await database.run(
        lambda uow: payments.crossborder.revalue_positions(uow, rulebook=Rulebook.load(), now=now)
    )
    return False


def _make_rate_loop(settings: Settings) -> tuple[Loop, ...]:
    if settings.fx_rates_url is None:
        return ()
    source = payments.crossborder.HttpRateSource(settings.fx_rates_url)

    async def poll_rates(database: Database, now: datetime) -> bool:
        await payments.crossborder.poll_rates(database, source, rulebook=Rulebook.load(), now=now)
        return False

    return (Loop("payments.poll_fx_rates", payments.crossborder.RATE_POLL_SECONDS, poll_rates),)


def _make_payment_loop(settings: Settings) -> tuple[Loop, ...]:
    if settings.correspondent_url is None:
        return ()
    channel = payments.channels.HttpCrossBorderChannel(settings.correspondent_url)
    made: dict[Database, payments.crossborder.Desk] = {}

    def make_desk(database: Database) -> payments.crossborder.Desk:
        # At the first step and not at start, so that a missing key file stops this loop only.
        if database not in made:
            rulebook = Rulebook.load()
            ring = load_key_ring(settings.home, settings.master_keys)
            made[database] = payments.crossborder.Desk(
                vault=Vault(ring, cipher=settings.cipher),
                screener=payments.crossborder.ListScreener(database, rulebook),
                channel=channel,
                rulebook=rulebook,
                clock=make_clock(settings),
            )
        return made[database]

    async def work_payments(database: Database, _now: datetime) -> bool:
        taken = await payments.crossborder.work_payments(database, make_desk(database))
        return taken > 0

    return (Loop("payments.work_payments_abroad", _INTERVAL_SECONDS, work_payments),)
