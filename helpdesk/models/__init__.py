"""The tables, one file per noun. Importing this package knows them all (Alembic compares with it)."""

from helpdesk.models.accounts import Agent, ContactPoint, Grant, Membership, PagingRule, Team, Token, WebSession
from helpdesk.models.base import Base
from helpdesk.models.clocks import Clock, ClockEvent
from helpdesk.models.contacts import Address, Contact
from helpdesk.models.deliveries import Delivery, DeliveryReportRow
from helpdesk.models.due import Alarm, Due, Heartbeat, RateLimit
from helpdesk.models.events import Event
from helpdesk.models.messages import Attachment, Inbound, Message
from helpdesk.models.organisations import District, Organisation, PostalCode
from helpdesk.models.portals import Category, Component, Portal, Service
from helpdesk.models.tickets import SecretLink, Status, Ticket, TicketKind
from helpdesk.models.versions import Version

__all__ = [
    "Address", "Agent", "Alarm", "Attachment", "Base", "Category", "Clock", "ClockEvent", "Component", "Contact",
    "ContactPoint", "Delivery", "DeliveryReportRow", "District", "Due", "Event", "Grant", "Heartbeat", "Inbound",
    "Membership", "Message", "Organisation", "PagingRule", "Portal", "PostalCode", "RateLimit", "SecretLink",
    "Service", "Status", "Team", "Ticket", "TicketKind", "Token", "Version", "WebSession",
]  # fmt: skip
