"""Choosing a language over HTTP: at sign-up by field or browser, and later by a route."""

from typing import Any

import httpx
import pytest
from tests.api.test_sign_up_routes import SIGN_UPS, Applicant

from huitong import identity
from huitong.kernel.ids import APPLICATION, read_id

LANGUAGE = "/v1/identity/language"


@pytest.mark.parametrize(
    ("field", "header", "language"),
    [(None, None, "zh"), (None, "en-GB,en;q=0.9", "en"), ("zh", "en", "zh"), ("en", "zh", "en")],
)
async def test_a_sign_up_says_in_which_language_messages_come(
    api: Any, anonymous: httpx.AsyncClient, field: str | None, header: str | None, language: str
) -> None:
    applicant = Applicant(anonymous, api)
    body = await applicant.ask_code()
    more = {} if field is None else {"language": field}
    headers = {"Accept-Language": header or ""}
    answer = await anonymous.post(SIGN_UPS, json={**body, **more}, headers=headers)
    assert answer.status_code == 201, answer.text
    subject_id = read_id(APPLICATION, answer.json()["application"], field="application")
    assert await api.run(lambda uow: identity.get_language(uow, subject_id)) == language


async def test_a_customer_chooses_another_language(
    anonymous: httpx.AsyncClient, customer_headers: Any
) -> None:
    headers, other = await customer_headers(), await customer_headers()
    assert (await anonymous.get(LANGUAGE, headers=headers)).json() == {"language": "zh"}
    chosen = await anonymous.put(LANGUAGE, json={"language": "en"}, headers=headers)
    assert (chosen.status_code, chosen.json()) == (200, {"language": "en"})
    assert (await anonymous.get(LANGUAGE, headers=headers)).json() == {"language": "en"}
    assert (await anonymous.get(LANGUAGE, headers=other)).json() == {"language": "zh"}


async def test_what_is_no_language_of_ours_is_refused_by_field(
    anonymous: httpx.AsyncClient, customer_headers: Any
) -> None:
    headers = await customer_headers()
    refused = await anonymous.put(LANGUAGE, json={"language": "fr"}, headers=headers)
    assert (refused.status_code, refused.json()["field"]) == (422, "language")
    assert (await anonymous.put(LANGUAGE, json={"language": "en"})).status_code == 401
    assert (await anonymous.get(LANGUAGE, headers=headers)).json() == {"language": "zh"}
