"""The numbers of the rulebook, read for a day: rate limits, and when counts become incidents."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from huitong.kernel.rulebook import Rulebook
from huitong.operations.rate_limits import RateLimit
from huitong.operations.types import CountermeasureKind, EntityKind, IncidentKind, SignalKind

_ADDRESS: Final = frozenset({EntityKind.ADDRESS})
_CALLERS: Final = frozenset(
    {EntityKind.API_KEY, EntityKind.SYSTEM_KEY, EntityKind.LOGIN, EntityKind.STAFF}
)
_KEYS: Final = frozenset({EntityKind.API_KEY})
_LOGINS: Final = frozenset({EntityKind.LOGIN})
_ANYBODY: Final = _CALLERS | _ADDRESS
#: Counted by how many different things it was about, and not by how often.
_OF_DIFFERENT_THINGS: Final = frozenset({SignalKind.READ, SignalKind.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Level:
    """From `least` on an incident is open, and what is done if it is a caller that may be."""

    least: int
    countermeasure: CountermeasureKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbuseRule:
    """Of whom one signal is counted, and what follows; `levels` rise."""

    incident: IncidentKind
    signal: SignalKind
    entity_kinds: frozenset[EntityKind]
    levels: tuple[Level, ...]

    @property
    def is_of_different_things(self) -> bool:
        """Whether it counts different things, and not how often."""
        return self.signal in _OF_DIFFERENT_THINGS

    def find_level(self, count: int) -> Level | None:
        """Return the highest level that a count reaches."""
        reached = [level for level in self.levels if count >= level.least]
        return reached[-1] if reached else None

    def is_worst(self, level: Level) -> bool:
        """Say whether there are several levels, and this is the last."""
        return level.countermeasure is CountermeasureKind.BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthLimits:
    """From when on the platform itself is not well."""

    requests_least: int
    error_share: Decimal
    slow_share: Decimal
    channel_share: Decimal
    channel_orders_least: int
    outbox_least: int
    jobs_least: int
    poster_least: int
    failed_work_least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of it, as it holds on one day."""

    limits: dict[EntityKind, RateLimit]
    throttled: RateLimit
    unknown_credentials: RateLimit
    abuse_window: timedelta
    abuse_hold: timedelta
    rules: tuple[AbuseRule, ...]
    health_window: timedelta
    health: HealthLimits
    silence: timedelta
    books_every: timedelta


def read_policy(rulebook: Rulebook, on: date, *, processes: int = 1) -> Policy:
    """Return what the rulebook says on a business day.

    Ordinary limits hold in each process; what is left to somebody who is throttled is divided by
    the `processes` that serve together.
    """

    def number(key: str) -> int:
        return rulebook.integer(f"operations.{key}", on)

    window = number("rate.window")

    def rate(name: str) -> RateLimit:
        return RateLimit(name, number(f"rate.{name}") * window, window)

    def share_of_minute(name: str) -> RateLimit:
        return RateLimit(name, max(1, number(f"rate.{name}") // processes), 60)

    login = rate("login")
    return Policy(
        limits={
            EntityKind.ADDRESS: rate("address"),
            EntityKind.API_KEY: rate("api_key"),
            EntityKind.SYSTEM_KEY: rate("system_key"),
            EntityKind.LOGIN: login,
            EntityKind.STAFF: login,
        },
        throttled=share_of_minute("throttled"),
        unknown_credentials=share_of_minute("unknown_credentials"),
        abuse_window=timedelta(minutes=number("abuse.window")),
        abuse_hold=timedelta(minutes=number("abuse.hold")),
        rules=_read_rules(rulebook, on),
        health_window=timedelta(minutes=number("health.window")),
        health=_read_health(rulebook, on),
        silence=timedelta(seconds=number("watcher.silence")),
        books_every=timedelta(hours=number("books.every")),
    )


def _read_rules(rulebook: Rulebook, on: date) -> tuple[AbuseRule, ...]:
    def rule(
        incident: IncidentKind,
        signal: SignalKind,
        kinds: frozenset[EntityKind],
        *measures: CountermeasureKind,
        of: str = "",
    ) -> AbuseRule:
        levels = tuple(
            Level(rulebook.integer(f"operations.{incident}{of}.{measure}", on), measure)
            for measure in measures
        )
        return AbuseRule(incident=incident, signal=signal, entity_kinds=kinds, levels=levels)

    throttle, block = CountermeasureKind.THROTTLE, CountermeasureKind.BLOCK
    by_system = Level(rulebook.integer("operations.scraping.system_key", on), None)
    return (
        rule(
            IncidentKind.CREDENTIAL_STUFFING,
            SignalKind.LOG_IN_FAILED,
            _ADDRESS,
            CountermeasureKind.CHALLENGE,
            block,
        ),
        rule(IncidentKind.BROKEN_CREDENTIALS, SignalKind.BAD_CREDENTIALS, _ADDRESS, block),
        rule(IncidentKind.ENUMERATION, SignalKind.NOT_FOUND, _ANYBODY, throttle, block),
        rule(IncidentKind.SCRAPING, SignalKind.READ, _KEYS, throttle, block),
        rule(IncidentKind.SCRAPING, SignalKind.READ, _LOGINS, throttle, block, of=".login"),
        AbuseRule(
            incident=IncidentKind.SCRAPING,
            signal=SignalKind.READ,
            entity_kinds=frozenset({EntityKind.SYSTEM_KEY}),
            levels=(by_system,),
        ),
        rule(IncidentKind.REPLAY, SignalKind.REUSED, _CALLERS, throttle, block),
        rule(IncidentKind.FUZZING, SignalKind.MALFORMED, _ANYBODY, throttle),
        rule(IncidentKind.FLOODING, SignalKind.LIMITED, _ANYBODY, block),
    )


def _read_health(rulebook: Rulebook, on: date) -> HealthLimits:
    def number(key: str) -> int:
        return rulebook.integer(f"operations.{key}", on)

    def share(key: str) -> Decimal:
        return rulebook.decimal(f"operations.{key}.share", on)

    return HealthLimits(
        requests_least=number("health.requests"),
        error_share=share("error_rate"),
        slow_share=share("slow_answers"),
        channel_share=share("channel_failing"),
        channel_orders_least=number("channel_failing.orders"),
        outbox_least=number("backlog.outbox"),
        jobs_least=number("backlog.jobs"),
        poster_least=number("backlog.poster"),
        failed_work_least=number("failed_work.least"),
    )
