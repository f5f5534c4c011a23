"""What a running process holds: settings, database, channels, files. Made by `helpdesk.app`, handed to every face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from helpdesk.channel import Channel
from helpdesk.context import Context
from helpdesk.db import Database
from helpdesk.embedded import Embedded
from helpdesk.files import FileStore
from helpdesk.settings import Settings


@dataclass(frozen=True, kw_only=True)
class House:
    settings: Settings
    database: Database
    context: Context
    channels: Mapping[str, Channel]
    files: FileStore
    listen_dsn: str  #: direct connection for LISTEN
    embedded: Embedded | None = None  #: the embedded database, where this process has one
