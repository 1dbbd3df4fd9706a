"""What one API process holds while it runs: database, poster, keys, clock, rules, models.

Made once for each process and given to the edge, which opens it before the first request and
closes it after the last answer.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy.exc import DBAPIError

from huitong import customers, identity, ledger, lending, operations, payments, risk
from huitong.kernel.clock import Clock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database, DatabaseUnavailable
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.ledger import Poster
from huitong.privacy import Vault
from huitong.wiring.clocks import make_clock
from huitong.wiring.evidence_desk import make_registries
from huitong.wiring.identity_desk import close_desk, open_desk
from huitong.wiring.loan_reports import make_bureau
from huitong.wiring.loan_risk import LoanRisk
from huitong.wiring.log_in_risk import LogInRisk
from huitong.wiring.onboarding_risk import OnboardingRisk

_log = get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Application:
    """The parts of a running API process; make it with `assemble`."""

    settings: Settings
    clock: Clock
    database: Database
    poster: Poster
    keys: identity.KeyCache
    rulebook: Rulebook
    rules: risk.RuleCache
    lists: risk.ListCache
    #: Who decides about payments; None where risk is not asked.
    decider: risk.PaymentDecider | None
    models: risk.ModelCache
    admission: operations.Admission
    reporter: operations.Reporter
    #: For files of payments.
    upload_places: payments.bulk.UploadPlaces = field(default_factory=payments.bulk.UploadPlaces)
    _vault: Vault | None = None
    _desk: identity.Desk | None = None
    #: Where identities are checked outside, None where nobody answers; from `start` on.
    registries: customers.HttpRegistry | None = None
    #: Who gives credit reports, None where nobody does; from `start` on.
    bureau: lending.bureau.HttpBureau | None = None
    #: Who decides about log-ins and applications; empty where risk is not asked.
    deciders: Mapping[risk.Purpose, risk.Decider]
    is_running: bool = False
    is_prepared: bool = False

    @classmethod
    def assemble(cls, settings: Settings, *, clock: Clock | None = None) -> Self:
        """Put the parts together; nothing connects or runs before `start`.

        Raises DatabaseNotConfigured.
        """
        clock = clock or make_clock(settings)
        database = Database(settings.database_app_url, role=settings.database_app_role)

        async def load_key(secret: str) -> identity.ApiKey | None:
            async with database.unit_of_work() as uow:
                return await identity.find_api_key(uow, secret)

        catalogues = {
            risk.Purpose.PAYMENT: risk.PAYMENT_FEATURES,
            risk.Purpose.LOG_IN: risk.default_catalogue(risk.Purpose.LOG_IN),
            risk.Purpose.ONBOARDING: risk.default_catalogue(risk.Purpose.ONBOARDING),
            risk.Purpose.LOAN: risk.default_catalogue(risk.Purpose.LOAN),
        }
        rules, rulebook = risk.RuleCache(database, catalogues, now=clock.now), Rulebook.load()
        models = risk.ModelCache(database, catalogues, now=clock.now)
        lists = risk.ListCache(database)
        decider = risk.PaymentDecider(database, rules, rulebook, lists=lists, models=models)
        asked = (risk.Purpose.LOG_IN, risk.Purpose.ONBOARDING, risk.Purpose.LOAN)
        return cls(
            settings=settings,
            clock=clock,
            database=database,
            poster=Poster(
                database,
                clock=clock.now,
                # While one batch is in the database, another should be on its way: the other
                # process's where there is one, for two of a process halve the batches.
                posters=1 if settings.workers > 1 else 2,
            ),
            keys=identity.KeyCache(load_key),
            rulebook=rulebook,
            rules=rules,
            lists=lists,
            decider=decider if settings.is_risk_asked else None,
            models=models,
            deciders={
                each: risk.Decider(
                    each,
                    database,
                    rules,
                    rulebook,
                    lists=lists,
                    models=models if each is risk.Purpose.LOG_IN else None,
                )
                for each in asked
                if settings.is_risk_asked
            },
            admission=operations.Admission(
                database,
                rulebook,
                processes=settings.workers,
                now=clock.now,
                is_enforcing=settings.is_admission_limited,
            ),
            reporter=operations.Reporter(database, rulebook, "api", now=clock.now),
        )

    @property
    def vault(self) -> Vault:
        """The vault of this process, from `start` on."""
        assert self._vault is not None, "the application was not started"
        return self._vault

    @property
    def desk(self) -> identity.Desk:
        """Where people log in, from `start` on."""
        assert self._desk is not None, "the application was not started"
        return self._desk

    @property
    def log_ins(self) -> identity.LogInDecider | None:
        """Who decides about log-ins, None where risk is not asked."""
        found = self.deciders.get(risk.Purpose.LOG_IN)
        return None if found is None else LogInRisk(found)

    @property
    def onboarding(self) -> customers.ApplicationDecider | None:
        """Who decides about applications, None where risk is not asked."""
        found = self.deciders.get(risk.Purpose.ONBOARDING)
        return None if found is None else OnboardingRisk(found)

    @property
    def lender(self) -> LoanRisk:
        """Who decides about applications for loans, from `start` on."""
        return LoanRisk(self.deciders.get(risk.Purpose.LOAN), self.vault, self.rulebook)

    async def start(self) -> None:
        """Start what runs by itself; the database may still be down.

        Raises MasterKeysUnreadable and WrongSecrets: with them no personal data can be read.
        """
        ring = load_key_ring(self.settings.home, self.settings.master_keys)
        self._vault = Vault(ring, cipher=self.settings.cipher)
        self._desk = await open_desk(
            self.settings,
            self.database,
            self._vault,
            self.clock,
            decider=self.log_ins,
        )
        self.registries = make_registries(self.settings)
        self.bureau = make_bureau(self.settings)
        await self.rules.start()
        await self.lists.start()
        await self.models.start()
        await self.admission.start()
        await self.reporter.start()
        await self.poster.start()
        self.is_running = True
        await self.prepare()

    async def prepare(self) -> bool:
        """Put into the database what the rooms need there, once; say whether it is done.

        It changes nothing where it was done before, so every process may do it.
        """
        if not self.is_prepared:
            try:
                await self.database.run(ledger.install_chart)
                if self.decider is not None:
                    await self.decider.prepare()
                for decider in self.deciders.values():
                    await decider.prepare()
                # With other secrets nobody is found and nothing opens: better not to start.
                async with self.database.reading() as uow:
                    await self.vault.check(uow)
            except (DatabaseUnavailable, DBAPIError) as error:
                # Down, or not migrated yet. The readiness check asks again, and until it is
                # content nobody should send requests here.
                _log.warning("not_prepared", reason=type(error).__name__)
            else:
                self.is_prepared = True
        return self.is_prepared

    async def stop(self) -> None:
        """Answer what is queued, then let go of the database: in this order, or answers are lost.

        Traces are shut down by the process, which configured them.
        """
        self.is_running = False
        # The last one first; whatever one of them raises, the others are still stopped.
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.database.close)
            if self.registries is not None:
                stack.push_async_callback(self.registries.close)
            if self.bureau is not None:
                stack.push_async_callback(self.bureau.close)
            if self._desk is not None:
                stack.push_async_callback(close_desk, self._desk)
            watchers = (self.reporter, self.admission, self.models, self.lists, self.rules)
            for watcher in watchers:
                stack.push_async_callback(watcher.stop)
            stack.push_async_callback(self.poster.stop)
