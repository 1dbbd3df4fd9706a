"""What a process is told from outside, read from the environment once, at the edge.

Nothing else in the package reads the environment: a command that depends on a setting takes it as
an argument.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, Self, cast

from huitong.kernel.database_address import APP_ROLE, OWNER_ROLE, find_address
from huitong.kernel.errors import Fault, InvalidField
from huitong.kernel.variables import (
    Endpoint,
    read_choice,
    read_database_url,
    read_endpoints,
    read_integer,
    read_names,
    read_networks,
    read_origins,
    read_path,
    read_service_url,
    read_time_zone,
)

LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]
FaceComparisonChoice = Literal["local", "simulated"]
ClockChoice = Literal["machine", "shifted"]
#: The ciphers of `kernel.cryptography`, by the names that people use.
CipherName = Literal["aes-256-gcm", "sm4-gcm"]

WORKERS_MAX: Final = 64
_PORT_MAX: Final = 65_535
_LOG_FORMATS: Final = ("json", "console")
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_FACE_COMPARISONS: Final = ("local", "simulated")
_CIPHERS: Final = ("aes-256-gcm", "sm4-gcm")
_CLOCKS: Final = ("machine", "shifted")
_SWITCH: Final = ("on", "off")
_LOOPBACK_NETWORKS: Final = ("127.0.0.0/8", "::1/128")


class DatabaseNotConfigured(Fault):
    """No database address is known: none was given and this home has none yet."""

    code = "database_not_configured"
    title = "No database is known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one process. Make it with `from_environment`, or by hand in tests."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    log_level: LogLevel = "info"
    log_format: LogFormat = "json"
    time_zone: str = "Asia/Shanghai"
    #: `shifted` is the machine's clock put forward by a file of the home: for demonstrations only,
    #: so it needs the home's own database.
    clock: ClockChoice = "machine"
    otlp_endpoint: str | None = None
    #: What new personal data is sealed with; values sealed with another cipher still open.
    cipher: CipherName = "aes-256-gcm"
    #: The document of master keys, where a cluster's secret store hands it over; None reads it
    #: from the home.
    master_keys: str | None = field(default=None, repr=False)
    #: Where the bank channel answers; `huitong up` starts a simulated bank if it is None.
    bank_channel_url: str | None = None
    #: Further channels: name, kind and address of each.
    channels: tuple[Endpoint, ...] = ()
    #: Where rates of foreign currencies come from, and the bank that payments abroad go to; None:
    #: nobody is asked, and `huitong up --demo` starts simulated ones.
    fx_rates_url: str | None = None
    correspondent_url: str | None = None
    #: Where people, bank cards, mobile numbers and businesses are checked; None: nobody answers.
    registry_url: str | None = None
    #: What questions to the registries are signed with; children inherit it as it is.
    registry_secret: bytes | None = field(default=None, repr=False)
    #: Where credit reports are asked for; None: nobody answers, and people decide about loans.
    bureau_url: str | None = None
    #: What questions to the credit bureau are signed with; children inherit it as it is.
    bureau_secret: bytes | None = field(default=None, repr=False)
    #: Whether faces are compared on this machine, or by a simulation that looks at none.
    face_comparison: FaceComparisonChoice = "local"
    #: Whether the API speaks HTTPS only; with a certificate of our own unless one is given.
    is_tls: bool = False
    #: Whether other machines may come by plain HTTP, where no proxy with TLS is named.
    is_plain_http_allowed: bool = False
    #: Whether risk decides about each payment.
    is_risk_asked: bool = True
    #: Whether rate limits and counter-measures turn requests away; what happens is counted anyway.
    is_admission_limited: bool = True
    #: A certificate chain and its key in PEM, from elsewhere; both or neither.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    #: Host names and addresses for our own certificate, besides those of this machine's loopback.
    tls_names: tuple[str, ...] = ()
    #: Where pg_dump and psql are; the wheel's if it is None.
    postgres_programs: Path | None = None
    #: Where the SMS gateway answers; `huitong up` starts a simulated one if it is None.
    sms_gateway_url: str | None = None
    #: Proxies in front (addresses or networks) that are believed about where a request comes from.
    trusted_proxies: tuple[str, ...] = ()
    #: From where `/metrics` may be asked: addresses or networks.
    metrics_networks: tuple[str, ...] = _LOOPBACK_NETWORKS
    #: Where the worker shows its metrics on this machine; nowhere if it is None.
    worker_metrics_port: int | None = None
    #: A database of places in MaxMind's format, newer than the one that is installed.
    places_database: Path | None = None
    #: The domain that passkeys belong to. Passkeys of another domain open nothing, so it is chosen
    #: once.
    passkey_domain: str = "localhost"
    #: The pages that may ask for passkeys; none stands for this machine's own port.
    passkey_origins: tuple[str, ...] = ()
    #: False when the database was given by URL: then nobody here starts or stops it.
    is_database_embedded: bool = True
    #: The role that a connection takes on with SET ROLE after it logged in through
    #: `database_app_url`; None where that URL already logs in as the application's own role.
    database_app_role: str | None = None
    #: The recovery key of backups, as text; no child process is given it by us.
    backup_key: str | None = field(default=None, repr=False)
    _database_owner_url: str | None = field(default=None, repr=False)
    _database_app_url: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read `HUITONG_*`; an embedded database's address comes from its home, if it has one.

        Raises InvalidField naming the variable if a value cannot be used.
        """
        variables = os.environ if environment is None else environment
        settings = cls(
            home=Path(variables.get("HUITONG_HOME") or "var").expanduser().absolute(),
            host=variables.get("HUITONG_HOST") or "127.0.0.1",
            port=read_integer(variables, "HUITONG_PORT", default=8000, maximum=_PORT_MAX),
            workers=read_integer(
                variables, "HUITONG_WORKERS", default=_default_workers(), maximum=WORKERS_MAX
            ),
            log_level=cast(
                "LogLevel", read_choice(variables, "HUITONG_LOG_LEVEL", "info", _LOG_LEVELS)
            ),
            log_format=cast(
                "LogFormat", read_choice(variables, "HUITONG_LOG_FORMAT", "json", _LOG_FORMATS)
            ),
            time_zone=read_time_zone(variables),
            clock=cast("ClockChoice", read_choice(variables, "HUITONG_CLOCK", "machine", _CLOCKS)),
            otlp_endpoint=variables.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
            cipher=cast(
                "CipherName", read_choice(variables, "HUITONG_CIPHER", "aes-256-gcm", _CIPHERS)
            ),
            master_keys=variables.get("HUITONG_MASTER_KEYS") or None,
            bank_channel_url=read_service_url(variables, "HUITONG_BANK_CHANNEL_URL"),
            channels=read_endpoints(variables, "HUITONG_CHANNELS"),
            fx_rates_url=read_service_url(variables, "HUITONG_FX_RATES_URL"),
            correspondent_url=read_service_url(variables, "HUITONG_CORRESPONDENT_URL"),
            registry_url=read_service_url(variables, "HUITONG_REGISTRY_URL"),
            registry_secret=variables.get("HUITONG_REGISTRY_SECRET", "").encode() or None,
            bureau_url=read_service_url(variables, "HUITONG_BUREAU_URL"),
            bureau_secret=variables.get("HUITONG_BUREAU_SECRET", "").encode() or None,
            face_comparison=cast(
                "FaceComparisonChoice",
                read_choice(variables, "HUITONG_FACE_COMPARISON", "local", _FACE_COMPARISONS),
            ),
            is_tls=read_choice(variables, "HUITONG_TLS", _default_tls(variables), _SWITCH) == "on",
            is_risk_asked=read_choice(variables, "HUITONG_RISK", "on", _SWITCH) == "on",
            is_admission_limited=read_choice(variables, "HUITONG_RATE_LIMITS", "on", _SWITCH)
            == "on",
            is_plain_http_allowed=read_choice(variables, "HUITONG_PLAIN_HTTP", "off", _SWITCH)
            == "on",
            tls_certificate=read_path(variables, "HUITONG_TLS_CERT"),
            tls_key=read_path(variables, "HUITONG_TLS_KEY"),
            tls_names=read_names(variables, "HUITONG_TLS_NAMES"),
            postgres_programs=read_path(variables, "HUITONG_POSTGRES_BIN"),
            backup_key=variables.get("HUITONG_BACKUP_KEY") or None,
            sms_gateway_url=read_service_url(variables, "HUITONG_SMS_GATEWAY_URL"),
            passkey_domain=variables.get("HUITONG_PASSKEY_DOMAIN") or "localhost",
            passkey_origins=read_origins(variables),
            trusted_proxies=read_networks(variables, "HUITONG_TRUSTED_PROXIES"),
            metrics_networks=read_networks(variables, "HUITONG_METRICS_NETWORKS")
            or _LOOPBACK_NETWORKS,
            worker_metrics_port=read_integer(
                variables, "HUITONG_WORKER_METRICS_PORT", default=0, maximum=_PORT_MAX
            )
            or None,
            places_database=read_path(variables, "HUITONG_PLACES_DATABASE"),
        )
        return settings._with_database_of(variables)

    def _with_database_of(self, variables: Mapping[str, str]) -> Self:
        owner_url = read_database_url(variables, "HUITONG_DATABASE_URL")
        app_url = read_database_url(variables, "HUITONG_DATABASE_APP_URL")
        if owner_url is None and app_url is not None:
            raise InvalidField(
                "is set, but HUITONG_DATABASE_URL, the owner's address, is not",
                field="HUITONG_DATABASE_APP_URL",
            )
        if owner_url is None:
            return self.with_embedded_database()
        if self.clock != "machine":
            raise InvalidField(
                "is for demonstrations on the home's own database", field="HUITONG_CLOCK"
            )
        return replace(
            self,
            is_database_embedded=False,
            database_app_role=APP_ROLE if app_url is None else None,
            _database_owner_url=owner_url,
            _database_app_url=app_url or owner_url,
        )

    def with_embedded_database(self) -> Self:
        """Return these settings with the address that the home's database has now, if any.

        Call it again after starting the database: its port may be another one than before.
        """
        address = find_address(self.home)
        if address is None:
            return self
        return replace(
            self,
            is_database_embedded=True,
            database_app_role=None,
            _database_owner_url=address.url(OWNER_ROLE),
            _database_app_url=address.url(APP_ROLE),
        )

    def with_database(
        self, *, owner_url: str, app_url: str | None = None, app_role: str | None = None
    ) -> Self:
        """Return these settings with a database given by URL, as tests and tools do."""
        return replace(
            self,
            is_database_embedded=False,
            database_app_role=app_role,
            _database_owner_url=owner_url,
            _database_app_url=app_url or owner_url,
        )

    @property
    def allowed_passkey_origins(self) -> tuple[str, ...]:
        """The pages that may ask for passkeys."""
        scheme = "https" if self.is_tls else "http"
        return self.passkey_origins or (f"{scheme}://localhost:{self.port}",)

    @property
    def database_owner_url(self) -> str:
        """The `postgresql://` URL that migrations use; raises DatabaseNotConfigured."""
        return _require_url(self._database_owner_url, self.home)

    @property
    def database_app_url(self) -> str:
        """The `postgresql://` URL that the application uses; raises DatabaseNotConfigured."""
        return _require_url(self._database_app_url, self.home)

    def to_environment(self) -> dict[str, str]:
        """Return the variables that give a child process these settings.

        Database URLs and master keys are left out: a child inherits `HUITONG_DATABASE_URL` and
        `HUITONG_MASTER_KEYS` as they are, or reads the home, so no secret is added to any
        environment.
        """
        variables = {
            "HUITONG_HOME": str(self.home),
            "HUITONG_HOST": self.host,
            "HUITONG_PORT": str(self.port),
            "HUITONG_WORKERS": str(self.workers),
            "HUITONG_LOG_LEVEL": self.log_level,
            "HUITONG_LOG_FORMAT": self.log_format,
            "HUITONG_TIME_ZONE": self.time_zone,
            "HUITONG_CLOCK": self.clock,
            "HUITONG_FACE_COMPARISON": self.face_comparison,
            "HUITONG_CIPHER": self.cipher,
            "HUITONG_TLS": "on" if self.is_tls else "off",
            "HUITONG_PLAIN_HTTP": "on" if self.is_plain_http_allowed else "off",
            "HUITONG_RISK": "on" if self.is_risk_asked else "off",
            "HUITONG_RATE_LIMITS": "on" if self.is_admission_limited else "off",
            "HUITONG_PASSKEY_DOMAIN": self.passkey_domain,
            "HUITONG_METRICS_NETWORKS": ",".join(self.metrics_networks),
        }
        if self.tls_names:
            variables["HUITONG_TLS_NAMES"] = ",".join(self.tls_names)
        for name, path in (
            ("HUITONG_TLS_CERT", self.tls_certificate),
            ("HUITONG_TLS_KEY", self.tls_key),
            ("HUITONG_PLACES_DATABASE", self.places_database),
        ):
            if path is not None:
                variables[name] = str(path)
        if self.worker_metrics_port is not None:
            variables["HUITONG_WORKER_METRICS_PORT"] = str(self.worker_metrics_port)
        if self.otlp_endpoint is not None:
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = self.otlp_endpoint
        services = {
            "HUITONG_BANK_CHANNEL_URL": self.bank_channel_url,
            "HUITONG_FX_RATES_URL": self.fx_rates_url,
            "HUITONG_CORRESPONDENT_URL": self.correspondent_url,
            "HUITONG_REGISTRY_URL": self.registry_url,
            "HUITONG_BUREAU_URL": self.bureau_url,
            "HUITONG_SMS_GATEWAY_URL": self.sms_gateway_url,
        }
        variables |= {name: url for name, url in services.items() if url is not None}
        if self.channels:
            variables["HUITONG_CHANNELS"] = ",".join(
                f"{name}={kind}@{url}" for name, kind, url in self.channels
            )
        if self.trusted_proxies:
            variables["HUITONG_TRUSTED_PROXIES"] = ",".join(self.trusted_proxies)
        if self.passkey_origins:
            variables["HUITONG_PASSKEY_ORIGINS"] = ",".join(self.passkey_origins)
        return variables


def _default_workers() -> int:
    # The database needs about as much processor time as the API, so half of a larger machine is
    # left to it. On two processors two processes measured a tenth to a quarter faster than one.
    cores = os.cpu_count() or 1
    return min(cores, max(2, min(8, cores // 2)))


def _default_tls(variables: Mapping[str, str]) -> str:
    # Who gives a certificate wants it used.
    is_given = variables.get("HUITONG_TLS_CERT") or variables.get("HUITONG_TLS_KEY")
    return "on" if is_given else "off"


def _require_url(url: str | None, home: Path) -> str:
    if url is None:
        raise DatabaseNotConfigured(
            f"There is no database in {home} yet. Start one with `huitong up`, or name an existing "
            "one in HUITONG_DATABASE_URL.",
            retryable=False,
        )
    return url
