"""Who sees what: every face gets tickets only from here. Deny by default.

A right is a role, narrowed to a portal, an organisation or a municipality; no narrowing means all. Security and privacy
tickets are shown to the members of their own teams and to administrators only (need to know).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.orm import Session

from helpdesk.errors import Forbidden
from helpdesk.models import Ticket
from helpdesk.tickets import Actor, locked

#: roles that work on tickets in the console or over the API
WORKING = frozenset({"agent", "lead", "coordinator", "admin", "partner"})
SEES_ALL = frozenset({"agent", "lead", "coordinator", "admin"})
RESTRICTED = ("security", "privacy")


@dataclass(frozen=True, kw_only=True)
class Right:
    role: str
    portal: str | None = None
    organisation: str | None = None
    ags: str | None = None


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody signed in, or another system by its token."""

    actor: Actor
    rights: tuple[Right, ...]
    teams: frozenset[str] = frozenset()
    email: str = field(default="", repr=False)
    form_token: str = field(default="", repr=False)

    def has(self, *roles: str) -> bool:
        return any(right.role in roles for right in self.rights)

    def require(self, *roles: str) -> None:
        if not self.has(*roles):
            raise Forbidden


def visible(visitor: Visitor) -> ColumnElement[bool]:
    """The tickets that this visitor may see, as a condition for `select(Ticket)`."""
    allowed = or_(*(_allowed(right) for right in visitor.rights)) if visitor.rights else false()
    if visitor.has("admin"):
        return allowed
    return and_(allowed, or_(Ticket.kind.not_in(RESTRICTED), Ticket.team.in_(visitor.teams)))


def _allowed(right: Right) -> ColumnElement[bool]:
    narrow = [
        Ticket.portal == right.portal if right.portal else true(),
        Ticket.partner == right.organisation if right.organisation else true(),
        Ticket.ags == right.ags if right.ags else true(),
    ]
    if right.role in SEES_ALL:
        return and_(*narrow)
    if right.role in ("partner", "reporter") and (right.organisation or right.ags or right.portal):
        return and_(*narrow)
    return false()


def ticket(session: Session, visitor: Visitor, number: str) -> Ticket:
    """One ticket, locked for a change. A ticket that may not be seen looks like one that does not exist."""
    return locked(session, number, visible(visitor))
