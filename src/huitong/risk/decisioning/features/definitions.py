"""What a feature is: the same definitions for the online rows and for history.

Events are payments in the order of time, then id. A feature of an event is made of the event itself
and of those before it, never of later ones, and of labels (was it fraud?) only once they are known.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from huitong.risk.decisioning.types import FeatureType

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400

#: The half-life of the mean that says what is normal for a payer.
NORMAL_HALF_LIFE_SECONDS: Final = 30 * DAY
#: An amount is unusual above this many times that mean.
UNUSUAL_RATIO: Final = 3.0
#: In the path it is night in China until this hour.
NIGHT_ENDS_AT_HOUR: Final = 5
#: Whole hundreds of yuan, which people who pay for goods rarely come to.
ROUND_MINOR: Final = 10_000
#: What has decayed to less than this is nothing: a quotient by it would be noise.
NOTHING: Final = 1e-6


class Entity(StrEnum):
    """Whose past a feature looks at. An event that lacks a column of the key has no such entity."""

    PAYER = "payer"
    PAYEE = "payee"
    PAIR = "pair"
    MERCHANT = "merchant"
    CUSTOMER = "customer"
    DEVICE = "device"
    ADDRESS = "address"
    PAYER_DEVICE = "payer_device"
    PAYER_ADDRESS = "payer_address"
    #: The payer's account as a payee: what came in before this went out.
    INFLOW = "inflow"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of an event that together name the entity whose past is looked at."""
        return _COLUMNS.get(self, (self.value,))

    @property
    def counted_columns(self) -> tuple[str, ...]:
        """The columns that name the entity which the event becomes part of the past of."""
        return ("payee",) if self is Entity.INFLOW else self.columns


_COLUMNS: Final = {
    Entity.INFLOW: ("payer",),
    Entity.PAIR: ("payer", "payee"),
    Entity.PAYER_DEVICE: ("payer", "device"),
    Entity.PAYER_ADDRESS: ("payer", "address"),
}


class Measure(StrEnum):
    """What an event adds to a counter."""

    #: 1.
    COUNT = "count"
    #: The amount in minor units.
    AMOUNT = "amount"
    #: 1 if the amount was unusual for the payer at that time (`UNUSUAL_RATIO`), else 0.
    UNUSUAL = "unusual"
    #: 1 if it was fraud, else 0.
    LABEL = "label"
    #: 1 if it was fraud and the amount was not unusual for the payer: what the payer's own habits
    #: do not explain speaks against the other side.
    UNEXPLAINED_LABEL = "unexplained_label"
    #: 1 if the payer had not paid this payee before, else 0.
    NEW_PAYEES = "new_payees"
    #: 1 if the amount was below what counts as a test, else 0.
    TESTS = "tests"
    #: 1 if most of what had come in just before was out with this payment, else 0.
    FAST_OUTFLOWS = "fast_outflows"
    #: 1 for a round amount to a merchant at night, else 0.
    ROUND_NIGHTS = "round_nights"

    @property
    def is_label(self) -> bool:
        """Whether it is known only after a delay."""
        return self in {Measure.LABEL, Measure.UNEXPLAINED_LABEL}

    @property
    def is_mark(self) -> bool:
        """Whether `marks.find_marks` says what an event adds."""
        return self in _MARKS


_MARKS: Final = frozenset(
    {Measure.NEW_PAYEES, Measure.TESTS, Measure.FAST_OUTFLOWS, Measure.ROUND_NIGHTS}
)


class WindowMeasure(StrEnum):
    """What a window holds."""

    COUNT = "count"
    MEAN_AMOUNT = "mean_amount"
    #: Share of fraud among the events of the window, 0 where it has none.
    LABEL_RATE = "label_rate"


@dataclass(frozen=True, slots=True)
class Fact:
    """A value of the event itself: a column of that name."""

    name: str
    type: FeatureType
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Decayed:
    """An exponentially decayed counter of the events before this one.

    n(t) = Σ w·2^(-(t - s - d)/h) over earlier events at s with s + d ≤ t, weight w by `measure`,
    half-life h, delay d, all in seconds. Without a delay the event's own weight is not in it. With
    one, an event is counted, and starts to decay, d after it happened. 0 where there was none.
    Source: Cormode, Shkapenyuk, Srivastava, Xu, Forward Decay (ICDE 2009), section 3.
    """

    type: ClassVar[FeatureType] = FeatureType.NUMBER
    name: str
    entity: Entity
    measure: Measure
    half_life_seconds: int
    delay_seconds: int = 0
    meaning: str = ""

    def __post_init__(self) -> None:
        _check_seconds(self.name, "half_life_seconds", self.half_life_seconds, minimum=1)
        # A label is never there when the payment is: without a delay a feature would leak it.
        minimum = 1 if self.measure.is_label else 0
        _check_seconds(self.name, "delay_seconds", self.delay_seconds, minimum=minimum)


@dataclass(frozen=True, slots=True)
class Since:
    """Whole seconds since the entity's last event; NULL for the first."""

    type: ClassVar[FeatureType] = FeatureType.INTEGER
    name: str
    entity: Entity
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Age:
    """Whole seconds since the entity's first event; NULL for the first."""

    type: ClassVar[FeatureType] = FeatureType.INTEGER
    name: str
    entity: Entity
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class IsNew:
    """Whether the entity had no event before this one."""

    type: ClassVar[FeatureType] = FeatureType.FLAG
    name: str
    entity: Entity
    meaning: str = ""


class LocalPart(StrEnum):
    """What of the local time."""

    #: 0 to 23.
    HOUR = "hour"
    #: 1 for Monday to 7.
    WEEKDAY = "weekday"
    #: Whether it is before `NIGHT_ENDS_AT_HOUR`.
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A part of the event's time in Shanghai."""

    name: str
    part: LocalPart
    meaning: str = ""

    @property
    def type(self) -> FeatureType:
        """Numbers but for the night."""
        return FeatureType.FLAG if self.part is LocalPart.NIGHT else FeatureType.INTEGER


@dataclass(frozen=True, slots=True)
class IsRound:
    """Whether the amount is a multiple of `ROUND_MINOR`."""

    type: ClassVar[FeatureType] = FeatureType.FLAG
    name: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class DistinctToday:
    """How many others the entity met on this business day before this event, by a sketch.

    An other sets one of 63 bits (`rows.sketch_bit`); `rows.estimate_others` counts from them. The
    others are payees for a payer, and payers for everybody else.
    """

    type: ClassVar[FeatureType] = FeatureType.NUMBER
    name: str
    entity: Entity
    meaning: str = ""

    @property
    def other(self) -> str:
        """The column that names the other."""
        return "payee" if self.entity is Entity.PAYER else "payer"


@dataclass(frozen=True, slots=True)
class Distinct:
    """How many others the entity met, each decayed since it was met last.

    D(t) = Σ 2^(-(t - s)/h) over the distinct others `of`, s the last event with each, before this
    one. It is a decayed counter in which an event adds 1 - 2^(-(s - s')/h), s' the last event that
    the two had together, and 1 if there was none: exact, online too, where the pair has a row of
    its own. Where it has none, they have to come from a sketch: the standard error of a
    HyperLogLog of m registers is 1.04/√m (Flajolet, Fusy, Gandouet, Meunier 2007).
    """

    type: ClassVar[FeatureType] = FeatureType.NUMBER
    name: str
    entity: Entity
    of: Entity
    half_life_seconds: int
    meaning: str = ""

    def __post_init__(self) -> None:
        _check_seconds(self.name, "half_life_seconds", self.half_life_seconds, minimum=1)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One feature over another; NULL where a part is unknown or `under` is not above `least`.

    (over + plus) · times / under; `plus` and `times` may be left out.
    """

    type: ClassVar[FeatureType] = FeatureType.NUMBER
    name: str
    over: str
    under: str
    meaning: str = ""
    plus: str = ""
    times: str = ""
    least: float = 0.0

    @property
    def parts(self) -> tuple[str, ...]:
        """The features that it is made of."""
        return tuple(each for each in (self.over, self.plus, self.times, self.under) if each)


@dataclass(frozen=True, slots=True)
class Run:
    """Whole seconds since the latest unbroken run of frauds began; NULL if the latest was genuine.

    Only events whose labels are known count, which is `delay_seconds` after each event.
    """

    type: ClassVar[FeatureType] = FeatureType.INTEGER
    name: str
    entity: Entity
    delay_seconds: int
    meaning: str = ""

    def __post_init__(self) -> None:
        _check_seconds(self.name, "delay_seconds", self.delay_seconds, minimum=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A measure over the events at s with t - d - w < s ≤ t - d: over history only.

    w is `seconds` and d `delay_seconds`. Without a delay the window ends with the current event if
    it `includes_current`, else with the one before it.
    """

    name: str
    entity: Entity
    measure: WindowMeasure
    seconds: int
    delay_seconds: int = 0
    includes_current: bool = False
    meaning: str = ""

    def __post_init__(self) -> None:
        _check_seconds(self.name, "seconds", self.seconds, minimum=1)
        minimum = 1 if self.measure is WindowMeasure.LABEL_RATE else 0
        _check_seconds(self.name, "delay_seconds", self.delay_seconds, minimum=minimum)
        if self.delay_seconds and self.includes_current:
            raise ValueError(f"{self.name}: a delayed window cannot include the current event")

    @property
    def type(self) -> FeatureType:
        """Counts are whole, the others not."""
        is_whole = self.measure is WindowMeasure.COUNT
        return FeatureType.INTEGER if is_whole else FeatureType.NUMBER


Feature: TypeAlias = (
    Fact
    | LocalTime
    | IsRound
    | Decayed
    | Since
    | Age
    | IsNew
    | Distinct
    | DistinctToday
    | Ratio
    | Run
    | Window
)


def resolve(names: tuple[str, ...], among: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Return the named features and those that their ratios are made of, each after its parts.

    Raises ValueError for a name that is not there, is there twice, or is made of itself.
    """
    by_name = {feature.name: feature for feature in among}
    if len(by_name) != len(among):
        twice = {each.name for each in among if sum(e.name == each.name for e in among) > 1}
        raise ValueError(f"features with the same name: {', '.join(sorted(twice))}")
    done: dict[str, Feature] = {}
    under_way: list[str] = []

    def add(name: str) -> None:
        if name in done:
            return
        if name in under_way:
            raise ValueError(f"{name} is made of itself: {' → '.join([*under_way, name])}")
        if name not in by_name:
            raise ValueError(f"there is no feature called {name}")
        feature = by_name[name]
        if isinstance(feature, Ratio):
            under_way.append(name)
            for part in feature.parts:
                add(part)
            under_way.pop()
        done[name] = feature

    for name in names:
        add(name)
    return tuple(done.values())


def _check_seconds(name: str, field: str, value: int, *, minimum: int) -> None:
    if value < minimum:
        raise ValueError(f"{name}: {field} must be at least {minimum}, not {value}")
