"""One tree of errors. Each class knows its HTTP status; its docstring is the default message for people (gettext id)."""

from __future__ import annotations

import inspect

from helpdesk.channel import NotNow


class HelpdeskError(Exception):
    """Das hat nicht geklappt."""

    status = 500
    code = "error"

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        self.message = message or inspect.getdoc(type(self)) or ""
        self.field = field
        super().__init__(self.message)


class BadInput(HelpdeskError):
    """Bitte prüfen Sie Ihre Angaben."""

    status = 422
    code = "bad_input"


class TooLarge(HelpdeskError):
    """Das ist zu groß. Bitte kürzen Sie den Text oder senden Sie kleinere Dateien."""

    status = 413
    code = "too_large"


class NotSignedIn(HelpdeskError):
    """Bitte melden Sie sich an."""

    status = 401
    code = "not_signed_in"


class Forbidden(HelpdeskError):
    """Dafür haben Sie keine Berechtigung."""

    status = 403
    code = "forbidden"


class NotFound(HelpdeskError):
    """Das haben wir nicht gefunden."""

    status = 404
    code = "not_found"


class Conflict(HelpdeskError):
    """Inzwischen hat sich etwas geändert. Bitte sehen Sie nach, bevor Sie fortfahren."""

    status = 409
    code = "conflict"


class TooMany(HelpdeskError):
    """Das waren sehr viele Anfragen. Bitte warten Sie einen Moment oder rufen Sie uns an."""

    status = 429
    code = "too_many"

    def __init__(self, message: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DatabaseAway(HelpdeskError, NotNow):
    """Wir können Ihre Nachricht gerade nicht speichern. Bitte versuchen Sie es gleich noch einmal oder rufen Sie uns an."""

    status = 503
    code = "database_away"


class ConfigError(HelpdeskError):
    """Die Konfiguration widerspricht sich."""

    status = 422
    code = "config"

    def __init__(self, file: str, key: str, reason: str) -> None:
        self.file, self.key, self.reason = file, key, reason
        super().__init__(f"{file}: {key}: {reason}")
