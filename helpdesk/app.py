"""The one place where the parts are put together."""

from __future__ import annotations

import contextlib
import logging
import secrets
import zoneinfo
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

import migrations
from helpdesk import clock, embedded, web
from helpdesk.channel import Channel
from helpdesk.context import Context
from helpdesk.database_url import check_url, sqlalchemy_url
from helpdesk.db import Database
from helpdesk.desk import ChannelDesk
from helpdesk.files import FileStore
from helpdesk.house import House
from helpdesk.settings import Settings

#: libraries that would put tokens, numbers or addresses into the log (CHANNELS §1.9)
TALKATIVE = ("httpx", "httpcore", "twilio.http_client", "telegram", "aioimaplib")


@contextlib.contextmanager
def database_of(settings: Settings) -> Iterator[tuple[str, embedded.Embedded | None]]:
    """The URL of the database: the configured one, checked, or the embedded one, started and handed along."""
    if settings.database_url:
        check_url(settings.database_url)
        yield sqlalchemy_url(settings.database_url).render_as_string(hide_password=False), None
        return
    with embedded.open(settings.data) as server:
        yield server.url, server


def build(
    settings: Settings, database_url: str, environ: Mapping[str, str], server: embedded.Embedded | None = None
) -> House:
    """Everything a process holds, on a database that answers. No network call."""
    zoneinfo.reset_tzpath(())  # the pinned tzdata package is the only source of zones
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    channels = found_channels(environ, settings)
    database = Database(database_url, pool_size=settings.pool_size, prepare_threshold=settings.prepare_threshold)
    context = Context(
        settings=settings,
        secret=secret_of(settings),
        channels={name: channel.info for name, channel in channels.items()},
    )
    database.info["context"] = context
    return House(
        settings=settings,
        database=database,
        context=context,
        channels=channels,
        files=FileStore.open(settings),
        listen_dsn=settings.listen_url or libpq(database_url),
        embedded=server,
    )


def libpq(url: str) -> str:
    """The same address as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def found_channels(environ: Mapping[str, str], settings: Settings) -> dict[str, Channel]:
    """Every installed channel that these settings describe; the first account of each."""
    given = {name[len("HELPDESK_") :].lower(): value for name, value in environ.items() if name.startswith("HELPDESK_")}
    given.setdefault("public_url", settings.base_url)
    found: dict[str, Channel] = {}
    for entry in sorted(entry_points(group="helpdesk.channels"), key=lambda entry: entry.name):
        for channel in entry.load().from_settings(given)[:1]:
            found[entry.name] = channel
    return found


def secret_of(settings: Settings) -> bytes:
    """The installation's secret: from the settings, else made once and kept in the data folder, readable by us only."""
    if settings.secret:
        return settings.secret.encode()
    path = settings.data / "secret"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        fresh = path.with_name(f"secret.{secrets.token_hex(4)}")
        fresh.write_bytes(secrets.token_bytes(32))
        fresh.chmod(0o600)
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)  # whoever comes second takes the first one's
        fresh.unlink()
    return path.read_bytes()


def create_app(settings: Settings, house: House) -> Starlette:
    """The web application over a house. `settings.public_url` decides links and webhook addresses, never a header."""
    app = Starlette(
        routes=[*web.routes(), *channel_routes(house)],
        middleware=web.middleware(settings),
        exception_handlers=web.exception_handlers(),
        lifespan=_lifespan,
    )
    app.state.house = house
    return app


def channel_routes(house: House) -> list[BaseRoute]:
    """Each channel's own addresses, below `/channels/{name}`."""
    return [
        Mount(f"/channels/{name}", routes=channel.routes(ChannelDesk(house, channel)), name=f"channel-{name}")
        for name, channel in house.channels.items()
    ]


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with web.lifespan(app.state.house):
        yield


# migrations


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def migrate(database: Database) -> None:
    """Brings the schema to this release's; a lock keeps two from doing it at once."""
    config = alembic_config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
        if database_clock_wanted(database):
            clock.install_test_clock(connection)
            connection.commit()


def database_clock_wanted(database: Database) -> bool:
    context = database.info.get("context")
    return isinstance(context, Context) and context.settings.test_clock


def is_current(database: Database) -> bool:
    """Whether the schema is this release's."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
