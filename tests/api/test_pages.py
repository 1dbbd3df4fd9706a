"""Pages lead through a list once, and a cursor fits its own list only."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.api.pages import open_cursor, seal_cursor
from huitong.kernel.errors import InvalidField

INNER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)


@given(INNER, st.lists(st.one_of(st.none(), st.integers(), INNER), max_size=3))
def test_a_cursor_opens_what_was_sealed(inner: str, of_list: list[object]) -> None:
    assert open_cursor(seal_cursor(inner, *of_list), *of_list) == inner


def test_no_cursor_is_no_cursor() -> None:
    assert seal_cursor(None, "list") is None
    assert open_cursor(None, "list") is None


@given(INNER)
def test_a_cursor_of_another_list_is_refused(inner: str) -> None:
    sealed = seal_cursor(inner, "statement", 1)
    for other in (("statement", 2), ("statement", None), ("payments", 1), ("statement1",)):
        with pytest.raises(InvalidField) as refused:
            open_cursor(sealed, *other)
        assert refused.value.field == "cursor"


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        open_cursor(text, "list")


@given(INNER, st.data())
def test_a_cursor_with_one_letter_changed_is_refused(inner: str, data: st.DataObject) -> None:
    sealed = seal_cursor(inner, "list")
    assert sealed is not None
    place = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.sampled_from("ABCDabcd0123-_"))
    changed = sealed[:place] + letter + sealed[place + 1 :]
    if changed != sealed:
        with pytest.raises(InvalidField):
            open_cursor(changed, "list")


async def test_pages_show_every_customer_once(client: httpx.AsyncClient, post: object) -> None:
    for number in range(7):
        body = {"name": f"客户{number}", "mobile": f"1380000000{number}", "account_class": 1}
        made = await post("/v1/customers", body)  # type: ignore[operator]
        assert made.status_code == 201, made.text
    names: list[str] = []
    cursor = None
    while True:
        query = {"limit": "3"} if cursor is None else {"limit": "3", "cursor": cursor}
        page = (await client.get("/v1/customers", params=query)).json()
        names += [customer["name"] for customer in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["data"]) == 3
    assert names == [f"客*{number}" for number in range(7)]


async def test_a_cursor_of_one_list_does_not_open_another(
    client: httpx.AsyncClient, post: object
) -> None:
    for number in range(2):
        body = {"name": "客户", "mobile": f"1380000000{number}", "account_class": 1}
        await post("/v1/customers", body)  # type: ignore[operator]
    cursor = (await client.get("/v1/customers?limit=1")).json()["next_cursor"]
    response = await client.get("/v1/merchants", params={"cursor": cursor})
    assert (response.status_code, response.json()["field"]) == (422, "cursor")
