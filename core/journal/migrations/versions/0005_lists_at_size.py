"""Lists of actions without a source stay fast at any size"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # On PostgreSQL nobody writes actions until all are built: minutes, with many millions. Workers
    # hold rows meanwhile, so nothing that waits for them may follow here: it would be a deadlock.
    with op.batch_alter_table("actions", schema=None) as batch_op:
        batch_op.create_index("ix_actions_created", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_actions_rule", ["rule", "created_at"], unique=False)
        batch_op.create_index("ix_actions_provider", ["provider", "created_at"], unique=False)
