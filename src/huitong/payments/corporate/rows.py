"""What the stores of corporate accounts share: locks by name, and values that may be missing."""

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money


async def lock_name(uow: UnitOfWork, name: str) -> None:
    """Let nobody else lock this name until the transaction ends: for rows to be added."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtextextended(:key, 45))", key=name)


def minor_or_none(money: Money | None) -> int | None:
    """Return minor units for a column, or NULL."""
    return None if money is None else money.minor


def money_or_none(minor: int | None, currency: str) -> Money | None:
    """Return the money of a column that may be NULL."""
    return None if minor is None else Money(minor, currency)


def bytes_or_none(value: bytes | None) -> bytes | None:
    """Return what is sealed in a column that may be NULL."""
    return None if value is None else bytes(value)
