"""The journal's tables. Moments are whole microseconds since 1970 (UTC) in BIGINT, on every
database.

Uniqueness (action ids, events, marks) stands on tables that are never partitioned by time. What
comes from outside and may hold any character is kept as bytes (JSON); text columns hold only what
was checked.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
)

events = Table(
    "events",
    metadata,
    Column("ref", String(40), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("rules_version", String(64), nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("repeats", Integer, nullable=False, server_default=text("0")),
    Column("conflicts", Integer, nullable=False, server_default=text("0")),
    Index("ix_events_recorded_at", "recorded_at"),
)

planned = Table(
    "planned",
    metadata,
    Column("action_id", String(40), primary_key=True),
    Column("ref", String(40), nullable=False),
    Index("ix_planned_ref", "ref"),
)

actions = Table(
    "actions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("ref", String(40), nullable=False),
    Column("source", String(64), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("step", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("operation", Text, nullable=False),
    Column("lane", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("claims", Integer, nullable=False, server_default=text("0")),
    Column("unknown", Boolean, nullable=False, server_default=text("false")),
    Column("occurred_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("due_at", BigInteger),
    Column("claimed_at", BigInteger),
    Column("lease_until", BigInteger),
    Column("called_at", BigInteger),
    Column("owner", String(64)),
    Column("blocked_on", String(80)),
    Column("order_keys", Text),
    Column("remaining", LargeBinary),
    Column("reason", Text),
    Column("reference", Text),
    Column("recipient", Text),
    Column("message", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("ix_actions_ref", actions.c.ref)
Index("ix_actions_recipient", actions.c.recipient, actions.c.created_at)
Index("ix_actions_source", actions.c.source, actions.c.created_at)
Index("ix_actions_rule", actions.c.rule, actions.c.created_at)
Index("ix_actions_provider", actions.c.provider, actions.c.created_at)
Index("ix_actions_created", actions.c.created_at, actions.c.id)
Index("ix_actions_reference", actions.c.provider, actions.c.reference)
Index("ix_actions_state", actions.c.state, actions.c.due_at)
Index("ix_actions_lease", actions.c.state, actions.c.lease_until)
Index("ix_actions_lane", actions.c.state, actions.c.provider, actions.c.lane, actions.c.updated_at)
Index("ix_actions_blocked", actions.c.blocked_on)

attempts = Table(
    "attempts",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("action_id", String(40), nullable=False),
    Column("n", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("took", BigInteger, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("duplicate", Boolean, nullable=False),
    Index("ix_attempts_action_id", "action_id"),
)

marks = Table(
    "marks",
    metadata,
    Column("entity", String(80), primary_key=True),
    Column("field", String(200), primary_key=True),
    Column("occurred_at", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("action_id", String(40), nullable=False),
    Column("within", String(80)),
    Column("under", Text),
    Index("ix_marks_within", "within", "field", "occurred_at"),
)

order_leases = Table(
    "order_leases",
    metadata,
    Column("order_key", String(80), primary_key=True),
    Column("action_id", String(40), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("within", String(80)),
    Index("ix_order_leases_within", "within", "until"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("reference", String(512), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("meaning", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("reported_at", BigInteger),
    Column("asked", Integer, nullable=False, server_default=text("0")),
    Column("due_at", BigInteger),
    Index("ix_receipts_due", "provider", "due_at"),
)
"""What was reported of texts, by the provider's own id of each: a report may come before the answer
that told us the id, so it does not hang on the action's row."""

pauses = Table(
    "pauses",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("paused_at", BigInteger, nullable=False),
    Column("paused_by", String(64), nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("at", BigInteger, nullable=False),
    Column("who", String(64), nullable=False),
    Column("what", String(32), nullable=False),
    Column("wanted", Text, nullable=False),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("ended_at", BigInteger),
)
"""What operators did to actions; never whose they were."""

erased = Table(
    "erased",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
)
"""Whom a late repeat must not bring back: keyed hashes of addresses, until `journal.keep` is over.
"""

erasure_key = Table(
    "erasure_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, nullable=False),
)
"""One row, made by the first erasure. Without it the hashes tell nothing."""

breakers = Table(
    "breakers",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("owner", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("cause", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

rates = Table(
    "rates",
    metadata,
    Column("name", String(160), primary_key=True),
    Column("level", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""Token buckets that all consumers of a deployment draw from. `level` is in thousandths."""

leaders = Table(
    "leaders",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)
