"""Comparing names with those of account holders, without opening what is sealed.

Beside a customer's sealed name stands a digest: HMAC-SHA-256, by a key that is in no database, of
the customer's id and the name as it is compared. It says whether a given name is this person's;
whether two people have one name cannot be seen from it. See docs/decisions/0054.
"""

import asyncio
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Any, Final

from huitong.customers.parties import find_holder_names
from huitong.kernel import limits
from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.privacy import Vault

_NAME_INDEX: Final = "holder_name"
# Numbers travel as one text: the driver looks twice at each element of an array whether it is one.
_HOLDERS: Final = """
SELECT n.account_id, c.id, CASE WHEN c.closed_at IS NULL THEN c.name_index END, m.name
  FROM unnest($1::text::bigint[]) AS n(account_id)
  LEFT JOIN customers.customers c ON c.account_id = n.account_id
  LEFT JOIN customers.merchants m ON m.account_id = n.account_id
 WHERE c.id IS NOT NULL OR m.id IS NOT NULL
"""


def fold_name(name: str) -> str:
    """Return what of a name is compared: wide letters, case and spaces do not matter.

    Worked: "Ｌi  Lei" and "li lei" give "lilei".
    """
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def index_name(vault: Vault, customer_id: uuid.UUID, name: str) -> bytes | None:
    """Return the 32 bytes that stand for a name of this customer, or None for one that is too long.

    A single character can fold into eighteen: what exceeds the limit is compared by opening.
    """
    folded = f"{customer_id.hex} {fold_name(name)}"
    if len(folded.encode()) > limits.INDEXED_TEXT_BYTES_MAX:
        return None
    return vault.blind_index(_NAME_INDEX, folded)


async def match_holder_names(
    uow: UnitOfWork, vault: Vault, given: Sequence[tuple[int, str]]
) -> list[bool | None]:
    """Say of each account and name whether the name is that of the account's holder.

    None stands for an account that belongs to no customer and no merchant. Names are folded before
    they are compared. What the digest does not confirm is compared with the sealed name, so a sound
    file opens nothing. Of a customer who left, or whose data was destroyed, no name is right.
    """
    account_ids = sorted({account_id for account_id, _ in given})
    rows = await (await uow.driver()).fetch(_HOLDERS, write_array(account_ids))
    # Beside the loop, on which others wait: a large file takes a good part of a second.
    matches = await asyncio.to_thread(_match, vault, given, rows)
    left = {each for (each, _), is_same in zip(given, matches, strict=True) if is_same is False}
    names = await find_holder_names(uow, vault, sorted(left)) if left else {}
    for place, (account_id, name) in enumerate(given):
        if matches[place] is False and account_id in names:
            matches[place] = fold_name(names[account_id]) == fold_name(name)
    return matches


def _match(
    vault: Vault, given: Sequence[tuple[int, str]], rows: Sequence[Sequence[Any]]
) -> list[bool | None]:
    """Compare names with digests, and merchants' names as they are."""
    holders = {row[0]: row for row in rows}
    matches: list[bool | None] = []
    for account_id, name in given:
        holder = holders.get(account_id)
        if holder is None:
            matches.append(None)
            continue
        _, customer_id, index, held = holder
        if customer_id is None:
            matches.append(fold_name(held) == fold_name(name))
        else:
            matches.append(index is not None and index_name(vault, customer_id, name) == index)
    return matches
