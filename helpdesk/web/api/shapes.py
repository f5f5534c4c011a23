"""What goes over the wire: requests and answers, with their limits. The OpenAPI document is made from these."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from escalation.severity import Impact, Severity, Urgency
from helpdesk.models import Status
from helpdesk.queues import Sort, View

#: the database speaks of instants in whatever zone its session has
Instant = Annotated[datetime, AfterValidator(lambda instant: instant.astimezone(UTC))]


class Request(BaseModel):
    """Names that do not exist are refused: a typing error must not pass unseen."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """Instants are ISO 8601 in UTC. Clients should ignore names they do not know: later releases may add some."""


# requests


class ContactIn(Request):
    """Where the person can be answered. With both, answers go to the e-mail address."""

    name: Annotated[str, Field(max_length=200)] = ""
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=50)] | None = None


class TicketIn(Request):
    """A new ticket. Everything but the words may be unknown."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"anyOf": [{"required": ["text"]}, {"required": ["subject"]}]}
    )

    subject: Annotated[str, Field(max_length=300)] = ""
    text: Annotated[str, Field(description="At most 20,000 characters (setting). May be missing beside a subject.")] = (
        ""
    )
    portal: Annotated[str, Field(description="Id of a configured portal")] | None = None
    contact: ContactIn | None = None
    component: Annotated[str, Field(description="Id of a configured component")] | None = None
    category: Annotated[str, Field(description="Id of a configured category")] | None = None
    impact: Impact | None = None
    urgency: Urgency | None = None
    municipality: Annotated[str, Field(description="AGS of a municipality or district")] | None = None
    language: Annotated[str, Field(max_length=35, description="BCP 47 tag: how the person is answered")] | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255, description="Your own number for it")] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.text.strip() and not self.subject.strip():
            raise ValueError("Bitte schreiben Sie einen Text (text) oder einen Betreff (subject).")
        return self


class MessageIn(Request):
    """An answer to the person (`public`), or an internal note."""

    text: Annotated[str, Field(min_length=1)]
    public: bool = True


class AgentIn(Request):
    """A person with an account, by the name that rotas use."""

    agent: Annotated[str, Field(min_length=1, max_length=100, description="Handle of an active agent")]


class TicketsQuery(Request):
    view: View = View.ALL
    status: Status | None = None
    portal: Annotated[str, Field(max_length=100)] | None = None
    severity: Severity | None = None
    team: Annotated[str, Field(max_length=100)] | None = None
    sort: Sort = Sort.DUE
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=200, description="`next_cursor` of the page before")] | None = None


class SearchQuery(Request):
    q: Annotated[str, Field(min_length=1, max_length=200, description="Words, or a ticket number")]
    limit: Annotated[int, Field(ge=1, le=100)] = 20


# answers


class ClockOut(Answer):
    """One promise. `due_at` is null while it is paused."""

    kind: Annotated[str, Field(description="first_response, next_response, resolution, …")]
    round: int
    state: Annotated[str, Field(description="running, paused, met, breached, …")]
    started_at: Instant | None
    due_at: Instant | None
    stopped_at: Instant | None


class TicketCreated(Answer):
    number: str
    status: Status
    severity: Severity
    team: str | None
    clocks: list[ClockOut]
    status_url: Annotated[str, Field(description="Secret page of the person: whoever has it can read and answer")]


class TicketListed(Answer):
    number: str
    subject: str
    status: Status
    severity: Severity
    kind: str
    channel: str
    portal: str | None
    component: str | None
    category: str | None
    municipality: str | None
    team: str | None
    assignee: Annotated[str, Field(description="Name of the agent; null for reporters")] | None
    opened_at: Instant
    last_message_at: Instant
    last_author: Annotated[str, Field(description="requester or agent: whose turn it is not")]
    acknowledged_at: Instant | None
    next_clock: str | None
    next_due_at: Instant | None


class TicketPage(Answer):
    tickets: list[TicketListed]
    next_cursor: Annotated[str, Field(description="null on the last page")] | None


class TicketHits(Answer):
    tickets: list[TicketListed]


class MessageAuthor(StrEnum):
    REQUESTER = "requester"
    AGENT = "agent"
    SYSTEM = "system"


class MessageOut(Answer):
    id: int
    at: Instant
    public: bool
    author: MessageAuthor
    author_name: str
    channel: str
    text: str


class TicketWhole(TicketListed):
    impact: Impact | None
    urgency: Urgency | None
    severity_reason: str
    language: str
    external_id: str | None
    route_reason: str | None
    resolved_at: Instant | None
    closed_at: Instant | None
    clocks: list[ClockOut]
    messages: list[MessageOut]


class MessageCreated(Answer):
    id: int
    number: str
    public: bool
    status: Status
    next_due_at: Instant | None


class TicketState(Answer):
    """Where a ticket stands after a verb. The same verb again changes nothing and answers the same."""

    number: str
    status: Status
    severity: Severity
    team: str | None
    assignee: str | None
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    resolved_at: Instant | None
    next_due_at: Instant | None
    outcome: Annotated[
        Literal["done", "already_acknowledged", "closed"],
        Field(description="For an acknowledgement: whether it was this one that counted"),
    ] = "done"
