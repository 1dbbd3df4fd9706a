"""The standard features of payments, with one line of meaning each.

Names read entity, measure, half-life: `payer_count_1h` counts the payer's payments, decayed with a
half-life of one hour.
"""

from collections.abc import Mapping
from typing import Final

from huitong.risk.decisioning.features.definitions import (
    DAY,
    HOUR,
    MINUTE,
    NORMAL_HALF_LIFE_SECONDS,
    Decayed,
    Distinct,
    Entity,
    Fact,
    Feature,
    Measure,
    Ratio,
    Run,
    Since,
)
from huitong.risk.decisioning.types import FeatureType

HALF_LIVES: Final[Mapping[str, int]] = {
    "1m": MINUTE,
    "1h": HOUR,
    "1d": DAY,
    "30d": NORMAL_HALF_LIFE_SECONDS,
}
#: Half-lives of what is known of frauds: a day, a week, a month.
LABEL_HALF_LIVES: Final[Mapping[str, int]] = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
#: A fraud counts as known, and a payment as genuine, a week after it happened.
LABEL_DELAY_SECONDS: Final = 7 * DAY

_WHO: Final = {
    Entity.PAYER: "the payer's payments",
    Entity.PAYEE: "payments to the payee",
    Entity.PAIR: "the payer's payments to this payee",
    Entity.DEVICE: "payments from the device",
    Entity.ADDRESS: "payments from the network address",
    Entity.PAYER_DEVICE: "the payer's payments from this device",
    Entity.PAYER_ADDRESS: "the payer's payments from this network address",
}
_WHAT: Final = {
    Measure.COUNT: "Number",
    Measure.AMOUNT: "Sum in minor units",
    Measure.UNUSUAL: "Number of unusually large amounts",
    Measure.LABEL: "Number of known frauds",
    Measure.UNEXPLAINED_LABEL: "Number of known frauds with a usual amount",
}


def _decayed(
    entity: Entity, measure: Measure, half_life: str, *, delay_seconds: int = 0
) -> Decayed:
    half_lives = LABEL_HALF_LIVES if delay_seconds else HALF_LIVES
    known = "known_" if delay_seconds and not measure.is_label else ""
    late = f", {delay_seconds // DAY} days after they happened" if delay_seconds else ""
    return Decayed(
        name=f"{entity}_{known}{measure}_{half_life}",
        entity=entity,
        measure=measure,
        half_life_seconds=half_lives[half_life],
        delay_seconds=delay_seconds,
        meaning=f"{_WHAT[measure]}, among {_WHO[entity]}{late}, half-life {half_life}.",
    )


def _counters() -> list[Feature]:
    both = (Measure.COUNT, Measure.AMOUNT)
    wanted: list[tuple[Entity, tuple[Measure, ...], tuple[str, ...]]] = [
        (Entity.PAYER, both, tuple(HALF_LIVES)),
        (Entity.PAYER, (Measure.UNUSUAL,), ("1d", "30d")),
        (Entity.PAYEE, both, tuple(HALF_LIVES)),
        (Entity.PAIR, both, ("1d", "30d")),
        (Entity.DEVICE, (Measure.COUNT,), tuple(HALF_LIVES)),
        (Entity.ADDRESS, (Measure.COUNT,), tuple(HALF_LIVES)),
        (Entity.PAYER_DEVICE, (Measure.COUNT,), ("30d",)),
        (Entity.PAYER_ADDRESS, (Measure.COUNT,), ("30d",)),
    ]
    return [
        _decayed(entity, measure, half_life)
        for entity, measures, half_lives in wanted
        for measure in measures
        for half_life in half_lives
    ]


def _labels() -> list[Feature]:
    features: list[Feature] = [
        Run(
            name="payee_fraud_run",
            entity=Entity.PAYEE,
            delay_seconds=LABEL_DELAY_SECONDS,
            meaning="Seconds since the payee's latest known payments began to be all fraud.",
        )
    ]
    for half_life in LABEL_HALF_LIVES:
        measures = (Measure.COUNT, Measure.LABEL, Measure.UNEXPLAINED_LABEL)
        counters = [
            _decayed(Entity.PAYEE, measure, half_life, delay_seconds=LABEL_DELAY_SECONDS)
            for measure in measures
        ]
        count, label, unexplained = (counter.name for counter in counters)
        features += counters
        features += [
            Ratio(
                name=f"payee_fraud_rate_{half_life}",
                over=label,
                under=count,
                meaning=f"Share of fraud among what is known of the payee, half-life {half_life}.",
            ),
            Ratio(
                name=f"payee_unexplained_fraud_rate_{half_life}",
                over=unexplained,
                under=count,
                meaning=f"The same of frauds with a usual amount, half-life {half_life}.",
            ),
        ]
    return features


def _ratios() -> list[Feature]:
    return [
        Ratio(
            name="payer_mean_amount_30d",
            over="payer_amount_30d",
            under="payer_count_30d",
            meaning="What the payer pays on average, in minor units.",
        ),
        Ratio(
            name="amount_to_payer_mean",
            over="amount",
            under="payer_mean_amount_30d",
            meaning="The amount over what the payer pays on average.",
        ),
        Ratio(
            name="payee_mean_amount_30d",
            over="payee_amount_30d",
            under="payee_count_30d",
            meaning="What the payee is paid on average, in minor units.",
        ),
        Ratio(
            name="amount_to_payee_mean",
            over="amount",
            under="payee_mean_amount_30d",
            meaning="The amount over what the payee is paid on average.",
        ),
    ]


def _facts_and_times() -> list[Feature]:
    return [
        Fact("amount", FeatureType.INTEGER, "The amount in minor units."),
        Fact("is_night", FeatureType.FLAG, "Whether it is between 0:00 and 7:00 local time."),
        Fact("is_weekend", FeatureType.FLAG, "Whether it is Saturday or Sunday, local time."),
        Since("payer_since", Entity.PAYER, "Seconds since the payer's last payment."),
        Since("payee_since", Entity.PAYEE, "Seconds since the payee was paid last."),
        Since("pair_since", Entity.PAIR, "Seconds since the payer last paid this payee."),
        Since("device_since", Entity.DEVICE, "Seconds since the device was last used to pay."),
        Distinct(
            "payer_payees_1d",
            Entity.PAYER,
            Entity.PAYEE,
            DAY,
            "Distinct payees of the payer, half-life 1d.",
        ),
        Distinct(
            "payee_payers_1d",
            Entity.PAYEE,
            Entity.PAYER,
            DAY,
            "Distinct payers of the payee, half-life 1d.",
        ),
        Distinct(
            "device_payers_30d",
            Entity.DEVICE,
            Entity.PAYER,
            30 * DAY,
            "Distinct payers who used the device, half-life 30d.",
        ),
    ]


#: All standard features of payments.
STANDARD: Final[tuple[Feature, ...]] = (
    *_facts_and_times(),
    *_counters(),
    *_ratios(),
    *_labels(),
)

#: What the model of payment fraud looks at.
FRAUD_MODEL: Final[tuple[str, ...]] = (
    "amount",
    "is_night",
    "is_weekend",
    "amount_to_payer_mean",
    "payer_mean_amount_30d",
    "payer_count_1d",
    "payer_count_30d",
    "payer_unusual_1d",
    "payer_unusual_30d",
    "payer_since",
    "payee_fraud_run",
    *(
        f"payee_{what}_{half_life}"
        for what in (
            "known_count",
            "label",
            "unexplained_label",
            "fraud_rate",
            "unexplained_fraud_rate",
        )
        for half_life in LABEL_HALF_LIVES
    ),
)
