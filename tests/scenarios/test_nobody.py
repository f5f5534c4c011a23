"""Those who have no address are not all one person."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from helpdesk.channel import Address, InboundMessage, Kind, Raw, Receipt
from helpdesk.desk import ChannelDesk
from tests.desk import Desk


def without_sender(desk: Desk, key: str, *hints: str) -> Receipt:
    message = InboundMessage(
        external_id=key,
        kind=Kind.MESSAGE,
        sender=Address(kind="email", value=""),
        recipient=Address(kind="email", value="us"),
        text="Eine Mail ohne Absender.",
        raw=Raw(body=key.encode(), headers={}, received_at=datetime.now(UTC)),
        hints=hints,
    )
    return asyncio.run(ChannelDesk(desk.house, desk.house.channels["email"]).take_in(message))


def test_a_number_leads_nobody_into_the_ticket_of_somebody_without_a_name(desk: Desk) -> None:
    desk.at("2026-11-23 10:00")
    first = without_sender(desk, "<eins@example.org>")
    for key, hint in (("zwei", f"number:{first.number}"), ("drei", "message-id:<eins@example.org>")):
        assert without_sender(desk, key, hint).number not in ("", first.number)
