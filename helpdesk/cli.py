"""The command line: start, stop, look, configure. Every command shows an example in `--help`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from rich.console import Console
from rich.progress import track
from sqlalchemy import select
from starlette.types import ASGIApp

from helpdesk import accounts, app, config, demo, explain, i18n
from helpdesk.channel import Misconfigured
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.house import House
from helpdesk.models import Agent, Version
from helpdesk.settings import Settings
from helpdesk.worker import Worker

SEED = Path(config.__file__).parent.parent / "data" / "seed"
DEMO_PEOPLE = ("agent", "lead", "kommune", "partner", "admin")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

main = typer.Typer(help="Anlaufstelle: eine Anlaufstelle für alle Portale.", no_args_is_help=True, add_completion=False)
config_app = typer.Typer(help="Konfiguration als Dateien: zeigen, anwenden, ausgeben.", no_args_is_help=True)
user_app = typer.Typer(help="Konten.", no_args_is_help=True)
token_app = typer.Typer(help="Zugangsschlüssel anderer Systeme.", no_args_is_help=True)
sla_app = typer.Typer(help="Fristen erklären.", no_args_is_help=True)
mail_app = typer.Typer(help="Was unser Leser in einer Mail sieht.", no_args_is_help=True)
for name, part in (
    ("config", config_app),
    ("user", user_app),
    ("token", token_app),
    ("sla", sla_app),
    ("mail", mail_app),
):
    main.add_typer(part, name=name)


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Errors for people: the sentence, no traceback."""
    try:
        yield
    except (HelpdeskError, Misconfigured) as error:
        err.print(f"[red]{getattr(error, 'message', None) or error}[/red]")
        raise typer.Exit(1) from None


@contextlib.contextmanager
def a_house(settings: Settings | None = None) -> Iterator[House]:
    """A house on the configured database, migrated already."""
    settings = settings or Settings()
    _log_to_stderr(settings)
    with told(), app.database_of(settings) as (url, server):
        house = app.build(settings, url, os.environ, server)
        try:
            yield house
        finally:
            house.database.dispose()


class _Stderr:
    """Today's standard error. A log that cannot be written (closed, full, its reader gone) stops nothing."""

    def write(self, words: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(words)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def _log_to_stderr(settings: Settings) -> None:
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,  # the traceback alone: values of variables may be secrets
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_Stderr()),  # type: ignore[arg-type]  # only write and flush are used
    )


# running


@main.command()
def up() -> None:
    """Alles in einem: Datenbank, Schema, erste Daten, Web und Worker.

    Beispiel: HELPDESK_PORT=8080 helpdesk up
    """
    settings = Settings()
    _port_is_free(settings)
    with a_house(settings) as house:
        app.migrate(house.database)
        passwords = first_run(house)
        if passwords and not settings.database_url:
            fill(house)
        _greet(settings, passwords)
        asyncio.run(_serve(house, web=True, work=True))


@main.command()
def serve() -> None:
    """Nur das Web. Beispiel: DATABASE_URL=postgresql://… helpdesk serve"""
    settings = Settings()
    _port_is_free(settings)
    with a_house(settings) as house:
        _current(house)
        asyncio.run(_serve(house, web=True, work=False))


@main.command()
def work() -> None:
    """Nur der Worker; mehrere teilen sich die Arbeit. Beispiel: helpdesk work"""
    with a_house() as house:
        _current(house)
        asyncio.run(_serve(house, web=False, work=True))


@main.command()
def migrate() -> None:
    """Bringt das Schema auf den Stand dieser Version. Beispiel: helpdesk migrate"""
    with a_house() as house:
        app.migrate(house.database)
        out.print("Das Schema ist auf dem Stand dieser Version.")


@main.command("demo")
def play_demo() -> None:
    """Spielt Beispielnachrichten ein, damit etwas zu sehen ist. Beispiel: helpdesk demo"""
    with a_house() as house:
        _current(house)
        fill(house)


def fill(house: House) -> None:
    """The sample messages, with progress."""
    total = len(demo.samples())
    for _ in track(demo.play(house.database), description="Beispielnachrichten", total=total, console=err):
        pass


def _current(house: House) -> None:
    if not app.is_current(house.database):
        err.print("[red]Das Schema gehört zu einer anderen Version. Bitte zuerst: helpdesk migrate[/red]")
        raise typer.Exit(1)


async def _serve(house: House, *, web: bool, work: bool) -> None:
    """Runs until a signal; the web server stops taking requests first, then the worker ends its pass."""
    stop = asyncio.Event()
    jobs = []
    if work:
        jobs.append(asyncio.create_task(Worker(house=house).run(stop)))
    if web:
        await uvicorn.Server(web_config(house.settings, app.create_app(house.settings, house))).serve()
        stop.set()
    else:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()
    await asyncio.gather(*jobs)


def web_config(settings: Settings, face: ASGIApp) -> uvicorn.Config:
    """What a request says of where it came from is believed from the reverse proxy only."""
    return uvicorn.Config(
        face,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,  # addresses hold secret links
        timeout_graceful_shutdown=3,
        proxy_headers=bool(settings.proxy),
        forwarded_allow_ips=settings.proxy,
    )


def _port_is_free(settings: Settings) -> None:
    """Asked before anything is started, shown or said."""
    with contextlib.suppress(socket.gaierror):  # a name that leads nowhere: the server says so
        family, _, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        try:
            socket.create_server(address[:2], family=family).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return
            other = settings.port + 1
            err.print(
                f"[red]Port {settings.port} ist schon belegt.[/red] Ein anderer: HELPDESK_PORT={other} helpdesk …"
            )
            raise typer.Exit(1) from None


def first_run(house: House) -> dict[str, str]:
    """An empty database gets the seed and the demo people; returns their passwords, to be shown once."""
    with house.database.transaction() as session:
        if session.scalars(select(Version.id).limit(1)).first() is not None:
            return {}
        config.apply(session, SEED, "first run")
        password = house.settings.demo_password or secrets.token_urlsafe(9)
        shown = {}
        for name in DEMO_PEOPLE:
            email = f"{name}@demo.example"
            agent = session.scalars(select(Agent).where(Agent.email == email)).one()
            accounts.set_password(session, agent, password)
            shown[email] = password
        return shown


def _greet(settings: Settings, passwords: dict[str, str]) -> None:
    base = settings.base_url
    out.print(f"\n[bold]{settings.brand}[/bold] läuft.\n")
    out.print(f"  Hilfe und Kontakt   {base}/")
    out.print(f"  Konsole             {base}/console")
    out.print(f"  API                 {base}/api/openapi.json\n")
    if passwords:
        password = next(iter(passwords.values()))
        out.print(f"  Anmelden als {', '.join(passwords)}")
        out.print(f"  Passwort     {password}   (wird nur jetzt gezeigt)\n")
    else:
        out.print("  Passwort vergessen? .venv/bin/helpdesk user password agent@demo.example\n")
    out.print("  Beenden: Strg+C\n")


@main.command()
def check() -> None:
    """Sagt in Worten, was fehlt. Beispiel: helpdesk check"""
    settings = Settings()
    with a_house(settings) as house:
        missing = _findings(house)
        for words in missing:
            out.print(f"- {words}")
        out.print("Nichts fehlt." if not missing else f"\n{len(missing)} Punkte.")
        raise typer.Exit(1 if missing else 0)


def _findings(house: House) -> list[str]:
    found = []
    if not app.is_current(house.database):
        found.append("Das Schema gehört zu einer anderen Version: helpdesk migrate")
    if not house.settings.public_url:
        found.append(
            "HELPDESK_PUBLIC_URL fehlt: Links in Nachrichten zeigen auf diese Maschine, Webhooks sind nicht möglich."
        )
    if not house.settings.database_url:
        found.append("Die eingebaute Datenbank ist für den Anfang gedacht. Für den Betrieb: DATABASE_URL setzen.")
    if "email" not in house.channels:
        found.append(
            "E-Mail ist nicht eingerichtet: Antworten an E-Mail-Adressen warten. Siehe channels/email/README.md"
        )
    for name, channel in house.channels.items():
        health = asyncio.run(channel.check())
        if not health.ok:
            found.append(f"Kanal {name}: {health.problem}")
    found += [f"Texte in {language} hat noch niemand gegengelesen." for language in i18n.unreviewed()]
    return found


# configuration


@config_app.command("plan")
def config_plan(path: Path) -> None:
    """Zeigt, was diese Dateien ändern würden. Beispiel: helpdesk config plan meine-portale/"""
    with a_house() as house, house.database.transaction() as session:
        out.print(str(config.plan(session, path)), markup=False)


@config_app.command("apply")
def config_apply(
    path: Path, yes: Annotated[bool, typer.Option("--yes", "-y", help="nicht nachfragen")] = False
) -> None:
    """Zeigt die Änderungen und setzt sie nach Rückfrage in Kraft. Beispiel: helpdesk config apply portal.toml"""
    with a_house() as house, house.database.transaction() as session:
        planned = config.plan(session, path)
        out.print(str(planned), markup=False)
        if not planned:
            return
        if not yes and not typer.confirm("In Kraft setzen?"):
            raise typer.Exit(1)
        config.apply(session, path, f"cli:{os.environ.get('USER', 'unbekannt')}")
        out.print("In Kraft.")


@config_app.command("export")
def config_export(path: Path) -> None:
    """Schreibt alles, was gilt, als Dateien. Beispiel: helpdesk config export sicherung/"""
    with a_house() as house, house.database.transaction() as session:
        config.export(session, path)
        out.print(f"Geschrieben nach {path}.")


# people and systems


@user_app.command("add")
def user_add(
    email: str,
    name: Annotated[str, typer.Option(help="Name, wie er erscheint")],
    role: Annotated[str, typer.Option(help="agent, lead, coordinator, partner, reporter, admin")] = "agent",
    team: Annotated[list[str] | None, typer.Option(help="Team, mehrfach möglich")] = None,
) -> None:
    """Legt ein Konto an und zeigt sein Passwort einmal. Beispiel: helpdesk user add a@b.example --name "A. B." """
    with a_house() as house, house.database.transaction() as session:
        password = secrets.token_urlsafe(12)
        agent = accounts.add_agent(session, email, name, role=role, password=password)
        for each in team or ():
            accounts.join(session, agent.id, each)
        out.print(f"{agent.email}  Passwort: {password}")


@user_app.command("password")
def user_password(email: str) -> None:
    """Setzt ein neues Passwort und zeigt es einmal. Beispiel: helpdesk user password a@b.example"""
    with a_house() as house, house.database.transaction() as session:
        agent = session.scalars(select(Agent).where(Agent.email == email.strip().lower())).one_or_none()
        if agent is None:
            raise NotFound("Dieses Konto gibt es nicht.")
        password = secrets.token_urlsafe(12)
        accounts.set_password(session, agent, password)
        out.print(f"{agent.email}  Passwort: {password}")


@token_app.command("add")
def token_add(name: str, role: Annotated[str, typer.Option(help="agent, reporter oder admin")] = "agent") -> None:
    """Macht einen Zugangsschlüssel und zeigt ihn einmal. Beispiel: helpdesk token add stadtapp --role reporter"""
    with a_house() as house, house.database.transaction() as session:
        out.print(accounts.add_token(session, name, role))


@sla_app.command("explain")
def sla_explain(number: str, language: Annotated[str, typer.Option(help="de oder en")] = "de") -> None:
    """Erklärt die Fristen eines Tickets Zeile für Zeile. Beispiel: helpdesk sla explain T-2026-000001"""
    with a_house() as house, house.database.transaction() as session:
        out.print(explain.ticket(session, number, language), markup=False)


@mail_app.command("parse")
def mail_parse(files: list[Path]) -> None:
    """Eine JSON-Zeile je Datei. Beispiel: helpdesk mail parse brief.eml"""
    tool = _tool("email", "parse")
    for path in files:
        out.print(json.dumps(tool(path.read_bytes()), ensure_ascii=False), markup=False, soft_wrap=True)


def _tool(channel: str, name: str) -> Any:
    """A tool that a channel ships, found through its entry point."""
    for entry in entry_points(group="helpdesk.channels", name=channel):
        return entry.load().tools[name]
    err.print(f"[red]Der Kanal {channel} ist nicht installiert.[/red]")
    raise typer.Exit(1)
