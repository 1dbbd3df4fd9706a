"""Settings come from the environment, and a wrong one is refused by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from huitong.kernel.database_address import make_address, write_address
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import DatabaseNotConfigured, Settings

OWNER_URL = "postgresql://owner:s3cret@db.example:5432/huitong"
APP_URL = "postgresql://app:s3cret@db.example:5432/huitong"


def test_knows_no_database_in_a_new_home(tmp_path: Path) -> None:
    settings = Settings.from_environment({"HUITONG_HOME": str(tmp_path)})
    assert settings.is_database_embedded
    with pytest.raises(DatabaseNotConfigured, match="huitong up"):
        _ = settings.database_owner_url


def test_reads_the_address_of_the_home_s_own_database(tmp_path: Path) -> None:
    address = make_address(21_000)
    write_address(tmp_path, address)
    settings = Settings.from_environment({"HUITONG_HOME": str(tmp_path)})
    assert settings.database_owner_url == address.url("huitong_owner")
    assert settings.database_app_url == address.url("huitong_app")
    assert settings.database_app_role is None


def test_takes_on_the_application_s_role_when_only_the_owner_s_url_is_given(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"HUITONG_HOME": str(tmp_path), "HUITONG_DATABASE_URL": OWNER_URL}
    )
    assert not settings.is_database_embedded
    assert settings.database_owner_url == OWNER_URL
    assert settings.database_app_url == OWNER_URL
    assert settings.database_app_role == "huitong_app"


def test_uses_the_application_s_own_url_when_given(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "HUITONG_HOME": str(tmp_path),
            "HUITONG_DATABASE_URL": OWNER_URL,
            "HUITONG_DATABASE_APP_URL": APP_URL,
        }
    )
    assert settings.database_app_url == APP_URL
    assert settings.database_app_role is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUITONG_PORT", "80a"),
        ("HUITONG_PORT", "0"),
        ("HUITONG_PORT", "65536"),
        ("HUITONG_WORKERS", "-1"),
        ("HUITONG_LOG_LEVEL", "loud"),
        ("HUITONG_LOG_FORMAT", "xml"),
        ("HUITONG_TIME_ZONE", "Mars/Olympus"),
        ("HUITONG_CIPHER", "rot13"),
        ("HUITONG_DATABASE_URL", "mysql://root:hunter2@db/huitong"),
        ("HUITONG_DATABASE_URL", "postgresql://db"),
        ("HUITONG_DATABASE_APP_URL", APP_URL),
    ],
)
def test_refuses_a_value_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(InvalidField) as caught:
        Settings.from_environment({"HUITONG_HOME": "/nowhere", name: value})
    assert caught.value.field == name
    assert "hunter2" not in caught.value.detail


def test_seals_with_aes_unless_told_otherwise(tmp_path: Path) -> None:
    home = {"HUITONG_HOME": str(tmp_path)}
    chosen = Settings.from_environment(home | {"HUITONG_CIPHER": "SM4-GCM"})
    assert Settings.from_environment(home).cipher == "aes-256-gcm"
    assert chosen.cipher == "sm4-gcm"
    assert chosen.to_environment()["HUITONG_CIPHER"] == "sm4-gcm"


def test_takes_master_keys_from_outside_and_shows_them_nowhere(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"HUITONG_HOME": str(tmp_path), "HUITONG_MASTER_KEYS": "s3cret"}
    )
    assert settings.master_keys == "s3cret"
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in " ".join(settings.to_environment().values())


def test_shows_no_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path).with_database(owner_url=OWNER_URL)
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in " ".join(settings.to_environment().values())


def test_gives_a_child_the_same_tls_and_no_recovery_key(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "HUITONG_HOME": str(tmp_path),
            "HUITONG_TLS_NAMES": " pay.example.com, ,192.0.2.7",
            "HUITONG_TLS_CERT": str(tmp_path / "cert.pem"),
            "HUITONG_TLS_KEY": str(tmp_path / "key.pem"),
            "HUITONG_BACKUP_KEY": "htb1-s3cret",
        }
    )
    assert settings.is_tls is True
    assert settings.tls_names == ("pay.example.com", "192.0.2.7")
    assert settings.backup_key == "htb1-s3cret"
    assert "s3cret" not in repr(settings)
    child = Settings.from_environment(settings.to_environment())
    assert child == replace(settings, backup_key=None)


def test_speaks_plain_http_unless_told_otherwise(tmp_path: Path) -> None:
    assert Settings.from_environment({"HUITONG_HOME": str(tmp_path)}).is_tls is False
    given = {"HUITONG_HOME": str(tmp_path), "HUITONG_TLS": "off", "HUITONG_TLS_CERT": "/c.pem"}
    assert Settings.from_environment(given).is_tls is False
    with pytest.raises(InvalidField) as caught:
        Settings.from_environment({"HUITONG_HOME": str(tmp_path), "HUITONG_TLS": "maybe"})
    assert caught.value.field == "HUITONG_TLS"


def test_reads_where_passkeys_and_messages_come_from(tmp_path: Path) -> None:
    given = {
        "HUITONG_HOME": str(tmp_path),
        "HUITONG_PASSKEY_DOMAIN": "bank.example",
        "HUITONG_PASSKEY_ORIGINS": "https://bank.example, https://m.bank.example",
        "HUITONG_SMS_GATEWAY_URL": "http://127.0.0.1:8601",
        "HUITONG_TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.1",
    }
    settings = Settings.from_environment(given)
    assert settings.passkey_domain == "bank.example"
    assert settings.allowed_passkey_origins == ("https://bank.example", "https://m.bank.example")
    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")
    again = Settings.from_environment(settings.to_environment())
    assert again.to_environment() == settings.to_environment()
    plain = Settings.from_environment({"HUITONG_HOME": str(tmp_path), "HUITONG_PORT": "8001"})
    assert plain.allowed_passkey_origins == ("http://localhost:8001",)
    assert replace(plain, is_tls=True).allowed_passkey_origins == ("https://localhost:8001",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUITONG_PASSKEY_ORIGINS", "bank.example"),
        ("HUITONG_PASSKEY_ORIGINS", "http://bank.example"),
        ("HUITONG_PASSKEY_ORIGINS", "https://bank.example/log-in"),
        ("HUITONG_PASSKEY_ORIGINS", ",".join(f"https://{n}.example" for n in range(9))),
        ("HUITONG_TRUSTED_PROXIES", "proxy.example"),
        ("HUITONG_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("HUITONG_METRICS_NETWORKS", "everybody"),
        ("HUITONG_SMS_GATEWAY_URL", "http://sms.example"),
        ("HUITONG_SMS_GATEWAY_URL", "http://10.0.0.7:8600"),
        ("HUITONG_SMS_GATEWAY_URL", "http://127.0.0.1.example:8600"),
        ("HUITONG_SMS_GATEWAY_URL", "ftp://127.0.0.1/"),
        ("HUITONG_BANK_CHANNEL_URL", "https://me:hunter2@bank.example"),
        ("HUITONG_BANK_CHANNEL_URL", "https://"),
        ("HUITONG_BANK_CHANNEL_URL", "bank.example"),
        ("HUITONG_REGISTRY_URL", "https://registry.example/?key=1"),
        ("HUITONG_REGISTRY_URL", "http://[::1"),
    ],
)
def test_names_the_variable_of_an_origin_or_proxy_that_is_none(name: str, value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Settings.from_environment({name: value})
    assert refused.value.field == name
    assert "hunter2" not in refused.value.detail


@pytest.mark.parametrize(
    "url",
    ["https://sms.example", "https://10.0.0.7:8443/v2", "http://localhost:1", "http://[::1]:8600"],
)
def test_calls_others_by_tls_and_this_machine_as_it_likes(url: str) -> None:
    for name in (
        "HUITONG_SMS_GATEWAY_URL",
        "HUITONG_BANK_CHANNEL_URL",
        "HUITONG_BUREAU_URL",
        "HUITONG_REGISTRY_URL",
        "HUITONG_FX_RATES_URL",
        "HUITONG_CORRESPONDENT_URL",
    ):
        assert url in vars_of(Settings.from_environment({name: url}))


def vars_of(settings: Settings) -> tuple[str | None, ...]:
    return (
        settings.sms_gateway_url,
        settings.bank_channel_url,
        settings.registry_url,
        settings.bureau_url,
        settings.fx_rates_url,
        settings.correspondent_url,
    )
