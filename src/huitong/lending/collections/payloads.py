"""Strategies as approvals keep them: JSON with whole numbers and texts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from huitong.lending.collections.types import Channel, NewStep, NewStrategy, Segment
from huitong.lending.products import Purpose

Payload = Mapping[str, Any]


def write_strategy(new: NewStrategy) -> dict[str, Any]:
    """Return a version as it is approved."""
    return {
        "purpose": new.purpose.value,
        "currency": new.currency,
        "name_zh": new.name_zh,
        "name_en": new.name_en,
        "effective_from": new.effective_from.isoformat(),
        "before_due": [_write_step(each) for each in new.before_due],
        "segments": [
            {
                "code": each.code,
                "days_min": each.days_min,
                "amount_min": each.amount_min,
                "score_max": each.score_max,
                "steps": [_write_step(step) for step in each.steps],
            }
            for each in new.segments
        ],
    }


def read_strategy(payload: Payload) -> NewStrategy:
    """Return the version that was approved."""
    return NewStrategy(
        purpose=Purpose(payload["purpose"]),
        currency=payload["currency"],
        name_zh=payload["name_zh"],
        name_en=payload["name_en"],
        effective_from=date.fromisoformat(payload["effective_from"]),
        before_due=tuple(_read_step(each) for each in payload["before_due"]),
        segments=tuple(
            Segment(**{**each, "steps": tuple(_read_step(step) for step in each["steps"])})
            for each in payload["segments"]
        ),
    )


def _write_step(step: NewStep) -> dict[str, Any]:
    return {
        "day": step.day,
        "channel": step.channel.value,
        "is_automatic": step.is_automatic,
        "text_zh": step.text_zh,
        "text_en": step.text_en,
    }


def _read_step(payload: Payload) -> NewStep:
    return NewStep(**{**payload, "channel": Channel(payload["channel"])})
