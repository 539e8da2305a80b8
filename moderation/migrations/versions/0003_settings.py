"""what owners set: lists that are watched for, days that things are kept, and reasons that are retired."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LISTS = ("watched_words", "watched_hosts")
DAYS = ("keep_network_days", "keep_email_days", "keep_refused_days")
REFUSED = sa.text("status IN ('rejected', 'spam') AND text_hash <> ''")
WITH_NETWORK = sa.text("network IS NOT NULL")


def upgrade() -> None:
    """Change the schema. Sites that are there keep everything, until their owners say otherwise."""
    with op.batch_alter_table("site", schema=None) as batch_op:
        for name in LISTS:
            batch_op.add_column(sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
        for name in DAYS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("site", schema=None) as batch_op:
        for name in (*LISTS, *DAYS):
            batch_op.alter_column(name, server_default=None)
    with op.batch_alter_table("reason", schema=None) as batch_op:
        batch_op.alter_column("digit", existing_type=sa.Integer(), nullable=True)
    op.create_index(
        "ix_comment_with_network",
        "comment",
        ["site_id", "received_at"],
        sqlite_where=WITH_NETWORK,
        postgresql_where=WITH_NETWORK,
    )
    op.create_index(
        "ix_revision_refused",
        "revision",
        ["site_id", "waiting_since", "id"],
        sqlite_where=REFUSED,
        postgresql_where=REFUSED,
    )


def downgrade() -> None:
    """Change it back. Retired reasons get digits that nobody can press: the log goes on naming them."""
    op.drop_index("ix_revision_refused", "revision")
    op.drop_index("ix_comment_with_network", "comment")
    op.execute("UPDATE reason SET digit = 100 + id WHERE digit IS NULL")
    with op.batch_alter_table("reason", schema=None) as batch_op:
        batch_op.alter_column("digit", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("site", schema=None) as batch_op:
        for name in (*DAYS, *LISTS):
            batch_op.drop_column(name)
