"""How unlike its login's habits a log-in is: a smoothed likelihood ratio over counters.

Pure and cheap: the path may call it with the counters that it keeps. Sources: Freeman, Jain,
Dürmuth, Biggio, Giacinto, Who Are You? A Statistical Approach to Measuring User Authenticity (NDSS
2016); the weights of the levels are those that Wiefling, Jørgensen, Thunem, Lo Iacono published for
the model in Pump Up Password Security! (ACM TOPS 2022), github.com/das-group/rba-algorithm.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from huitong.risk.decisioning.features.scans import Floats

#: What each level counts for, the finest first: address, autonomous system, country.
NETWORK_WEIGHTS: Final = (0.6, 0.3, 0.1)
#: The user agent, browser with version, operating system with version, type of device.
AGENT_WEIGHTS: Final = (0.5386653840551359, 0.2680451498625666, 0.18818295100109536, 0.00510651508)
#: How many log-ins of somebody stand in each history before its first.
_STRANGERS: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LogInCounts:
    """How often the values of each log-in of a batch were seen before it, in accepted log-ins.

    Rows are log-ins, columns the levels, the finest first. `own` is of this login, `all` of every
    login. Counts may be decayed, so they are doubles.
    """

    own_network: Floats
    all_network: Floats
    own_agent: Floats
    all_agent: Floats
    #: Log-ins of this login, of all logins, and how many logins there are; one for each row.
    own: Floats
    all: Floats
    logins: Floats

    def __post_init__(self) -> None:
        rows = len(self.own)
        levels = {"network": len(NETWORK_WEIGHTS), "agent": len(AGENT_WEIGHTS)}
        for each in fields(self):
            values = getattr(self, each.name)
            level = levels.get(each.name.partition("_")[2])
            shape = (rows,) if level is None else (rows, level)
            if values.shape != shape:
                raise ValueError(f"{each.name} has the shape {values.shape}, not {shape}")
            if not (np.isfinite(values) & (values >= 0)).all():
                raise ValueError(f"{each.name} holds a count that is negative or not finite")


@dataclass(frozen=True, slots=True, eq=False)
class LogInScores:
    """Natural logarithms of likelihood ratios; above 0 speaks for somebody else."""

    network: Floats
    agent: Floats
    #: How much rarer than others this login logs in: attackers are taken to choose evenly.
    rarity: Floats

    @property
    def total(self) -> Floats:
        """Return the risk score: the logarithm of Freeman's product."""
        return self.network + self.agent + self.rarity


def score_log_ins(counts: LogInCounts) -> LogInScores:
    """Return the risk score of each log-in, by its parts.

    The score is ln of p(u|attack)/p(u|honest) · Π p(x)/p(x|u) over x = network, agent, with
    p(u|attack) = 1/U, p(u|honest) = (n_u+1)/(N+U), p(x) = (Σ w_l n_l(x) + 1)/(N+1) and
    p(x|u) = (Σ w_l n_l(x,u) + p(x))/(n_u+1), where l are the levels, w their weights, n_l(x) how
    often this value of the level was seen, n_u log-ins of the login, N of all, U logins. Whatever
    a login never had on any level gives p(x)/p(x|u) = n_u+1, however rare it is elsewhere.

    Worked: N = 1,000, n_u = 10; the address was seen 16 times (8 own), its network 200 (10 own),
    its country 900 (10 own): p(x) = 160.6/1001, p(x|u) = (8.8 + p(x))/11, ln of the ratio -1.625.
    """
    return LogInScores(
        network=_ratio(counts, counts.own_network, counts.all_network, NETWORK_WEIGHTS),
        agent=_ratio(counts, counts.own_agent, counts.all_agent, AGENT_WEIGHTS),
        rarity=np.log(counts.all + np.maximum(counts.logins, 1.0))
        - np.log(np.maximum(counts.logins, 1.0))
        - np.log(counts.own + 1.0),
    )


def _ratio(counts: LogInCounts, own: Floats, all_: Floats, weights: tuple[float, ...]) -> Floats:
    levels = np.array(weights)
    anybody = (all_ @ levels + 1.0) / (counts.all + 1.0)
    this_one = (own @ levels + _STRANGERS * anybody) / (counts.own + _STRANGERS)
    result: Floats = np.log(anybody) - np.log(this_one)
    return result
