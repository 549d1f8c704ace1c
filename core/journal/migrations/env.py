"""How Alembic reaches the journal: always through a connection that `core.journal.migrate` hands
in."""

from __future__ import annotations

from alembic import context

from core.journal.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
