"""The texts of notices, in both languages, read from `notice_texts.yaml`."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from huitong.identity.languages import Language
from huitong.identity.notices.types import Notice, NoticeKind
from huitong.kernel.clock import SHANGHAI
from huitong.kernel.yaml_text import read_yaml

_FILE: Final = "notice_texts.yaml"
_ZONE: Final = ZoneInfo(SHANGHAI)
_SENDER: Final = {Language.ZH: "【汇通】", Language.EN: "[Huitong] "}


def write_notice(notice: Notice, *, language: Language = Language.ZH) -> str:
    """Return the message as its reader sees it, at most some 200 characters.

    An amount of 100.00 CNY is 100.00 元 in Chinese and CNY 100.00 in English; times are Shanghai's.
    Raises ValueError if the kind's text names an amount or a time that the notice lacks, or if its
    own texts lack a language.
    """
    if notice.texts is not None:
        if not set(Language) <= notice.texts.keys():
            raise ValueError("A notice with texts of its own has them in both languages")
        return _SENDER[language] + notice.texts[language]
    text = _load_texts()[notice.kind][language]
    facts = {
        "amount": None if notice.amount is None else _show_amount(notice, language),
        "until": None if notice.until is None else _show_time(notice.until, language),
    }
    lacking = [name for name, value in facts.items() if value is None and f"{{{name}}}" in text]
    if lacking:
        raise ValueError(f"A notice of {notice.kind} needs {' and '.join(lacking)}")
    return _SENDER[language] + text.format(**facts)


def _show_amount(notice: Notice, language: Language) -> str:
    assert notice.amount is not None
    shown = notice.amount.to_json()
    if language is Language.ZH and shown["currency"] == "CNY":
        return f"{shown['amount']} 元"
    return f"{shown['currency']} {shown['amount']}"


def _show_time(at: datetime, language: Language) -> str:
    local = at.astimezone(_ZONE)
    return f"{local:%m月%d日 %H:%M}" if language is Language.ZH else f"{local:%d %b, %H:%M}"


@cache
def _load_texts() -> Mapping[NoticeKind, Mapping[str, str]]:
    read = read_yaml(resources.files(__package__).joinpath(_FILE).read_text("utf-8"))
    return {NoticeKind(kind): texts for kind, texts in read.items()}
