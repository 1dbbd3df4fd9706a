"""Puts the desk where people log in together, and takes it apart."""

from huitong import identity
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.settings import Settings


async def open_desk(
    settings: Settings,
    database: Database,
    vault: identity.Vault,
    clock: Clock,
    *,
    decider: identity.LogInDecider | None = None,
) -> identity.Desk:
    """Return the desk of one process, whose sessions are watched from now on.

    `decider` decides about log-ins, None: nobody does. Raises PlacesUnreadable for a database of
    places that is none.
    """
    sender: identity.SmsGateway | identity.NoGateway = identity.NoGateway()
    if settings.sms_gateway_url is not None:
        sender = identity.SmsGateway(settings.sms_gateway_url)
    desk = identity.Desk(
        database=database,
        vault=vault,
        hasher=identity.SecretHasher(),
        sender=sender,
        sessions=identity.SessionCache(database),
        relying_party=identity.RelyingParty(
            id=settings.passkey_domain, name="Huitong", origins=settings.allowed_passkey_origins
        ),
        clock=clock,
        places=identity.PlaceDatabase(settings.places_database),
        decider=decider,
    )
    await desk.sessions.start()
    return desk


async def close_desk(desk: identity.Desk) -> None:
    """Stop what the desk has running."""
    await desk.sessions.stop()
    await desk.sender.close()
    desk.hasher.close()
