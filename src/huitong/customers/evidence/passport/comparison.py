"""What the lines of a passport say against what was typed, field by field."""

from collections.abc import Mapping
from datetime import date

from huitong.customers.evidence.findings import Finding, FindingCode, warn
from huitong.customers.evidence.id_card.reading import CONFIDENCE_MIN
from huitong.customers.evidence.numbers.texts import compact
from huitong.customers.evidence.numbers.types import Sex
from huitong.customers.evidence.passport.mrz import MachineZone, MrzField, tidy_latin
from huitong.customers.evidence.passport.reading import PassportReading

_NAMES_LENGTH_MAX = 39


def compare_passport(
    reading: PassportReading, typed: Mapping[MrzField, str | date | Sex | None]
) -> tuple[Finding, ...]:
    """Return what differs between the lines and what was typed; nothing if all is equal.

    A field whose check digit is wrong, and any that differs in a reading below `CONFIDENCE_MIN`,
    could not be read: a bad picture is not a lie. A long name is cut on the passport, so only as
    much of it is compared. Without lines the reading's own findings say why.
    """
    zone = reading.zone
    if zone is None:
        return reading.findings
    findings = []
    if not zone.is_sound:
        findings.append(Finding(code=FindingCode.CHECK_DIGIT_WRONG, field="mrz"))
    for name, value in typed.items():
        if name in zone.broken:
            findings.append(warn(FindingCode.FIELD_UNREADABLE, name.value))
        elif not _is_same(zone, name, value):
            is_sure = reading.confidence >= CONFIDENCE_MIN
            findings.append(
                Finding(code=FindingCode.FIELD_DIFFERS, field=name.value)
                if is_sure
                else warn(FindingCode.FIELD_UNREADABLE, name.value)
            )
    return tuple(findings)


def _is_same(zone: MachineZone, name: MrzField, value: str | date | Sex | None) -> bool:
    read = getattr(zone, name.value)
    if name is MrzField.SEX:
        # A passport may leave the sex open.
        return read is None or read is value
    if name is MrzField.NAME_LATIN:
        shown, wanted = tidy_latin(read), tidy_latin(str(value))
        is_cut = len(shown) >= _NAMES_LENGTH_MAX - 2
        return shown == wanted or (is_cut and wanted.startswith(shown))
    if name is MrzField.NUMBER:
        return bool(read == compact(str(value)))
    return bool(read == value)
