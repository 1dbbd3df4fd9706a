"""A seeded history of log-ins of honest customers and of known attacks."""

from dataclasses import fields
from typing import Final

import numpy as np

from huitong.risk.decisioning.features.definitions import DAY
from huitong.risk.decisioning.features.scans import Integers
from huitong.risk.fraud.log_ins import world
from huitong.risk.fraud.log_ins.attacks import attack
from huitong.risk.fraud.log_ins.honest import Customers, log_in_honestly
from huitong.risk.fraud.log_ins.types import LogIns

#: 2024-01-01, a Monday, in microseconds since 1970.
_BEGIN: Final = 1_704_067_200 * 1_000_000
DAYS: Final = 84
CUSTOMERS: Final = 8_000


def generate_log_ins(*, seed: int, customers: int = CUSTOMERS, days: int = DAYS) -> LogIns:
    """Return the attempts of so many customers, and on them, over so many days, in order of time.

    The same arguments give the same history. Raises ValueError for fewer than one of either.
    """
    if customers < 1 or days < 1:
        raise ValueError("a history takes at least one customer and one day")
    random = np.random.default_rng(seed)
    seconds = float(days * DAY)
    people = Customers.draw(random, customers, seconds)
    parts = [*log_in_honestly(random, people, seconds), *attack(random, people, seconds)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    address = world.to_address(columns["network"], columns["city"], columns.pop("number"))
    columns |= {"address": address, "country": world.country_of(columns["city"])}
    for name in ("address", "agent", "browser", "system", "family", "login"):
        columns[name] = _dense(columns[name])
    columns["at"] += _BEGIN
    whole = LogIns(**{each.name: columns[each.name] for each in fields(LogIns)})
    return whole.take(np.argsort(whole.at, kind="stable"))


def _dense(codes: Integers) -> Integers:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)
