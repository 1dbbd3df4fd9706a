"""The models by which one process scores, loaded once, and looked at again when they have changed.

Twice a second the process asks for one small number; only when it has changed are models read. They
are checked and loaded off the event loop. While the database does not answer, the process scores by
what it has.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy.engine import Row
from sqlalchemy.exc import DBAPIError

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import (
    Database,
    DatabaseUnavailable,
    UnitOfWork,
    find_bug,
)
from huitong.kernel.errors import Fault
from huitong.kernel.ids import MODEL, show_id
from huitong.kernel.logs import get_logger
from huitong.risk.decisioning.models.alarms import AlarmCause, raise_alarm
from huitong.risk.decisioning.models.log_in_reasons import LOG_IN_MODEL_NAME
from huitong.risk.decisioning.models.registry import load_model
from huitong.risk.decisioning.models.serving import (
    RUNTIME_ERRORS,
    SCORE,
    FallbackReason,
    GuardedModel,
    Scorer,
)
from huitong.risk.decisioning.models.types import Bins, ModelStatus, TrainedModel
from huitong.risk.decisioning.rules.types import Purpose
from huitong.risk.decisioning.types import FeatureType

_log: Final = get_logger(__name__)

#: Under which name the models of a purpose are registered. Other purposes are decided by rules.
MODEL_NAMES: Final[Mapping[Purpose, str]] = {
    Purpose.PAYMENT: "payment_fraud",
    Purpose.LOG_IN: LOG_IN_MODEL_NAME,
}
_AWAY: Final = (DatabaseUnavailable, DBAPIError)
_LIST_SERVING: Final = """
    SELECT DISTINCT ON (m.name, m.status) m.id, m.name, m.version, m.status,
           EXISTS (SELECT 1 FROM risk.model_alarms a
                    WHERE a.model_id = m.id AND a.cleared_at IS NULL) AS is_out
      FROM risk.models m
     WHERE m.name = ANY(:names) AND m.status <> 'retired'
     ORDER BY m.name, m.status, m.version DESC
"""


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A registered model behind its guard."""

    id: uuid.UUID
    guard: GuardedModel
    #: Learned from simulated customers: it asks for a second factor at most.
    is_simulated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ServedModels:
    """The models of a purpose: whose score decides, and whose are compared with it.

    Without a champion nobody wants a model to decide. A champion that cannot be loaded is there,
    and its guard says why it does not score.
    """

    champion: ServedModel | None = None
    challenger: ServedModel | None = None
    shadow: ServedModel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    scorer: Scorer
    score_bins: Bins | None
    is_simulated: bool


class ModelCache:
    """The models that one process knows; start it with `start`, end it with `stop`."""

    def __init__(
        self,
        database: Database,
        catalogues: Mapping[Purpose, Mapping[str, FeatureType]],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a cache; `catalogues` has the features of each purpose that models may look at."""
        self._database = database
        self._purposes = {MODEL_NAMES[each]: each for each in catalogues if each in MODEL_NAMES}
        self._catalogues = catalogues
        self._now = now
        self._clock = clock
        self._revision: int | None = None
        self._loaded: dict[uuid.UUID, _Loaded] = {}
        self._guards: dict[tuple[uuid.UUID, ModelStatus], GuardedModel] = {}
        # Until models are read, nobody knows whether there is a champion: rules decide alone.
        missing = ServedModel(uuid.UUID(int=0), self._make_guard(uuid.UUID(int=0), None))
        self._served = dict.fromkeys(self._purposes.values(), ServedModels(missing))
        self._out: set[uuid.UUID] = set()
        self._unreported: dict[uuid.UUID, GuardedModel] = {}
        self._said_at: dict[tuple[uuid.UUID, FallbackReason], float] = {}
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the models, and begin to watch for changes; while the database is away, to wait."""
        try:
            await self.learn_news()
        except _AWAY as error:
            _log.warning("no_news_of_models", reason=type(error).__name__)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None

    def find(self, purpose: Purpose) -> ServedModels:
        """Return the models of a purpose; none for one that is decided by rules."""
        return self._served.get(purpose, ServedModels())

    async def learn_news(self) -> None:
        """Say which models drift here; ask whether models have changed, and read those that have.

        Raises DatabaseUnavailable or DBAPIError, and then keeps what it has.
        """
        await self._report_drift()
        async with self._database.reading() as uow:
            # The number first: what changes after that is read again the next time.
            revision = await uow.fetch_value("SELECT revision FROM risk.model_news")
            if revision == self._revision:
                return
            found = await uow.execute(_LIST_SERVING, names=list(self._purposes))
            loaded = {row.id: await self._load(uow, row) for row in found}
        self._loaded = {key: each for key, each in loaded.items() if each is not None}
        self._serve(found)
        self._revision = revision

    async def _load(self, uow: UnitOfWork, row: Row[Any]) -> _Loaded | None:
        """Return a model ready to score, or None, with an alarm, for one that cannot be."""
        known = self._loaded.get(row.id)
        if known is not None:
            return known
        try:
            model = await load_model(uow, row.id)
            return await asyncio.to_thread(self._open, self._purposes[row.name], model)
        except _AWAY:
            raise
        except (Fault, ValueError, *RUNTIME_ERRORS) as error:
            _log.error(
                "model_not_served",
                model=show_id(MODEL, row.id),
                status=row.status,
                reason=type(error).__name__,
            )
            return None

    def _open(self, purpose: Purpose, model: TrainedModel) -> _Loaded:
        catalogue = self._catalogues[purpose]
        for name in model.feature_names:
            if catalogue.get(name, FeatureType.TEXT) is FeatureType.TEXT:
                raise ValueError(f"{name} is no feature of a {purpose.value} that can be scored")
        scorer = Scorer(
            model.onnx, feature_names=model.feature_names, calibration=model.calibration
        )
        return _Loaded(scorer, model.bins.get(SCORE), model.is_simulated)

    def _serve(self, found: Sequence[Row[Any]]) -> None:
        """Put what was read into its place; guards of what stays keep what they know."""
        roles: dict[Purpose, dict[str, ServedModel]] = {}
        guards: dict[tuple[uuid.UUID, ModelStatus], GuardedModel] = {}
        was_out, self._out = self._out, {row.id for row in found if row.is_out}
        for row in found:
            key = (row.id, ModelStatus(row.status))
            loaded = self._loaded.get(row.id)
            guard = self._guards.get(key)
            if guard is None or (guard.scorer is None and loaded is not None):
                guard = self._make_guard(row.id, loaded, is_shadow=row.status == ModelStatus.SHADOW)
            if row.status != ModelStatus.SHADOW:
                # A shadow goes on: it has no effect, and scoring is how it shows that it is well.
                if row.id in self._out:
                    guard.is_drifting = True
                elif row.id in was_out:
                    guard.look_again()
            guards[key] = guard
            is_simulated = loaded is not None and loaded.is_simulated
            roles.setdefault(self._purposes[row.name], {})[row.status] = ServedModel(
                row.id, guard, is_simulated
            )
        self._guards = guards
        self._served = {
            purpose: ServedModels(**roles.get(purpose, {})) for purpose in self._purposes.values()
        }

    def _make_guard(
        self, model_id: uuid.UUID, loaded: _Loaded | None, *, is_shadow: bool = False
    ) -> GuardedModel:
        guard = GuardedModel(
            scorer=None if loaded is None else loaded.scorer,
            score_bins=None if loaded is None or is_shadow else loaded.score_bins,
            seconds_max=limits.MODEL_BUDGET_SECONDS,
            alarm=lambda reason: self._hear(model_id, guard, reason),
            clock=self._clock,
        )
        return guard

    def _hear(self, model_id: uuid.UUID, guard: GuardedModel, reason: FallbackReason) -> None:
        if reason is FallbackReason.DRIFTING and model_id not in self._out:
            self._unreported[model_id] = guard
        now, key = self._clock(), (model_id, reason)
        said_at = self._said_at.get(key)
        # Every batch comes by here; the log need not hear of each.
        if said_at is None or now - said_at >= limits.MODEL_ALARM_SECONDS:
            self._said_at[key] = now
            _log.error("model_does_not_score", model=show_id(MODEL, model_id), reason=reason.value)

    async def _report_drift(self) -> None:
        """Tell the other processes, and those to come, of models that were seen drifting here."""
        for model_id, guard in list(self._unreported.items()):
            details = {"score_psi": guard.psi, "decisions": guard.drift_rows}
            await self._database.run(
                partial(
                    raise_alarm,
                    model_id=model_id,
                    cause=AlarmCause.DRIFT,
                    details=details,
                    now=self._now(),
                )
            )
            self._out.add(model_id)
            del self._unreported[model_id]

    async def _watch(self) -> None:
        is_known_to_fail = False
        while True:
            await asyncio.sleep(limits.RULE_NEWS_INTERVAL_SECONDS)
            try:
                await self.learn_news()
            except Exception as error:  # noqa: BLE001 - an edge: a watcher that died would say nothing
                if not is_known_to_fail:
                    _log.warning(
                        "no_news_of_models",
                        reason=type(error).__name__,
                        exc_info=find_bug(error),
                    )
                is_known_to_fail = True
            else:
                if is_known_to_fail:
                    _log.info("news_of_models_again")
                is_known_to_fail = False
