"""Alerts: the decisions that people should look at, written in the transaction of the decision.

An alert is every decision that did not just allow, that a rule failed on, or that has a party who
is watched. Who took part is kept with it, because what was refused leaves no other record.
"""

from collections.abc import Collection, Sequence
from typing import Final

from huitong.kernel.database.statement import Statement
from huitong.risk.decisioning.decisions.types import Decision, Participant, Side
from huitong.risk.decisioning.rules.lists.types import Entity, EntityKind, ListKind
from huitong.risk.decisioning.types import Action

_MEANS: Final = frozenset({EntityKind.DEVICE, EntityKind.ADDRESS, EntityKind.MOBILE})
_INSERT: Final = """
INSERT INTO risk.alerts (decision_id, purpose, action, raised_at, amount, currency, parties)
SELECT n.id, n.purpose, n.action, n.raised_at, n.amount, n.currency, string_to_array(n.parties, ',')
  FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::timestamptz[], $5::bigint[], $6::text[],
              $7::text[]) AS n(id, purpose, action, raised_at, amount, currency, parties)
"""


def name_participants(
    entities: Sequence[Entity], counterparties: Collection[Entity] = ()
) -> tuple[Participant, ...]:
    """Return each entity with its side, once; pairs are no participants."""
    named = {
        entity: _find_side(entity, counterparties)
        for entity in reversed(entities)
        if entity.kind is not EntityKind.PAIR
    }
    return tuple(Participant(side, entity) for entity, side in reversed(named.items()))


def is_alert(decision: Decision) -> bool:
    """Say whether people should look at a decision."""
    return (
        decision.action is not Action.ALLOW
        or bool(decision.failed)
        # Mostly nobody is on any list.
        or bool(decision.listed and any(each.list is ListKind.WATCH for each in decision.listed))
    )


def make_alerts(decisions: Sequence[Decision], *, keeps_known: bool = False) -> list[Statement]:
    """Return the statement that writes the alerts of decisions; none if there are none.

    One that is there already stays as it is if `keeps_known`.
    """
    raised = [each for each in decisions if is_alert(each)]
    if not raised:
        return []
    columns = (
        [each.id for each in raised],
        [each.purpose.value for each in raised],
        [int(each.action) for each in raised],
        [each.decided_at for each in raised],
        [None if each.amount is None else each.amount.minor for each in raised],
        [None if each.amount is None else each.amount.currency for each in raised],
        [",".join(party.code for party in each.participants) for each in raised],
    )
    text = f"{_INSERT} ON CONFLICT DO NOTHING" if keeps_known else _INSERT
    return [Statement(text, columns)]


def _find_side(entity: Entity, counterparties: Collection[Entity]) -> Side:
    if entity.kind in _MEANS:
        return Side.MEANS
    return Side.COUNTERPARTY if entity in counterparties else Side.ACTOR
