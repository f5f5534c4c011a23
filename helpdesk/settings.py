"""Settings from the environment (prefix `HELPDESK_`, and `DATABASE_URL`). All are listed in docs/reference/settings.md."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data() -> Path:
    """As root `/var/lib/helpdesk`, else a folder of the user's own."""
    if os.geteuid() == 0:
        return Path("/var/lib/helpdesk")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "helpdesk"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HELPDESK_", extra="ignore", frozen=True)

    database_url: str | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("DATABASE_URL", "HELPDESK_DATABASE_URL", "database_url")
    )
    listen_url: str | None = Field(
        default=None, repr=False
    )  #: direct DSN for LISTEN, where a pooler stands before the database
    prepare_threshold: int | None = 5  #: 0 = never prepare (pgbouncer in transaction mode)
    pool_size: int = 8
    data: Path = Field(default_factory=default_data)
    files_url: str | None = None  #: where attachments lie, e.g. s3://bucket/path; a folder in `data` if unset
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    proxy: str = ""  #: addresses of reverse proxies whose X-Forwarded-For is believed, with commas between
    secret: str | None = Field(
        default=None, repr=False
    )  #: signs cookies and reply tokens; made and kept in `data` if unset
    demo_password: str | None = Field(default=None, repr=False)
    test_clock: bool = False
    brand: str = "Portalservice"
    hotline: str = "0221 4710 100"  #: the sample number of the pictures; a real one is configuration
    log_level: str = "INFO"
    session_hours: int = 12
    api_per_minute: int = 600  #: calls of one token; more are answered 429
    link_days: int = 30
    reopen_days: int = 7
    max_upload: int = 15 * 1024 * 1024  #: bytes per file
    max_files: int = 10
    max_text: int = 20_000  #: characters of a message

    @property
    def base_url(self) -> str:
        """Public address without a slash at the end; links and webhook signatures use it, never the Host header."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")
