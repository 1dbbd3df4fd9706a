"""`huitong demo`: a day of business with real calls, where a platform runs or on one of its own."""

import asyncio
import contextlib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from huitong.cli.demo_loan import loan
from huitong.cli.demo_onboarding import onboarding
from huitong.cli.demo_risk import risk
from huitong.cli.demo_settlement_day import settlement_day
from huitong.cli.process import load_entry_point
from huitong.kernel.errors import Fault
from huitong.kernel.settings import Settings
from huitong.wiring.platform import public_url
from huitong.wiring.tls import make_client_context
from huitong.wiring.trial import Trial, is_ready, issue_key, revoke_key, trial_platform

_SEED: Final = 1823
_FACTS_FILE: Final = "demo.env"


class NoPlatform(Fault):
    """The address that was given has nobody behind it."""

    code = "no_platform"
    title = "No platform answers"


app: Final = typer.Typer(rich_markup_mode="rich", invoke_without_command=True)
app.command("loan", short_help="Play a loan from the application to the payoff.")(loan)
app.command("onboarding", short_help="Play the life of one customer's data.")(onboarding)
app.command("risk", short_help="Play an honest week, then four attacks.")(risk)
app.command("settlement-day", short_help="Play a day of an operations team.")(settlement_day)


def register(parent: typer.Typer) -> None:
    """Add the commands to the command line."""
    parent.add_typer(
        app, name="demo", short_help="Play a day of business, or one customer's life, and check."
    )


Url = Annotated[
    str | None,
    typer.Option(help="The platform to play on.", show_default="the one of these settings"),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="HUITONG_API_KEY",
        help="An API key with all scopes.",
        show_default="one made in the home's database for this run",
    ),
]
Seed = Annotated[int, typer.Option(help="Decides the amounts; the same seed tells the same day.")]
SeedOnly = Annotated[
    bool,
    typer.Option(
        "--seed-only", help="Only make the demo customers, merchants and key, if missing."
    ),
]


@app.callback()
def demo(
    context: typer.Context,
    *,
    url: Url = None,
    key: Key = None,
    seed: Seed = _SEED,
    seed_only: SeedOnly = False,
) -> None:
    """Play a day of business with real HTTP calls, and check every answer and every balance.

    Opens accounts, tops up, transfers, pays by QR codes, holds and captures, shares, refunds,
    refuses an overdraft, repeats requests, and ends with the trial balance and `ledger verify`.
    If no platform answers, it starts one in a temporary home, which is gone afterwards.

    Ends with code 1 if anything is not as expected.
    """
    if context.invoked_subcommand is not None:
        if url is not None or seed_only or seed != _SEED:
            raise typer.BadParameter(f"{context.invoked_subcommand} takes its options after itself")
        return
    settings = Settings.from_environment()
    if seed_only:
        _seed_only(settings, url or public_url(settings))
        return
    console = Console(highlight=False)
    with _find_platform(settings, url, console) as (address, place):
        with _find_key(place, key) as secret:
            tls = make_client_context(settings) if place is settings else None
            is_right = _play(address, secret, seed, console, tls)
        is_right &= _verify(place, console)
    if not is_right:
        raise typer.Exit(code=1)


@contextlib.contextmanager
def _find_platform(
    settings: Settings, url: str | None, console: Console
) -> Iterator[tuple[str, Settings | Trial]]:
    address = (url or public_url(settings)).rstrip("/")
    if is_ready(address, context=make_client_context(settings)):
        yield address, settings
    elif url is not None:
        raise NoPlatform(f"No platform that is ready answers at {address}.", retryable=True)
    else:
        console.print(
            f"[dim]{address} 没有平台在运行，临时启动一个…  "
            "Nobody answers there; starting a platform in a temporary home …[/]"
        )
        with trial_platform(say=console.print) as trial:
            yield trial.url, trial


@contextlib.contextmanager
def _find_key(place: Settings | Trial, key: str | None) -> Iterator[str]:
    """Yield the key that was given, or one that lives as long as the run does."""
    if key is not None and not isinstance(place, Trial):
        yield key
        return
    settings = place.settings if isinstance(place, Trial) else place
    scopes = load_entry_point("huitong.demo:SCOPES")
    issued = asyncio.run(
        issue_key(settings, name="huitong demo", scopes=scopes, now=datetime.now(UTC))
    )
    try:
        yield issued.secret
    finally:
        asyncio.run(revoke_key(settings, issued, now=datetime.now(UTC)))


def _play(
    address: str, secret: str, seed: int, console: Console, context: ssl.SSLContext | None
) -> bool:
    demo_room: Any = load_entry_point("huitong.demo")
    with demo_room.Client(address, secret, context=context) as client:
        day = demo_room.Day(client=client, stage=demo_room.Stage(console), seed=seed)
        is_right: bool = demo_room.play_day(day, url=address)
    return is_right


def _verify(place: Settings | Trial, console: Console) -> bool:
    """Run `huitong ledger verify` on the platform's database, as its operator would."""
    console.print("\n[dim]$ huitong ledger verify[/]")
    if isinstance(place, Trial):
        finished = place.run("ledger", "verify")
        console.print(finished.stdout + finished.stderr, markup=False)
        return finished.returncode == 0
    command = [sys.executable, "-m", "huitong.cli", "ledger", "verify"]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own command


def _seed_only(settings: Settings, url: str) -> None:
    facts = settings.home / _FACTS_FILE
    known = _read_facts(facts)
    demo_room: Any = load_entry_point("huitong.demo")
    secret = known.get("HUITONG_API_KEY", "")
    context = make_client_context(settings)
    if not secret or not demo_room.is_key_valid(url, secret, context=context):
        issued = asyncio.run(
            issue_key(settings, name="demo", scopes=demo_room.SCOPES, now=datetime.now(UTC))
        )
        secret = issued.secret
    with demo_room.Client(url, secret, context=context) as client:
        found = demo_room.seed_platform(client, known)
    _write_facts(facts, {"HUITONG_URL": url, "HUITONG_API_KEY": secret, **found})


def _read_facts(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def _write_facts(path: Path, facts: dict[str, str]) -> None:
    """Write what a shell can read with `. var/demo.env`; for its owner's eyes only."""
    text = "# Made by `huitong demo --seed-only`; read it into a shell with `. ./demo.env`.\n"
    text += "".join(f"{name}={value}\n" for name, value in facts.items())
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
