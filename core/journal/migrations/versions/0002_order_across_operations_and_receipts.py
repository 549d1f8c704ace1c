"""Order across operations, calls done in part, receipts of texts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("actions", schema=None) as batch_op:
        batch_op.alter_column(
            "order_key",
            new_column_name="order_keys",
            existing_type=sa.String(length=80),
            type_=sa.Text(),
            existing_nullable=True,
        )
        batch_op.add_column(sa.Column("remaining", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("marks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("within", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("under", sa.Text(), nullable=True))
        batch_op.create_index("ix_marks_within", ["within", "field", "occurred_at"], unique=False)
    with op.batch_alter_table("order_leases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("within", sa.String(length=80), nullable=True))
        batch_op.create_index("ix_order_leases_within", ["within", "until"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=512), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("asked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "reference", name=op.f("pk_receipts")),
    )
    with op.batch_alter_table("receipts", schema=None) as batch_op:
        batch_op.create_index("ix_receipts_due", ["provider", "due_at"], unique=False)
