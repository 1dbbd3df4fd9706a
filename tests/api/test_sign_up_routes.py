"""Signing up on a telephone over a real server: a number, an application, a login."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.api.test_onboarding_routes import (
    APPLICATIONS,
    PNG,
    body_of,
    check_without_registries,
)

from huitong import identity
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import uuid7

SIGN_UPS = "/v1/identity/sign-ups"
SESSIONS = "/v1/identity/sessions/by-code"
START = {"requested_class": 2, "consent": "consent-1"}


def new_mobile() -> str:
    return f"13{uuid.uuid4().int % 10**9:09d}"


class Applicant:
    """Somebody with a telephone, before anybody knows them."""

    def __init__(self, http: httpx.AsyncClient, api: Any) -> None:
        self.http = http
        self.api = api
        self.mobile = new_mobile()
        self.headers: dict[str, str] = {}

    async def ask_code(self) -> dict[str, str]:
        """Have a code sent, as if the minute to wait were over, and return it as a body."""
        await self.api.run_as_owner(
            "UPDATE identity.one_time_codes SET created_at = created_at - interval '1 minute', "
            "expires_at = expires_at - interval '1 minute' "
            "WHERE created_at > now() - interval '1 minute'"
        )
        asked = await self.http.post("/v1/identity/codes", json={"mobile": self.mobile})
        assert asked.status_code == 201, asked.text
        text = self.api.sms.read_last(self.mobile)
        return {"code_id": asked.json()["id"], "code": re.findall("[0-9]{6}", text)[0]}

    async def sign_up(self) -> dict[str, Any]:
        """Prove the number; later calls carry the token."""
        answer = await self.http.post(SIGN_UPS, json=await self.ask_code())
        assert answer.status_code == 201, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        body: dict[str, Any] = answer.json()
        return body

    async def post(self, path: str, body: Any) -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": uuid.uuid4().hex}
        return await self.http.post(path, json=body, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers=self.headers)

    async def draft(self, seed: int) -> str:
        """Start the application and save its evidence; returns its address."""
        started = await self.post(APPLICATIONS, START)
        assert started.status_code == 201, started.text
        path = f"{APPLICATIONS}/{started.json()['id']}"
        saved = await self.post(f"{path}/person", body_of(seed, mobile=self.mobile))
        assert saved.status_code == 200, saved.text
        for kind in ("id_front", "id_back", "selfie"):
            picture = await self.post(f"{path}/pictures", {"kind": kind, "content": PNG})
            assert picture.status_code == 200, picture.text
        return path


@pytest.fixture
def new_applicant(api: Any, anonymous: httpx.AsyncClient) -> Callable[[], Applicant]:
    return lambda: Applicant(anonymous, api)


NewApplicant = Callable[[], Applicant]


async def test_a_number_becomes_an_application_a_customer_and_a_login(
    api: Any, anonymous: httpx.AsyncClient, post: Any, settings_for: Any, new_applicant: Any
) -> None:
    person = new_applicant()
    sign_up = await person.sign_up()
    path = await person.draft(11)
    assert path == f"{APPLICATIONS}/{sign_up['application']}"
    early = await anonymous.post(SESSIONS, json=await person.ask_code())
    assert (early.status_code, early.json()["code"]) == (404, "login_not_opened")
    assert (await person.post(f"{path}/submission", {})).json()["state"] == "checking"
    await check_without_registries(api, settings_for)
    approved = await post(f"{path}/approval", {"in_person": True, "reason": "at the counter"})
    assert approved.json()["state"] == "approved", approved.text
    seen = (await person.get(path)).json()
    assert (seen["state"], seen["customer"]) == ("approved", approved.json()["customer"])
    opened = await anonymous.post(SESSIONS, json=await person.ask_code())
    assert opened.status_code == 201, opened.text
    assert opened.json()["session"]["subject"][4:] == seen["customer"][4:]
    session = {"Authorization": f"Bearer {opened.json()['token']}"}
    mine = await anonymous.get(f"/v1/customers/{seen['customer']}", headers=session)
    assert mine.json()["account_class"] == 2
    again = await anonymous.post(SIGN_UPS, json=await person.ask_code())
    assert (again.status_code, again.json()["code"]) == (409, "number_has_login")


async def test_a_token_becomes_a_session_once_when_the_account_is_open(
    api: Any, anonymous: httpx.AsyncClient, post: Any, settings_for: Any, new_applicant: Any
) -> None:
    person = new_applicant()
    sign_up = await person.sign_up()
    body = {"token": sign_up["token"], "device": {"name": "手机"}}

    async def exchange() -> httpx.Response:
        return await anonymous.post("/v1/identity/sessions/by-sign-up", json=body)

    early = await exchange()
    assert (early.status_code, early.json()["code"]) == (401, "log_in_refused")
    path = await person.draft(21)
    await person.post(f"{path}/submission", {})
    await check_without_registries(api, settings_for)
    undecided = await exchange()
    assert undecided.status_code == 401
    approved = await post(f"{path}/approval", {"in_person": True, "reason": "at the counter"})
    customer = approved.json()["customer"]
    answers = await asyncio.gather(*(exchange() for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [201] + [401] * 5
    (opened,) = (each.json() for each in answers if each.status_code == 201)
    assert opened["device_token"].startswith("htd_")
    session = {"Authorization": f"Bearer {opened['token']}"}
    mine = await anonymous.get(f"/v1/customers/{customer}", headers=session)
    assert mine.status_code == 200
    # Of the two, only the session opens anything from now on.
    assert (await person.get(path)).status_code == 401


async def test_two_members_of_staff_open_the_login_as_well(
    api: Any, anonymous: httpx.AsyncClient, settings_for: Any, staff: Any, new_applicant: Any
) -> None:
    person = new_applicant()
    sign_up = await person.sign_up()
    path = await person.draft(22)
    await person.post(f"{path}/submission", {})
    await check_without_registries(api, settings_for)
    maker = await staff.sign_in(await staff.person("maker", "operations"))
    checker = await staff.sign_in(await staff.person("checker", "operations"))
    asked = await anonymous.post(
        f"{path}/approval",
        json={"in_person": True, "reason": "at the counter"},
        headers={**maker, "Idempotency-Key": uuid.uuid4().hex},
    )
    decided = await staff.decide(asked, checker)
    assert decided.status_code == 200, decided.text
    assert (await person.get(path)).json()["state"] == "approved"
    opened = await anonymous.post(
        "/v1/identity/sessions/by-sign-up", json={"token": sign_up["token"]}
    )
    assert opened.status_code == 201, opened.text


async def test_an_applicant_is_told_of_remarks_but_not_of_what_others_found(
    api: Any, client: httpx.AsyncClient, settings_for: Any, new_applicant: NewApplicant
) -> None:
    person = new_applicant()
    await person.sign_up()
    path = await person.draft(12)
    await person.post(f"{path}/submission", {})
    await check_without_registries(api, settings_for)
    own, partner = (await person.get(path)).json(), (await client.get(path)).json()
    assert own["state"] == partner["state"] == "pending_review"
    assert "picture_damaged" in {each["code"] for each in partner["remarks"]}
    assert own["channels"] == []
    for secret in (body_of(12)["name"], body_of(12)["id_number"], person.mobile):
        assert secret not in str(own)


async def test_only_the_proved_number_can_be_applied_with(new_applicant: NewApplicant) -> None:
    person = new_applicant()
    await person.sign_up()
    started = await person.post(APPLICATIONS, START)
    path = f"{APPLICATIONS}/{started.json()['id']}"
    other = await person.post(f"{path}/person", body_of(13, mobile=new_mobile()))
    assert (other.status_code, other.json()["code"]) == (422, "invalid_field")
    assert other.json()["field"] == "mobile"
    assert (await person.get(path)).json()["applicant"] is None
    own = await person.post(f"{path}/person", body_of(13, mobile=person.mobile))
    assert own.status_code == 200


async def test_a_number_has_one_application_and_its_last_token_only(
    new_applicant: NewApplicant,
) -> None:
    person = new_applicant()
    first = await person.sign_up()
    path = await person.draft(14)
    old = dict(person.headers)
    second = await person.sign_up()
    assert second["application"] == first["application"]
    assert second["token"] != first["token"]
    assert (await person.get(path)).json()["state"] == "draft"
    started = await person.post(APPLICATIONS, START)
    assert started.json()["id"] == first["application"]
    person.headers = old
    void = await person.get(path)
    assert (void.status_code, void.json()["code"]) == (401, "not_authenticated")


async def test_applications_of_others_do_not_exist(post: Any, new_applicant: NewApplicant) -> None:
    one, two = new_applicant(), new_applicant()
    await one.sign_up()
    await two.sign_up()
    theirs = await one.draft(15)
    made_up = f"{APPLICATIONS}/app_{uuid.uuid4().hex}"
    partners = f"{APPLICATIONS}/{(await post(APPLICATIONS, START)).json()['id']}"
    for path in (theirs, partners):
        for answer, unknown in (
            (await two.get(path), await two.get(made_up)),
            (
                await two.post(f"{path}/person", body_of(16, mobile=two.mobile)),
                await two.post(f"{made_up}/person", body_of(16, mobile=two.mobile)),
            ),
            (
                await two.post(f"{path}/pictures", {"kind": "selfie", "content": PNG}),
                await two.post(f"{made_up}/pictures", {"kind": "selfie", "content": PNG}),
            ),
            (await two.post(f"{path}/submission", {}), await two.post(f"{made_up}/submission", {})),
        ):
            assert answer.status_code == unknown.status_code == 404
            told = answer.text.replace(path[-36:], made_up[-36:])
            ids = re.compile(r'"request_id":"[^"]+"')
            assert ids.sub("", told) == ids.sub("", unknown.text)


async def test_an_applicant_does_nothing_else_and_consents_in_nobodys_place(
    post: Any, new_applicant: NewApplicant
) -> None:
    person = new_applicant()
    await person.sign_up()
    path = await person.draft(17)
    body = {"name": "甲", "mobile": new_mobile(), "account_class": 3}
    guardian = (await post("/v1/customers", body)).json()
    for answer in (
        await person.get("/v1/customers"),
        await person.get(f"/v1/customers/{guardian['id']}"),
        await person.get(f"/v1/accounts/{guardian['account']}/balance"),
        await person.get(APPLICATIONS),
        await person.post(f"{path}/approval", {"in_person": True, "reason": "me"}),
        await person.post(
            f"{path}/guardian-consent",
            {"guardian": guardian["id"], "relation": "parent", "version": 1, "channel": "app"},
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), answer.text
    pay = await person.post("/v1/payments", {"payer": guardian["account"]})
    assert pay.status_code == 401
    own = await person.get("/v1/identity/sessions")
    assert (own.status_code, own.json()["code"]) == (401, "session_ended")
    office = await person.get("/v1/staff/me")
    assert (office.status_code, office.json()["code"]) == (403, "not_permitted")


async def test_a_customer_begins_no_second_application(
    anonymous: httpx.AsyncClient, customer_headers: Callable[..., Awaitable[dict[str, str]]]
) -> None:
    headers = {**await customer_headers(), "Idempotency-Key": uuid.uuid4().hex}
    answer = await anonymous.post(APPLICATIONS, json=START, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")


async def test_a_guardian_consents_for_themselves_only(
    anonymous: httpx.AsyncClient,
    post: Any,
    customer_headers: Callable[..., Awaitable[dict[str, str]]],
    new_applicant: NewApplicant,
) -> None:
    child = new_applicant()
    await child.sign_up()
    path = await child.draft(18)
    bodies = [{"name": "甲", "mobile": new_mobile(), "account_class": 3} for _ in range(2)]
    mine, theirs = [(await post("/v1/customers", body)).json() for body in bodies]
    headers = {**await customer_headers(mine["id"]), "Idempotency-Key": uuid.uuid4().hex}
    body = {"guardian": theirs["id"], "relation": "parent", "version": 1, "channel": "app"}
    answer = await anonymous.post(f"{path}/guardian-consent", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["context"] == {"id": theirs["id"]}


async def test_a_number_with_a_login_is_told_to_its_owner_whose_code_still_opens(
    api: Any, anonymous: httpx.AsyncClient, server_vault: Any, new_applicant: NewApplicant
) -> None:
    person = new_applicant()
    await api.run(
        lambda uow: identity.open_login(
            uow,
            vault=server_vault,
            login_id=uuid7(),
            audience=identity.Audience.CUSTOMER,
            subject_id=uuid7(),
            mobile=person.mobile,
            now=SystemClock().now(),
        )
    )
    code = await person.ask_code()
    wrong = {**code, "code": f"{(int(code['code']) + 1) % 10**6:06d}"}
    refused = await anonymous.post(SIGN_UPS, json=wrong)
    log_in = await anonymous.post(SESSIONS, json=wrong)
    assert (refused.status_code, refused.json()["code"]) == (401, "log_in_refused")
    assert refused.json()["detail"] == log_in.json()["detail"]
    taken = await anonymous.post(SIGN_UPS, json=code)
    assert (taken.status_code, taken.json()["code"]) == (409, "number_has_login")
    opened = await anonymous.post(SESSIONS, json=code)
    assert opened.status_code == 201
    assert (await anonymous.post(SESSIONS, json=code)).status_code == 401


async def test_a_code_signs_up_once_however_many_bring_it(new_applicant: NewApplicant) -> None:
    person = new_applicant()
    code = await person.ask_code()
    answers = await asyncio.gather(*(person.http.post(SIGN_UPS, json=code) for _ in range(8)))
    codes = [each.status_code for each in answers]
    assert codes.count(201) == 1
    # Wrong ones count, and lock the number after the fifth.
    assert set(codes) <= {201, 401, 429}


async def test_who_was_refused_may_begin_anew_with_another_application(
    api: Any, post: Any, settings_for: Any, new_applicant: NewApplicant
) -> None:
    person = new_applicant()
    first = await person.sign_up()
    path = await person.draft(19)
    await person.post(f"{path}/submission", {})
    await check_without_registries(api, settings_for)
    refused = await post(f"{path}/refusal", {"reason": "another face"})
    assert refused.json()["state"] == "refused"
    told = (await person.get(path)).json()
    assert told["state"] == "refused"
    assert "another face" not in str(told)
    second = await person.sign_up()
    assert second["application"] != first["application"]
    assert (await person.post(APPLICATIONS, START)).json()["state"] == "draft"


async def test_a_token_is_shown_once_and_kept_nowhere(
    api: Any, new_applicant: NewApplicant
) -> None:
    person = new_applicant()
    token = (await person.sign_up())["token"]
    rows = await api.run(lambda uow: uow.execute("SELECT s::text AS row FROM identity.sign_ups s"))
    assert rows
    assert all(token not in each.row and person.mobile not in each.row for each in rows)
