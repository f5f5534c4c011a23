"""Who sees what: deny by default, narrowed by portal, organisation, municipality; need to know."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk import access, accounts, tickets, worker
from helpdesk.access import Right, Visitor
from helpdesk.errors import BadInput, NotFound, NotSignedIn
from helpdesk.models import Agent, Ticket, TicketKind, WebSession
from helpdesk.tickets import Actor, Opening
from tests.conftest import PASSWORD


def opened(session: Session, **more: object) -> Ticket:
    opening = Opening(subject="S", text="T", channel="api", language="de", contact_id=None, **more)  # type: ignore[arg-type]
    return tickets.open_ticket(session, opening).ticket


def visitor(*rights: Right, teams: tuple[str, ...] = ()) -> Visitor:
    return Visitor(actor=Actor(kind="agent", name="A", id=1), rights=rights, teams=frozenset(teams))


def seen(session: Session, who: Visitor) -> set[str]:
    return set(session.scalars(select(Ticket.number).where(access.visible(who))))


def test_without_a_right_nothing_is_seen(session: Session) -> None:
    opened(session)
    assert seen(session, visitor()) == set()
    assert seen(session, visitor(Right(role="partner"))) == set()
    assert seen(session, visitor(Right(role="reporter"))) == set()


def test_rights_are_narrowed(session: Session) -> None:
    dormagen = opened(session, ags="05162004", portal="kommunalportal-nrw").number
    money = opened(
        session,
        portal="kommunalportal-nrw",
        component="epayment",
        impact="kommune",
        urgency="hoch",
        kind=TicketKind.INCIDENT,
        category="stoerung_ausfall",
    )
    assert seen(session, visitor(Right(role="agent"))) == {dormagen, money.number}
    assert seen(session, visitor(Right(role="reporter", ags="05162004"))) == {dormagen}
    assert seen(session, visitor(Right(role="agent", portal="wsp-nrw"))) == set()
    assert money.partner == "betriebspartner-5"
    assert seen(session, visitor(Right(role="partner", organisation="betriebspartner-5"))) == {money.number}
    assert seen(session, visitor(Right(role="partner", organisation="betriebspartner-6"))) == set()


def test_security_and_privacy_are_for_their_own_circle(session: Session) -> None:
    secret = opened(session, kind=TicketKind.SECURITY, category="sicherheit")
    agent = visitor(Right(role="agent"), teams=("l1",))
    assert secret.team == "sicherheit"
    assert seen(session, agent) == set()
    with pytest.raises(NotFound):
        access.ticket(session, agent, secret.number)
    assert seen(session, visitor(Right(role="agent"), teams=("sicherheit",))) == {secret.number}
    assert seen(session, visitor(Right(role="admin"))) == {secret.number}


def test_sign_in(session: Session) -> None:
    cookie = accounts.sign_in(session, " Agent@demo.example ", PASSWORD)
    who = accounts.visitor(session, cookie)
    assert who.has("agent") and "l1" in who.teams
    for email, password in (
        ("agent@demo.example", "falsch"),
        ("niemand@demo.example", PASSWORD),
        ("agent@demo.example", ""),
    ):
        with pytest.raises(NotSignedIn) as refused:
            accounts.sign_in(session, email, password)
        assert refused.value.message == "Name oder Passwort stimmen nicht."
    accounts.sign_out(session, cookie)
    with pytest.raises(NotSignedIn):
        accounts.visitor(session, cookie)


def test_an_old_session_and_a_leaver_are_signed_out(session: Session) -> None:
    cookie = accounts.sign_in(session, "agent@demo.example", PASSWORD)
    who = accounts.visitor(session, cookie)
    assert who.actor.id is not None
    session.execute(WebSession.__table__.update().values(expires_at="2020-01-01"))
    with pytest.raises(NotSignedIn):
        accounts.visitor(session, cookie)
    cookie = accounts.sign_in(session, "agent@demo.example", PASSWORD)
    accounts.disable(session, who.actor.id)
    with pytest.raises(NotSignedIn):
        accounts.visitor(session, cookie)


def test_a_new_password_ends_all_sessions(session: Session) -> None:
    cookie = accounts.sign_in(session, "agent@demo.example", PASSWORD)
    agent = session.scalars(select(Agent).where(Agent.email == "agent@demo.example")).one()
    with pytest.raises(BadInput):
        accounts.set_password(session, agent, "kurz")
    accounts.set_password(session, agent, "ein langes neues Passwort")
    with pytest.raises(NotSignedIn):
        accounts.visitor(session, cookie)
    accounts.sign_in(session, "agent@demo.example", "ein langes neues Passwort")


def test_tokens_are_kept_as_hashes_and_replaced_by_name(session: Session) -> None:
    first = accounts.add_token(session, "app", "reporter", ags="05162004")
    assert accounts.by_token(session, first).rights == (Right(role="reporter", ags="05162004"),)
    accounts.add_token(session, "app", "reporter")
    with pytest.raises(NotSignedIn):
        accounts.by_token(session, first)


def test_what_is_over_is_forgotten(session: Session) -> None:
    old, new = (accounts.sign_in(session, "agent@demo.example", PASSWORD) for _ in range(2))
    hashed = hashlib.sha256(old.encode()).digest()
    session.execute(WebSession.__table__.update().where(WebSession.hash == hashed).values(expires_at="2020-01-01"))
    worker.sweep(session)
    assert len(session.scalars(select(WebSession.hash)).all()) == 1
    assert accounts.visitor(session, new).has("agent")
