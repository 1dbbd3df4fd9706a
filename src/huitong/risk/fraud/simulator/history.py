"""A simulated history: honest and fraudulent payments, and what became known of them and when.

Everything comes from the seed. Nothing of it is data about real people.
"""

from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from huitong.kernel.errors import InvalidField
from huitong.risk.decisioning.features.scans import Integers
from huitong.risk.fraud.simulator.frauds import make_frauds
from huitong.risk.fraud.simulator.honest import make_honest
from huitong.risk.fraud.simulator.payments import DAY_US, KINDS, NONE, Fraud, Payments, join
from huitong.risk.fraud.simulator.world import make_world

CUSTOMERS_MIN: Final = 50
CUSTOMERS_MAX: Final = 100_000
DAYS_MIN: Final = 7
DAYS_MAX: Final = 1_000
#: A Monday: histories begin at its midnight in Shanghai.
STARTS_ON: Final = date(2026, 1, 5)
_SHANGHAI: Final = timedelta(hours=8)
#: By kind: the median of the days until it is known, how much they spread, what never is known.
_KNOWN: Final = {
    Fraud.TAKEOVER: (1.5, 1.0, 0.1),
    Fraud.MULE_RING: (4.0, 1.0, 0.25),
    Fraud.TESTING: (3.0, 0.8, 0.1),
    Fraud.COLLECTION: (6.0, 0.8, 0.15),
    Fraud.SCAM: (9.0, 1.0, 0.25),
    Fraud.GAMBLING: (10.0, 0.7, 0.4),
}
_NEVER: Final = np.iinfo(np.int64).max


def simulate(*, seed: int, customers: int, days: int) -> pa.Table:
    """Return a history of payments in the order of time, as `compute_features` takes it.

    `id`, `at` (UTC, without zone), `payer`, `payee`, `amount` (minor units), `device`, `address`,
    `kind`, `is_merchant`, `is_strong`, `account_class`; `label` says whether it was fraud,
    `labelled_at` when that became known (NULL: never, or honest) and `fraud_kind` what it was part
    of (NULL: honest). The same arguments give the same table. Raises InvalidField beyond the
    bounds above.
    """
    _check("customers", customers, CUSTOMERS_MIN, CUSTOMERS_MAX)
    _check("days", days, DAYS_MIN, DAYS_MAX)
    _check("seed", seed, 0, 2**63 - 1)
    # Each part has numbers of its own: a change of one leaves the others as they are.
    town, honest, fraud, known = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))
    world = make_world(town, customers=customers, days=days)
    parts = [*make_honest(honest, world), *make_frauds(fraud, world)]
    payments = join(parts, until_us=days * DAY_US)
    return _to_table(payments, _find_known(known, payments))


def _check(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidField(f"must be from {least:,} to {most:,}, not {value:,}", field=field)


def _find_known(random: np.random.Generator, payments: Payments) -> Integers:
    """Return when each payment became known to be fraud; `_NEVER` for honest ones."""
    known = np.full(len(payments), _NEVER)
    for kind, (median, spread, never) in _KNOWN.items():
        rows = np.flatnonzero(payments.fraud == kind)
        days = median * np.exp(spread * random.normal(size=len(rows)))
        is_known = random.random(len(rows)) >= never
        at = payments.at_us[rows] + (days * DAY_US).astype(np.int64)
        known[rows] = np.where(is_known, at, _NEVER)
    return known


def _to_table(payments: Payments, known: Integers) -> pa.Table:
    midnight = datetime.combine(STARTS_ON, datetime.min.time()) - _SHANGHAI
    start = int(np.datetime64(midnight, "us").astype(np.int64))

    def instants(at_us: Integers, missing: np.ndarray | None = None) -> pa.Array:
        shifted = np.where(at_us == _NEVER, 0, at_us) + start
        return pa.array(shifted, pa.int64(), mask=missing).cast(pa.timestamp("us"))

    def some(values: Integers) -> pa.Array:
        return pa.array(values, pa.int64(), mask=values == NONE)

    kinds = np.array([each.name.lower() for each in Fraud])
    return pa.table(
        {
            "id": np.arange(len(payments)),
            "at": instants(payments.at_us),
            "payer": payments.payer,
            "payee": payments.payee,
            "amount": payments.amount,
            "device": some(payments.device),
            "address": some(payments.address),
            "kind": np.array(KINDS)[payments.kind],
            "is_merchant": payments.is_merchant,
            "is_strong": payments.is_strong,
            "account_class": some(payments.account_class),
            "label": payments.fraud != Fraud.NONE,
            "labelled_at": instants(known, known == _NEVER),
            "fraud_kind": pa.array(kinds[payments.fraud], mask=payments.fraud == Fraud.NONE),
        }
    )
