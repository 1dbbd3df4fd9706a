"""What must hold between the ledger and the rooms above it, all together."""

from typing import Final

from huitong import ledger, lending, payments

INVARIANTS: Final[tuple[ledger.Invariant, ...]] = (*payments.INVARIANTS, *lending.INVARIANTS)
