"""The parts that logging in needs in one process, put together once."""

from dataclasses import dataclass, field

from huitong.identity.code_senders import CodeMessage, CodeSender
from huitong.identity.commands.codes import IssuedCode, void_code
from huitong.identity.deciding import LogInDecider
from huitong.identity.errors import CodeNotDelivered
from huitong.identity.hashing import SecretHasher
from huitong.identity.places import NowhereFinder, PlaceFinder
from huitong.identity.session_cache import SessionCache
from huitong.identity.types import Act, RelyingParty, Vault
from huitong.kernel.clock import Clock
from huitong.kernel.database.unit_of_work import Caller, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Database, vault, hasher, sender and sessions of one process, for `flows`.

    `places` tells the edge where addresses are, `decider` what becomes of log-ins (None: nothing is
    asked).
    """

    database: Database
    vault: Vault
    hasher: SecretHasher
    sender: CodeSender
    sessions: SessionCache
    relying_party: RelyingParty
    clock: Clock
    places: PlaceFinder = field(default_factory=NowhereFinder)
    decider: LogInDecider | None = None

    async def send_code(
        self, issued: IssuedCode, mobile: str, caller: Caller, *, act: Act | None = None
    ) -> None:
        """Send a code that was committed; void it if it did not go out.

        Raises CodeNotDelivered: then nothing can be done with the code, and another one may be
        asked for at once.
        """
        message = CodeMessage(
            id=issued.id,
            mobile=mobile,
            code=issued.code,
            amount=None if act is None else act.amount,
        )
        try:
            await self.sender.send(message)
        except CodeNotDelivered:
            now = self.clock.now()
            await self.database.run(lambda uow: void_code(uow, code_id=issued.id, now=now), caller)
            raise
