"""Scenes of the opening: the card, what is read on it, the application, and a name that differs."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from huitong.customers import (
    CardField,
    CardReading,
    CardSide,
    FieldVerdict,
    PictureDesk,
    compare_card,
)
from huitong.demo.day import Person, short
from huitong.demo.onboarding.applicants import Applicant
from huitong.demo.onboarding.journey import APPLICATIONS, Asker, Journey
from huitong.privacy import DataKind, mask

#: Two digits the other way round, as fingers do it.
_SWAPPED: Final = slice(-4, -2)
_LABELS: Final = {
    CardField.NAME: "姓名 name",
    CardField.SEX: "性别 sex",
    CardField.ADDRESS: "住址 address",
    CardField.NUMBER: "号码 number",
    CardField.VALID_FROM_ON: "有效期自 valid from",
    CardField.VALID_UNTIL_ON: "有效期至 valid until",
}


def draw_card(journey: Journey, folder: Path) -> None:
    """The card is drawn, and kept so that a person can look at it."""
    stage = journey.day.stage
    stage.scene("证件", "The identity card")
    stage.tell("画一张无此人的身份证，再拍下来。", "A card of nobody, drawn and photographed.")
    folder.mkdir(parents=True, exist_ok=True)
    for kind, content in journey.applicant.pictures.items():
        path = folder / f"{kind}.jpg"
        path.write_bytes(content)
        stage.aside(f"{path}  {len(content):,} B")


def read_card(journey: Journey) -> None:
    """The card is read by the same desk as the worker's, and compared with what is typed."""
    day, applicant = journey.day, journey.applicant
    day.stage.scene("识读", "What is typed, and what is read")
    day.stage.tell("图片在独立进程里识读，再与填写的逐项核对。", "Read in a process of its own.")
    front, back = asyncio.run(_read(applicant))
    rows: list[tuple[str, str, str, str, str]] = []
    sides = ((front, _typed_front(applicant)), (back, _typed_back(applicant)))
    for reading, typed in sides:
        verdicts = compare_card(reading, typed).fields
        for field, value in typed.items():
            found = reading.fields.get(field)
            text, confidence = ("—", 0.0) if found is None else (found.text, found.confidence)
            written = "长期" if value is None else str(value)
            rows.append((_LABELS[field], written, text, f"{confidence:.2f}", str(verdicts[field])))
    day.stage.table(
        "填写与识读 Typed and read",
        (
            ("项目 Field", "left"),
            ("填写 Typed", "left"),
            ("识读 Read", "left"),
            ("置信度 Sure", "right"),
            ("结论 Verdict", "left"),
        ),
        rows,
    )
    is_same = all(row[-1] == FieldVerdict.EQUAL for row in rows)
    day.check("逐项一致 every field agrees", is_same, True)


def apply(journey: Journey) -> None:
    """The application: a slip is told at once; then it is checked outside and decided."""
    day, applicant = journey.day, journey.applicant
    day.stage.scene("开户", "Opening the account")
    phone = journey.phone
    code, message = phone.ask_code()
    day.stage.aside(f"短信 text message: {message}")
    signed_up = phone.do("/v1/identity/sign-ups", code)
    journey.sign_up_token = signed_up["token"]
    phone.use(journey.sign_up_token)
    path = _start(journey, phone)
    own = path.endswith(signed_up["application"])
    day.check("号码已验证，一号一份申请 one application for a number", own, True)
    number = applicant.specimen.number
    swapped = number[: _SWAPPED.start] + number[_SWAPPED][::-1] + number[_SWAPPED.stop :]
    day.stage.tell("身份证号填错两位", "Two digits the wrong way round")
    wrong = phone.do(f"{path}/person", applicant.body(id_number=swapped))
    found = {remark["code"] for remark in wrong["remarks"] if remark["field"] == "id_number"}
    day.check("当场指出校验位不符 told at once", "check_digit_wrong" in found, True)
    day.stage.tell("改正后递交", "Put right and handed in")
    decided, seconds = _hand_in(journey, path, applicant, phone)
    day.check("结论 decision", decided["state"], "approved")
    day.stage.aside(f"识读、比对人脸、询问登记机构，{seconds:.1f} 秒 from hand-in to decision")
    day.check("外部渠道 confirmed by", " + ".join(day.read(path)["channels"]), "identity + mobile")
    customer = day.read(f"/v1/customers/{decided['customer']}")
    name = mask(DataKind.NAME, applicant.specimen.name)
    journey.customer = Person(name, customer["id"], customer["account"], mobile=applicant.mobile)
    day.people.append(journey.customer)
    day.check("户名只以掩码示人 shown masked", customer["name"], name)
    day.check("两个渠道，只开Ⅰ类 two channels make class Ⅰ", customer["account_class"], 1)


def mistype_name(journey: Journey) -> None:
    """Another person's name differs from the card: no machine opens that, a person looks."""
    day, other = journey.day, journey.other
    day.stage.scene("人工", "A name that is not the card's")
    day.stage.tell("另一位申请人把姓名填错", "Another applicant types another name")
    path = _start(journey, day)
    typed = other.specimen.name[0] + "冒名"
    waiting, _ = _hand_in(journey, path, other, day, name=typed)
    day.check("结论 decision", waiting["state"], "pending_review")
    remarks = {remark["field"]: remark["code"] for remark in waiting["remarks"]}
    day.check("姓名与证件不符 the name differs", remarks.get("id_front.name"), "field_differs")
    refused = day.do(f"{path}/refusal", {"reason": "姓名与证件不符 the name is not the card's"})
    day.check(f"柜员拒绝 refused by staff {short(refused['id'])}", refused["state"], "refused")


def _start(journey: Journey, by: Asker) -> str:
    body = {"requested_class": 2, "consent": f"demo-{journey.day.run}"}
    return f"{APPLICATIONS}/{by.do(APPLICATIONS, body)['id']}"


def _hand_in(
    journey: Journey, path: str, applicant: Applicant, by: Asker, **changed: str
) -> tuple[dict[str, Any], float]:
    by.do(f"{path}/person", applicant.body(**changed))
    for kind, content in applicant.pictures.items():
        body = {"kind": kind, "content": base64.b64encode(content).decode()}
        by.do(f"{path}/pictures", body)
    by.do(f"{path}/submission", {})
    return journey.wait_for_decision(path, by)


async def _read(applicant: Applicant) -> tuple[CardReading, CardReading]:
    async with PictureDesk() as desk:
        front = await desk.read_card(
            applicant.pictures["id_front"], side=CardSide.FRONT, field="id_front"
        )
        back = await desk.read_card(
            applicant.pictures["id_back"], side=CardSide.BACK, field="id_back"
        )
    return front, back


def _typed_front(applicant: Applicant) -> Mapping[CardField, str | date | None]:
    person = applicant.specimen
    return {
        CardField.NAME: person.name,
        CardField.SEX: person.sex,
        CardField.ADDRESS: person.address,
        CardField.NUMBER: person.number,
    }


def _typed_back(applicant: Applicant) -> Mapping[CardField, str | date | None]:
    person = applicant.specimen
    return {
        CardField.VALID_FROM_ON: person.valid_from_on,
        CardField.VALID_UNTIL_ON: person.valid_until_on,
    }
