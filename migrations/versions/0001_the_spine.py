"""The spine: every table of the first release, from empty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None


#: what the tables lean on; each extension is a trusted one, so the owner of the database may create it
FOUNDATION = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE FUNCTION helpdesk_now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT transaction_timestamp()';
CREATE TEXT SEARCH CONFIGURATION helpdesk_german (COPY = german);
ALTER TEXT SEARCH CONFIGURATION helpdesk_german ALTER MAPPING FOR hword, hword_part, word WITH unaccent, german_stem;
"""


class Xid8(UserDefinedType[int]):
    def get_col_spec(self, **kw: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.execute(FOUNDATION)
    op.execute(sa.schema.CreateSequence(sa.Sequence("ticket_id_seq")))

    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_open", "alarm", ["kind", "subject"], unique=True, postgresql_where=sa.text("confirmed_at IS NULL")
    )
    op.create_table(
        "category",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), server_default=sa.text("'citizen'"), nullable=False),
        sa.Column("ags", sa.Text(), nullable=True),
        sa.Column("needs", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("preferences", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("to_kind", sa.Text(), nullable=False),
        sa.Column("to_value", sa.Text(), nullable=False),
        sa.Column("to_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("thread", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("chain", JSONB(), nullable=True),
        sa.Column("reply_code", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["rank", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'sending', 'uncertain') AND due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_delivery_provider_id",
        "delivery",
        ["channel", "provider_id"],
        unique=False,
        postgresql_where=sa.text("provider_id IS NOT NULL"),
    )
    op.create_index(
        "ix_delivery_recipient",
        "delivery",
        ["channel", "to_value", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index(
        "ix_delivery_reply_code",
        "delivery",
        ["channel", "to_value", "reply_code"],
        unique=False,
        postgresql_where=sa.text("reply_code IS NOT NULL"),
    )
    op.create_index("ix_delivery_ticket_id", "delivery", ["ticket_id", "id"], unique=False)
    op.create_index("uq_delivery_key", "delivery", ["key"], unique=True)
    op.create_table(
        "district",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_district")),
    )
    op.create_table(
        "due",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due")),
    )
    op.create_index("ix_due_due_at", "due", ["due_at", "rank"], unique=False)
    op.create_index("uq_due", "due", ["kind", "subject_id"], unique=True)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("ticket_id", sa.BIGINT(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_cursor", "event", ["xid", "id"], unique=False)
    op.create_index("ix_event_ticket_id", "event", ["ticket_id", "id"], unique=False)
    op.create_table(
        "heartbeat",
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "inbound",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
    )
    op.create_index("ix_inbound_parked", "inbound", ["id"], unique=False, postgresql_where=sa.text("state = 'parked'"))
    op.create_index("uq_inbound", "inbound", ["channel", "account", "external_id"], unique=True)
    op.create_table(
        "postal_code",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("ags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "ags", name=op.f("pk_postal_code")),
    )
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("arrival_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limit")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
    )
    op.create_index("ix_version_newest", "version", ["kind", "name", "id"], unique=False)
    op.create_table(
        "address",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_address_contact_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
    )
    op.create_index("ix_address_contact_id", "address", ["contact_id"], unique=False)
    op.create_index("uq_address", "address", ["kind", "value"], unique=True)
    op.create_table(
        "delivery_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_report_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_report")),
    )
    op.create_index("uq_delivery_report", "delivery_report", ["channel", "report_id"], unique=True)
    op.create_table(
        "organisation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("ags", sa.Text(), nullable=True),
        sa.Column("ars", sa.Text(), nullable=True),
        sa.Column("official_name", sa.Text(), nullable=True),
        sa.Column("district", sa.Text(), nullable=True),
        sa.Column("population", sa.BigInteger(), nullable=True),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["district"], ["district.code"], name=op.f("fk_organisation_district")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_index(
        "ix_organisation_sort_key",
        "organisation",
        ["sort_key"],
        unique=False,
        postgresql_where=sa.text("ags IS NOT NULL"),
    )
    op.create_index("uq_organisation_ags", "organisation", ["ags"], unique=True)
    op.create_table(
        "agent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), server_default=sa.text("'de'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("settings", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name=op.f("fk_agent_organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent")),
        sa.UniqueConstraint("email", name=op.f("uq_agent_email")),
        sa.UniqueConstraint("handle", name=op.f("uq_agent_handle")),
    )
    op.create_table(
        "component",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("service_class", sa.Text(), nullable=False),
        sa.Column("central", sa.Boolean(), nullable=False),
        sa.Column("external", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("lifecycle", sa.Text(), server_default=sa.text("'live'"), nullable=False),
        sa.Column("successor", sa.Text(), nullable=True),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["operator"], ["organisation.id"], name=op.f("fk_component_operator")),
        sa.ForeignKeyConstraint(
            ["successor"], ["component.id"], name=op.f("fk_component_successor"), initially="DEFERRED", deferrable=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
    )
    op.create_table(
        "portal",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("host_pattern", sa.Text(), nullable=True),
        sa.Column("components", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["organisation.id"], name=op.f("fk_portal_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal")),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name=op.f("fk_team_organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    op.create_table(
        "contact_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_contact_point_agent_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
    )
    op.create_index("uq_contact_point", "contact_point", ["agent_id", "kind", "value"], unique=True)
    op.create_table(
        "grant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("ags", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_grant_agent_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name=op.f("fk_grant_organisation")),
        sa.ForeignKeyConstraint(["portal"], ["portal.id"], name=op.f("fk_grant_portal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant")),
    )
    op.create_index(
        "uq_grant",
        "grant",
        ["agent_id", "role", "portal", "organisation", "ags"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "membership",
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("skills", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_membership_agent_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team"], ["team.id"], name=op.f("fk_membership_team")),
        sa.PrimaryKeyConstraint("team", "agent_id", name=op.f("pk_membership")),
    )
    op.create_table(
        "service",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("portal", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("ags", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_service_component")),
        sa.ForeignKeyConstraint(["operator"], ["organisation.id"], name=op.f("fk_service_operator")),
        sa.ForeignKeyConstraint(["portal"], ["portal.id"], name=op.f("fk_service_portal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
    )
    op.create_index(
        "uq_service", "service", ["portal", "component", "ags"], unique=True, postgresql_nulls_not_distinct=True
    )
    op.create_table(
        "session",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("form_token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_session_agent_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_session")),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("sender_role", sa.Text(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.Column("component", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("ags", sa.Text(), nullable=True),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("impact", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_computed", sa.Text(), nullable=False),
        sa.Column("severity_reason", sa.Text(), nullable=False),
        sa.Column("severity_by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("team", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("route", JSONB(), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.BigInteger(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("chain", JSONB(), nullable=True),
        sa.Column("link_round", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_author", sa.Text(), nullable=False),
        sa.Column("pending_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_clock", sa.Text(), nullable=True),
        sa.Column("next_warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["agent.id"], name=op.f("fk_ticket_acknowledged_by")),
        sa.ForeignKeyConstraint(["assignee_id"], ["agent.id"], name=op.f("fk_ticket_assignee_id")),
        sa.ForeignKeyConstraint(["category"], ["category.id"], name=op.f("fk_ticket_category")),
        sa.ForeignKeyConstraint(["component"], ["component.id"], name=op.f("fk_ticket_component")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_ticket_contact_id")),
        sa.ForeignKeyConstraint(["partner"], ["organisation.id"], name=op.f("fk_ticket_partner")),
        sa.ForeignKeyConstraint(["portal"], ["portal.id"], name=op.f("fk_ticket_portal")),
        sa.ForeignKeyConstraint(["team"], ["team.id"], name=op.f("fk_ticket_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
        sa.UniqueConstraint("token", name=op.f("uq_ticket_token")),
    )
    op.create_index(
        "ix_ticket_assignee_due",
        "ticket",
        ["assignee_id", sa.literal_column("coalesce(next_due_at, 'infinity')"), "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('new', 'open', 'pending')"),
    )
    op.create_index("ix_ticket_contact_id", "ticket", ["contact_id", "id"], unique=False)
    op.create_index(
        "ix_ticket_live_due",
        "ticket",
        [sa.literal_column("coalesce(next_due_at, 'infinity')"), "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('new', 'open', 'pending')"),
    )
    op.create_index(
        "ix_ticket_live_opened",
        "ticket",
        ["opened_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('new', 'open', 'pending')"),
    )
    op.create_index(
        "ix_ticket_portal_due",
        "ticket",
        ["portal", sa.literal_column("coalesce(next_due_at, 'infinity')"), "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('new', 'open', 'pending')"),
    )
    op.create_index("ix_ticket_status_opened", "ticket", ["status", "opened_at", "id"], unique=False)
    op.create_index(
        "ix_ticket_subject_trgm",
        "ticket",
        ["subject"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"subject": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_ticket_team_due",
        "ticket",
        ["team", sa.literal_column("coalesce(next_due_at, 'infinity')"), "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('new', 'open', 'pending')"),
    )
    op.create_index(
        "ix_ticket_thread", "ticket", ["thread"], unique=False, postgresql_where=sa.text("thread IS NOT NULL")
    )
    op.create_table(
        "token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("portal", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("ags", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name=op.f("fk_token_organisation")),
        sa.ForeignKeyConstraint(["portal"], ["portal.id"], name=op.f("fk_token_portal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_token_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_token_name")),
    )
    op.create_table(
        "clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_seconds", sa.Double(), nullable=True),
        sa.Column("margin_seconds", sa.Double(), nullable=True),
        sa.Column("warned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("breached", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("details", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_clock_ticket_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )
    op.create_index("uq_clock", "clock", ["ticket_id", "kind", "round"], unique=True)
    op.create_table(
        "clock_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("message", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("then", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("target_version", sa.BigInteger(), nullable=True),
        sa.Column("calendar_version", sa.BigInteger(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["calendar_version"], ["version.id"], name=op.f("fk_clock_event_calendar_version")),
        sa.ForeignKeyConstraint(["target_version"], ["version.id"], name=op.f("fk_clock_event_target_version")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_clock_event_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_event")),
    )
    op.create_index("ix_clock_event_ticket_id", "clock_event", ["ticket_id", "id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("inbound_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "search", TSVECTOR(), sa.Computed("to_tsvector('helpdesk_german', text)", persisted=True), nullable=True
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_message_agent_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_message_contact_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_message_ticket_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index(
        "ix_message_external_id",
        "message",
        ["external_id"],
        unique=False,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "ix_message_inbound_id",
        "message",
        ["inbound_id"],
        unique=False,
        postgresql_where=sa.text("inbound_id IS NOT NULL"),
    )
    op.create_index("ix_message_search", "message", ["search"], unique=False, postgresql_using="gin")
    op.create_index("ix_message_ticket_id", "message", ["ticket_id", "id"], unique=False)
    op.create_table(
        "paging_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("severities", JSONB(), nullable=False),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=False),
        sa.Column("delay_seconds", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_paging_rule_agent_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["contact_point_id"], ["contact_point.id"], name=op.f("fk_paging_rule_contact_point_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paging_rule")),
    )
    op.create_index("uq_paging_rule", "paging_rule", ["agent_id", "position"], unique=True)
    op.create_table(
        "secret_link",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("helpdesk_now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_secret_link_contact_id")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_secret_link_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_secret_link")),
    )
    op.create_index("ix_secret_link_ticket_id", "secret_link", ["ticket_id"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_attachment_message_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_message_id", "attachment", ["message_id"], unique=False)
    op.create_index(
        "ix_attachment_waiting", "attachment", ["id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )


def downgrade() -> None:

    op.drop_index("ix_attachment_waiting", table_name="attachment", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index("ix_attachment_message_id", table_name="attachment")
    op.drop_table("attachment")
    op.drop_index("ix_secret_link_ticket_id", table_name="secret_link")
    op.drop_table("secret_link")
    op.drop_index("uq_paging_rule", table_name="paging_rule")
    op.drop_table("paging_rule")
    op.drop_index("ix_message_ticket_id", table_name="message")
    op.drop_index("ix_message_search", table_name="message", postgresql_using="gin")
    op.drop_index("ix_message_inbound_id", table_name="message", postgresql_where=sa.text("inbound_id IS NOT NULL"))
    op.drop_index("ix_message_external_id", table_name="message", postgresql_where=sa.text("external_id IS NOT NULL"))
    op.drop_table("message")
    op.drop_index("ix_clock_event_ticket_id", table_name="clock_event")
    op.drop_table("clock_event")
    op.drop_index("uq_clock", table_name="clock")
    op.drop_table("clock")
    op.drop_table("token")
    op.drop_index("ix_ticket_thread", table_name="ticket", postgresql_where=sa.text("thread IS NOT NULL"))
    op.drop_index(
        "ix_ticket_team_due", table_name="ticket", postgresql_where=sa.text("status IN ('new', 'open', 'pending')")
    )
    op.drop_index(
        "ix_ticket_subject_trgm",
        table_name="ticket",
        postgresql_using="gin",
        postgresql_ops={"subject": "gin_trgm_ops"},
    )
    op.drop_index("ix_ticket_status_opened", table_name="ticket")
    op.drop_index(
        "ix_ticket_portal_due", table_name="ticket", postgresql_where=sa.text("status IN ('new', 'open', 'pending')")
    )
    op.drop_index(
        "ix_ticket_live_opened", table_name="ticket", postgresql_where=sa.text("status IN ('new', 'open', 'pending')")
    )
    op.drop_index(
        "ix_ticket_live_due", table_name="ticket", postgresql_where=sa.text("status IN ('new', 'open', 'pending')")
    )
    op.drop_index("ix_ticket_contact_id", table_name="ticket")
    op.drop_index(
        "ix_ticket_assignee_due", table_name="ticket", postgresql_where=sa.text("status IN ('new', 'open', 'pending')")
    )
    op.drop_table("ticket")
    op.drop_table("session")
    op.drop_index("uq_service", table_name="service", postgresql_nulls_not_distinct=True)
    op.drop_table("service")
    op.drop_table("membership")
    op.drop_index("uq_grant", table_name="grant", postgresql_nulls_not_distinct=True)
    op.drop_table("grant")
    op.drop_index("uq_contact_point", table_name="contact_point")
    op.drop_table("contact_point")
    op.drop_table("team")
    op.drop_table("portal")
    op.drop_table("component")
    op.drop_table("agent")
    op.drop_index("uq_organisation_ags", table_name="organisation")
    op.drop_index("ix_organisation_sort_key", table_name="organisation", postgresql_where=sa.text("ags IS NOT NULL"))
    op.drop_table("organisation")
    op.drop_index("uq_delivery_report", table_name="delivery_report")
    op.drop_table("delivery_report")
    op.drop_index("uq_address", table_name="address")
    op.drop_index("ix_address_contact_id", table_name="address")
    op.drop_table("address")
    op.drop_index("ix_version_newest", table_name="version")
    op.drop_table("version")
    op.drop_table("rate_limit")
    op.drop_table("postal_code")
    op.drop_index("uq_inbound", table_name="inbound")
    op.drop_index("ix_inbound_parked", table_name="inbound", postgresql_where=sa.text("state = 'parked'"))
    op.drop_table("inbound")
    op.drop_table("heartbeat")
    op.drop_index("ix_event_ticket_id", table_name="event")
    op.drop_index("ix_event_cursor", table_name="event")
    op.drop_table("event")
    op.drop_index("uq_due", table_name="due")
    op.drop_index("ix_due_due_at", table_name="due")
    op.drop_table("due")
    op.drop_table("district")
    op.drop_index("uq_delivery_key", table_name="delivery")
    op.drop_index("ix_delivery_ticket_id", table_name="delivery")
    op.drop_index("ix_delivery_reply_code", table_name="delivery", postgresql_where=sa.text("reply_code IS NOT NULL"))
    op.drop_index(
        "ix_delivery_recipient", table_name="delivery", postgresql_where=sa.text("state IN ('pending', 'sending')")
    )
    op.drop_index("ix_delivery_provider_id", table_name="delivery", postgresql_where=sa.text("provider_id IS NOT NULL"))
    op.drop_index(
        "ix_delivery_due",
        table_name="delivery",
        postgresql_where=sa.text("state IN ('pending', 'sending', 'uncertain') AND due_at IS NOT NULL"),
    )
    op.drop_table("delivery")
    op.drop_table("contact")
    op.drop_table("category")
    op.drop_index("uq_alarm_open", table_name="alarm", postgresql_where=sa.text("confirmed_at IS NULL"))
    op.drop_table("alarm")
    op.execute("DROP SEQUENCE ticket_id_seq")
    op.execute("DROP TEXT SEARCH CONFIGURATION helpdesk_german")
    op.execute("DROP FUNCTION helpdesk_now()")
