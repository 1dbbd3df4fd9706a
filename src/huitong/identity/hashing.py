"""Slow hashes of passwords and PINs: argon2id (RFC 9106), in threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from huitong.identity.errors import HashingBusy
from huitong.kernel import limits

Result = TypeVar("Result")

# The first choice of OWASP's Password Storage Cheat Sheet: 46 MiB, one pass, one lane.
MEMORY_KIB: Final = 47_104
PASSES: Final = 1
# What the dummy is made of is of no account, as long as nobody sends it.
_NOBODYS_SECRET: Final = "\N{REPLACEMENT CHARACTER} nobody's"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a secret is right, and whether its hash should be made anew."""

    is_right: bool
    needs_rehash: bool = False


class SecretHasher:
    """Hashes and verifies without stopping the event loop, a bounded number at a time.

    A login that does not exist is verified against a dummy hash of the same cost, so that it
    takes the same work as one that does; `verifications` counts them. Until an old hash is made
    anew after a change of the cost, its work is that of the old cost.
    """

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        """Make a hasher with a cost: memory in KiB, and passes over it."""
        self._argon2 = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(limits.HASHES_AT_ONCE_MAX, thread_name_prefix="argon2")
        self._waiting = 0
        self._dummy = self._argon2.hash(_NOBODYS_SECRET)
        self.verifications = 0

    async def hash(self, secret: str) -> str:
        """Return a new hash, with its parameters and salt; raises HashingBusy."""
        return await self._run(lambda: self._argon2.hash(secret))

    async def verify(self, known: str | None, secret: str) -> Verification:
        """Say whether `secret` is what `known` is the hash of; without one it is always wrong.

        Raises HashingBusy.
        """
        self.verifications += 1
        is_right = await self._run(lambda: self._matches(known or self._dummy, secret))
        if known is None or not is_right:
            return Verification(is_right=False)
        return Verification(is_right=True, needs_rehash=self._argon2.check_needs_rehash(known))

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False)

    def _matches(self, known: str, secret: str) -> bool:
        try:
            return self._argon2.verify(known, secret)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= limits.HASHES_WAITING_MAX:
            raise HashingBusy(f"{self._waiting} hashes are waiting")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
