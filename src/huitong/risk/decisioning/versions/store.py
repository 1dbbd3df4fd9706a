"""SQL of the states and days of versions, whatever they are versions of."""

import uuid
from dataclasses import dataclass
from datetime import date

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.risk.decisioning.versions.types import LiveVersion, VersionState


@dataclass(frozen=True, slots=True)
class VersionTable:
    """Where versions are kept: a table of our own, and its column that says of what they are."""

    table: str
    scope: str

    def _write(self, statement: str) -> str:
        return statement.format(table=self.table, scope=self.scope)

    async def find_last_number(self, uow: UnitOfWork, scope: str) -> int:
        """Return the number of the newest version, 0 before there is one."""
        found = await uow.fetch_value(
            self._write("SELECT max(number) FROM {table} WHERE {scope} = :scope"), scope=scope
        )
        return int(found or 0)

    async def list_open(self, uow: UnitOfWork, scope: str) -> list[LiveVersion]:
        """Return what is live and has no end, oldest first."""
        rows = await uow.execute(
            self._write(
                "SELECT id, number, effective_from FROM {table} WHERE {scope} = :scope "
                "AND state = 'live' AND effective_to IS NULL ORDER BY number"
            ),
            scope=scope,
        )
        return [LiveVersion(row.id, row.number, row.effective_from) for row in rows]

    async def set_state(
        self,
        uow: UnitOfWork,
        version_id: uuid.UUID,
        state: VersionState,
        *,
        approval_id: uuid.UUID | None = None,
    ) -> None:
        """Bring a version into another state."""
        await uow.execute(
            self._write(
                "UPDATE {table} SET state = :state, "
                "approval_id = coalesce(:approval_id, approval_id) WHERE id = :id"
            ),
            id=version_id,
            state=state.value,
            approval_id=approval_id,
        )

    async def set_live(
        self,
        uow: UnitOfWork,
        version_id: uuid.UUID,
        *,
        effective_from: date,
        approval_id: uuid.UUID,
    ) -> None:
        """Make a version live from a business day on."""
        await uow.execute(
            self._write(
                "UPDATE {table} SET state = 'live', effective_from = :effective_from, "
                "approval_id = :approval_id WHERE id = :id"
            ),
            id=version_id,
            effective_from=effective_from,
            approval_id=approval_id,
        )

    async def set_end(self, uow: UnitOfWork, version_id: uuid.UUID, day: date) -> None:
        """Say until before which business day a version decides."""
        await uow.execute(
            self._write("UPDATE {table} SET effective_to = :day WHERE id = :id"),
            id=version_id,
            day=day,
        )

    async def move_end(self, uow: UnitOfWork, scope: str, day: date, new_day: date | None) -> None:
        """Let the live version that ends on a day end on another one, or on none."""
        await uow.execute(
            self._write(
                "UPDATE {table} SET effective_to = :new_day WHERE {scope} = :scope "
                "AND state = 'live' AND effective_to = :day"
            ),
            scope=scope,
            day=day,
            new_day=new_day,
        )
