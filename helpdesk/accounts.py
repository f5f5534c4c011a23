"""Accounts: passwords, signed-in browsers, bearer tokens. Changes of people let every process read the rulebook anew."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from helpdesk import clock, history
from helpdesk.access import Right, Visitor
from helpdesk.context import context
from helpdesk.errors import BadInput, NotSignedIn
from helpdesk.models import Agent, ContactPoint, Grant, Membership, Token, Version, WebSession
from helpdesk.tickets import Actor

#: OWASP's second recommended setting for Argon2id: 19 MiB, two passes, one lane
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: verified when nobody has this name, so that a wrong name takes as long as a wrong password
NOBODY = HASHER.hash("niemand")
LEAST_PASSWORD = 10
ROLES = ("agent", "lead", "coordinator", "partner", "reporter", "admin")


def sign_in(session: Session, email: str, password: str) -> str:
    """Starts a session; returns the cookie's value. Raises `NotSignedIn`, the same for every cause."""
    agent = session.scalars(select(Agent).where(Agent.email == email.strip().lower())).one_or_none()
    hashed = agent.password_hash if agent is not None and agent.password_hash else NOBODY
    if not _verified(hashed, password) or agent is None or not agent.active or not agent.password_hash:
        history.record(session, [history.Happened(kind="sign_in.refused")])
        raise NotSignedIn("Name oder Passwort stimmen nicht.")
    cookie = secrets.token_urlsafe(32)
    hours = context(session).settings.session_hours
    session.add(
        WebSession(
            hash=_hash(cookie),
            agent_id=agent.id,
            form_token=secrets.token_urlsafe(24),
            expires_at=session.execute(select(func.now() + timedelta(hours=hours))).scalar_one(),
        )
    )
    session.flush()
    history.record(session, [history.Happened(kind="sign_in", actor=f"agent:{agent.id}")])
    return cookie


def sign_out(session: Session, cookie: str) -> None:
    session.execute(delete(WebSession).where(WebSession.hash == _hash(cookie)))


SIGNED_IN = text("""
    SELECT a.id, a.name, a.email, s.form_token,
        (SELECT jsonb_agg(jsonb_build_array(g.role, g.portal, g.organisation, g.ags)) FROM "grant" g WHERE g.agent_id = a.id)
            AS grants,
        (SELECT jsonb_agg(m.team) FROM membership m WHERE m.agent_id = a.id) AS teams
    FROM session s JOIN agent a ON a.id = s.agent_id
    WHERE s.hash = :hash AND s.expires_at > now() AND a.active
""")


def visitor(session: Session, cookie: str) -> Visitor:
    """Who this browser belongs to, in one statement. Raises `NotSignedIn`."""
    row = session.execute(SIGNED_IN, {"hash": _hash(cookie)}).one_or_none()
    if row is None:
        raise NotSignedIn
    return Visitor(
        actor=Actor(kind="agent", name=row.name, id=row.id),
        rights=tuple(Right(role=g[0], portal=g[1], organisation=g[2], ags=g[3]) for g in row.grants or ()),
        teams=frozenset(row.teams or ()),
        email=row.email,
        form_token=row.form_token,
    )


BY_TOKEN = text("SELECT name, role, portal, organisation, ags FROM token WHERE hash = :hash AND revoked_at IS NULL")


def by_token(session: Session, bearer: str) -> Visitor:
    """Another system, by its token. Raises `NotSignedIn`."""
    row = session.execute(BY_TOKEN, {"hash": _hash(bearer)}).one_or_none()
    if row is None:
        raise NotSignedIn("Dieser Zugangsschlüssel gilt nicht.")
    right = Right(role=row.role, portal=row.portal, organisation=row.organisation, ags=row.ags)
    return Visitor(actor=Actor(kind="token", name=row.name), rights=(right,))


def add_token(session: Session, name: str, role: str, **narrow: str | None) -> str:
    """Makes a bearer token and returns it; it is shown this once. An old one of the same name stops working."""
    if role not in ("agent", "reporter", "admin"):
        raise BadInput("Diese Rolle gibt es für Zugangsschlüssel nicht.", field="role")
    bearer = f"as_{secrets.token_urlsafe(32)}"
    session.execute(delete(Token).where(Token.name == name))
    session.add(Token(name=name, role=role, hash=_hash(bearer), **narrow))
    session.flush()
    history.record(session, [history.Happened(kind="token.made", data={"name": name, "role": role})])
    return bearer


def add_agent(
    session: Session, email: str, name: str, *, role: str, password: str | None = None, handle: str | None = None
) -> Agent:
    """Makes an account, or changes the one with this address."""
    email = email.strip().lower()
    if role not in ROLES:
        raise BadInput("Diese Rolle gibt es nicht.", field="role")
    agent = session.scalars(select(Agent).where(Agent.email == email)).one_or_none()
    if agent is None:
        agent = Agent(email=email, name=name, handle=handle or email.partition("@")[0], active=True)
        session.add(agent)
        session.flush()
    agent.name = name
    if session.scalars(select(Grant.id).where(Grant.agent_id == agent.id, Grant.role == role)).first() is None:
        session.add(Grant(agent_id=agent.id, role=role))
    if password is not None:
        set_password(session, agent, password)
    changed(session)
    return agent


def set_password(session: Session, agent: Agent, password: str) -> None:
    """Also ends every session of this person."""
    if len(password) < LEAST_PASSWORD:
        raise BadInput(f"Das Passwort braucht mindestens {LEAST_PASSWORD} Zeichen.", field="password")
    agent.password_hash = HASHER.hash(password)
    session.execute(delete(WebSession).where(WebSession.agent_id == agent.id))
    session.flush()
    history.record(session, [history.Happened(kind="password.set", data={"agent": agent.id})])


def join(session: Session, agent_id: int, team: str) -> None:
    session.merge(Membership(team=team, agent_id=agent_id))
    changed(session)


def add_contact_point(session: Session, agent_id: int, kind: str, value: str, *, verified: bool) -> ContactPoint:
    point = ContactPoint(agent_id=agent_id, kind=kind, value=value, enabled=True)
    if verified:
        point.verified_at = clock.now(session)
    session.add(point)
    changed(session)
    return point


def disable(session: Session, agent_id: int) -> None:
    """Somebody leaves: signed out at once, removed from all future duty; the holes show in the next pass."""
    session.execute(update(Agent).where(Agent.id == agent_id).values(active=False))
    session.execute(delete(WebSession).where(WebSession.agent_id == agent_id))
    changed(session)


def sweep(session: Session) -> None:
    """Forgets sessions that are over."""
    session.execute(delete(WebSession).where(WebSession.expires_at < func.now()))


def changed(session: Session) -> None:
    """Lets every process read people and catalogue anew."""
    session.add(Version(kind="people", name="people", content={}, created_by="accounts"))
    session.flush()
    session.info.pop("book", None)


def _verified(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
