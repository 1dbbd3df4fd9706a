"""What a version would have done beside what is live, row by row, over one table of history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from huitong.kernel import limits
from huitong.risk.decisioning.rules.backtests.acting import write_action
from huitong.risk.decisioning.rules.backtests.running import Connection, Period
from huitong.risk.decisioning.rules.backtests.types import Share
from huitong.risk.decisioning.rules.programs.duckdb_sql import quote_name
from huitong.risk.decisioning.rules.rule_sets import RuleSet
from huitong.risk.decisioning.types import Action

#: Who was honest: nobody knows of any fraud of theirs in the period.
_PARTIES: Final = """
    SELECT count(*), count(*) FILTER (WHERE asked > 0), count(*) FILTER (WHERE live > 0)
      FROM (SELECT max(asked) AS asked, max(live) AS live FROM acted WHERE party IS NOT NULL
             GROUP BY party HAVING NOT coalesce(bool_or(label), false))
"""
_HONEST: Final = """
    SELECT id, asked, live, money FROM acted
     WHERE asked > 0 AND label IS NOT TRUE AND asked IS DISTINCT FROM live
     ORDER BY asked DESC, money DESC NULLS LAST, id LIMIT ?
"""
_MISSED: Final = """
    SELECT id, asked, live, money FROM acted
     WHERE asked = 0 AND label
     ORDER BY money DESC NULLS LAST, id LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Rows for which what is live did one thing, and the version would have done another."""

    live: Action
    asked: Action
    share: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One decision to look at; `id` has 32 hexadecimal digits, the amount is in minor units."""

    id: str
    asked: Action
    live: Action | None
    amount: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What the version would have done, beside what is live.

    `changes` and `live_actions` are empty while nothing is live. Of `parties` who were honest,
    `hit` would have met more than an `allow` at least once, and `live_hit` do so by what is live.
    """

    changes: tuple[Change, ...]
    live_actions: Mapping[str, Share]
    parties: int
    hit: int
    live_hit: int
    honest_hit: tuple[Example, ...]
    fraud_missed: tuple[Example, ...]


def compare(
    connection: Connection, rules: RuleSet, live: RuleSet | None, *, table: str, period: Period
) -> Comparison:
    """Return what `rules` would have done with a table of history, beside what `live` does.

    The table is as `run_backtest` takes it, with `id` and `party`. It blocks until it is done, and
    leaves a temporary table `acted` behind.
    """
    asked = write_action(rules)
    acts = "CAST(NULL AS TINYINT)" if live is None else write_action(live)
    # The expressions were written by our own renderer from checked predicates.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE acted AS SELECT id, party, amount AS money, "  # noqa: S608
        f"is_fraud AS label, {asked} AS asked, {acts} AS live FROM {quote_name(table)} "
        'WHERE "day" >= ? AND "day" < ?',
        [period.first, period.end],
    )
    most = [limits.BACKTEST_EXAMPLES_MAX]
    moves = _count_moves(connection) if live is not None else []
    parties, hit, live_hit = connection.execute(_PARTIES).fetchone()
    return Comparison(
        changes=tuple(
            Change(live=Action(was), asked=Action(now), share=share)
            for was, now, share in moves
            if was != now
        ),
        live_actions={} if live is None else _sum_up(moves),
        parties=parties,
        hit=hit,
        live_hit=live_hit,
        honest_hit=_read_examples(connection.execute(_HONEST, most).fetchall()),
        fraud_missed=_read_examples(connection.execute(_MISSED, most).fetchall()),
    )


def _count_moves(connection: Connection) -> list[tuple[int, int, Share]]:
    rows = connection.execute(
        """
        SELECT live, asked, count(*), coalesce(sum(money), 0), count(*) FILTER (WHERE label),
               coalesce(sum(money) FILTER (WHERE label), 0), count(*) FILTER (WHERE NOT label)
          FROM acted GROUP BY live, asked ORDER BY live, asked
        """
    ).fetchall()
    return [
        (
            was,
            now,
            Share(
                rows=count,
                amount=int(amount),
                fraud=fraud,
                fraud_amount=int(lost),
                honest=honest,
            ),
        )
        for was, now, count, amount, fraud, lost, honest in rows
    ]


def _sum_up(moves: Sequence[tuple[int, int, Share]]) -> dict[str, Share]:
    return {
        action.code: Share.add(share for was, _, share in moves if was == action)
        for action in Action
    }


def _read_examples(rows: Sequence[tuple[Any, ...]]) -> tuple[Example, ...]:
    return tuple(
        Example(
            id=found,
            asked=Action(asked),
            live=None if live is None else Action(live),
            amount=amount,
        )
        for found, asked, live, amount in rows
    )
