"""whether a reply has to bring a proof of work."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema. With a default that stays: SQLite would have to make anew what every table hangs on."""
    op.add_column("site", sa.Column("proof", sa.String(length=10), server_default="auto", nullable=False))


def downgrade() -> None:
    """Change it back."""
    op.drop_column("site", "proof")
