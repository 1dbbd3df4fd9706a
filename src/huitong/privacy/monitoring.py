"""Watching how staff read people's data: records of looks, alerts, and cutting access."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import audit, limits, outbox
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import ACCESS_ALERT, show_id, uuid7
from huitong.privacy import monitoring_store
from huitong.privacy.access_rules import AccessRule, AccessRules
from huitong.privacy.errors import CutNotFound, LiftedBySamePerson
from huitong.privacy.events import AccessAlertRaised
from huitong.privacy.records import AccessAlert, Cut
from huitong.privacy.vault import Vault

_INDEX_BYTES: Final = 16


async def record_view(
    uow: UnitOfWork, *, viewer: str, subject_id: uuid.UUID, is_related: bool, now: datetime
) -> None:
    """Record that a viewer looked at a person, masked or not.

    `is_related` says that they work on something of this person: a case, a call, a request.
    """
    related = [subject_id] if is_related else []
    await record_views(uow, viewer=viewer, subject_ids=[subject_id], related=related, now=now)


async def record_views(
    uow: UnitOfWork,
    *,
    viewer: str,
    subject_ids: Iterable[uuid.UUID],
    related: Collection[uuid.UUID],
    now: datetime,
) -> None:
    """Record that a viewer looked at each person of a list, as `record_view` does for one."""
    views = [(uuid7(), subject_id, subject_id in related) for subject_id in subject_ids]
    await monitoring_store.insert_views(uow, views, viewer=_check_viewer(viewer), now=now)


async def record_search(
    uow: UnitOfWork,
    vault: Vault,
    *,
    viewer: str,
    kind: str,
    value: str,
    found: uuid.UUID | None,
    is_related: bool = False,
    now: datetime,
) -> None:
    """Record that a viewer searched for `value`, and whom they found; the value is not kept.

    Its blind index is, and for a number the index of the number after it, so that going through
    numbers one by one is seen without any of them being known.
    """
    following = None
    is_number = value.isascii() and value.isdigit()
    if is_number and len(value) <= limits.SEARCHED_NUMBER_LENGTH_MAX:
        following = str(int(value) + 1).zfill(len(value))
    await monitoring_store.insert_search(
        uow,
        lookup_id=uuid7(),
        viewer=_check_viewer(viewer),
        subject_id=found,
        is_related=is_related,
        searched=_index(vault, kind, value),
        following=None if following is None else _index(vault, kind, following),
        now=now,
    )


async def scan_access(
    uow: UnitOfWork, *, now: datetime, rules: AccessRules | None = None
) -> tuple[AccessAlert, ...]:
    """Raise an alert for each viewer who reads unusually, cut whom a rule cuts; return the alerts.

    A rule names a viewer once in its window. Thirty people seen in full within an hour are an
    alert, twenty-nine are none. While another process scans, nothing is done.
    """
    read = rules or AccessRules.load()
    if not await monitoring_store.try_to_scan(uow):
        return ()
    raised = []
    for rule in read.rules:
        from_at = now - timedelta(minutes=rule.window_minutes)
        counts = await monitoring_store.count_by_viewer(
            uow,
            rule.measure,
            from_at=from_at,
            now=now,
            odd_hours=(read.odd_hours.from_hour, read.odd_hours.until_hour),
        )
        reached = sorted(viewer for viewer, count in counts.items() if count >= rule.threshold)
        named = await monitoring_store.find_recently_named(uow, rule.rule, reached, from_at)
        # What is left over is found by the next scan.
        new = [viewer for viewer in reached if viewer not in named]
        for viewer in new[: limits.ACCESS_ALERTS_AT_ONCE_MAX]:
            alert = AccessAlert(
                id=uuid7(),
                rule=rule.rule,
                viewer=viewer,
                count=counts[viewer],
                threshold=rule.threshold,
                from_at=from_at,
                raised_at=now,
            )
            await _raise_alert(uow, rule, alert)
            raised.append(alert)
    return tuple(raised)


async def cut_viewer(uow: UnitOfWork, *, viewer: str, now: datetime) -> bool:
    """Cut a viewer's access to people's data by hand; False if it is cut already."""
    return await _cut(uow, _check_viewer(viewer), None, now)


async def lift_cut(uow: UnitOfWork, *, viewer: str, reason: str, now: datetime) -> Cut:
    """Give a viewer access again, and return the cut that ended.

    The caller must be neither the viewer nor who cut. Raises CutNotFound, LiftedBySamePerson, and
    InvalidField for a reason that says nothing.
    """
    written = reason.strip()
    if not 1 <= len(written) <= limits.DISCLOSURE_REASON_LENGTH_MAX or not written.isprintable():
        raise InvalidField(
            f"must have 1 to {limits.DISCLOSURE_REASON_LENGTH_MAX} printable characters",
            field="reason",
        )
    cut = await monitoring_store.lock_cut(uow, viewer)
    if cut is None:
        raise CutNotFound("This viewer's access is not cut", field="viewer")
    if uow.caller.actor in (cut.viewer, cut.cut_by):
        raise LiftedBySamePerson("Who was cut, or who cut, may not lift it")
    lifted = await monitoring_store.lift_cut(
        uow, cut.id, lifted_by=uow.caller.actor, reason=written, now=now
    )
    await audit.record(uow, action="privacy.lift_cut", subject=viewer)
    return lifted


async def list_access_alerts(
    uow: UnitOfWork,
    *,
    viewer: str | None = None,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[AccessAlert, ...]:
    """Return a page of alerts, newest first. Raises InvalidField for a bad limit."""
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return await monitoring_store.list_alerts(uow, viewer=viewer, before_id=before_id, limit=limit)


async def list_cut_viewers(uow: UnitOfWork) -> tuple[Cut, ...]:
    """Return whose access is cut, the longest first, at most `limits.PAGE_SIZE_MAX`."""
    return await monitoring_store.list_cut(uow, limits.PAGE_SIZE_MAX)


async def _raise_alert(uow: UnitOfWork, rule: AccessRule, alert: AccessAlert) -> None:
    await monitoring_store.insert_alert(uow, alert)
    is_cut = rule.cuts and await _cut(uow, alert.viewer, alert.id, alert.raised_at)
    await audit.record(
        uow,
        action="privacy.raise_access_alert",
        subject=show_id(ACCESS_ALERT, alert.id),
        details={"rule": alert.rule, "viewer": alert.viewer, "count": alert.count},
    )
    event = AccessAlertRaised(
        alert_id=alert.id,
        rule=alert.rule,
        viewer=alert.viewer,
        is_cut=is_cut,
        raised_at=alert.raised_at,
    )
    await outbox.append(uow, [event])


async def _cut(uow: UnitOfWork, viewer: str, alert_id: uuid.UUID | None, now: datetime) -> bool:
    is_cut = await monitoring_store.insert_cut(
        uow,
        cut_id=uuid7(),
        viewer=viewer,
        alert_id=alert_id,
        cut_by=uow.caller.actor,
        now=now,
    )
    if is_cut:
        await audit.record(uow, action="privacy.cut_viewer", subject=viewer)
    return is_cut


def _index(vault: Vault, kind: str, value: str) -> bytes:
    return vault.blind_index(kind, value)[:_INDEX_BYTES]


def _check_viewer(viewer: str) -> str:
    if not 1 <= len(viewer) <= limits.NAME_LENGTH_MAX:
        raise InvalidField(f"must have 1 to {limits.NAME_LENGTH_MAX} characters", field="viewer")
    return viewer
