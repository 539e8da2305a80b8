"""second factors, links for a new password, and what an account sees of its sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "totp",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.String(length=255), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_totp_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_recovery_code_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "hash", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("credential", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_passkey_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential", name=op.f("uq_passkey_credential")),
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"], unique=False)
    op.create_table(
        "used_challenge",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_used_challenge")),
    )
    op.create_index(op.f("ix_used_challenge_until"), "used_challenge", ["until"], unique=False)
    op.create_table(
        "reset_link",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_reset_link_account_id_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_reset_link")),
        sa.UniqueConstraint("account_id", name=op.f("uq_reset_link_account_id")),
    )
    op.create_table(
        "team_identity",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_team_identity_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", "issuer", name=op.f("pk_team_identity")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_team_identity_issuer_subject")),
    )
    # With a default that stays: every table hangs on this one, and SQLite could not make it anew.
    op.add_column("site", sa.Column("require_second", sa.Boolean(), server_default=sa.false(), nullable=False))

    op.add_column("web_session", sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("web_session", sa.Column("browser", sa.String(length=60), nullable=True))
    op.add_column("web_session", sa.Column("network", sa.String(length=60), nullable=True))
    op.execute("UPDATE web_session SET used_at = created_at, browser = '', network = ''")
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.alter_column("used_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("browser", existing_type=sa.String(length=60), nullable=False)
        batch_op.alter_column("network", existing_type=sa.String(length=60), nullable=False)


def downgrade() -> None:
    """Change it back."""
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_column("network")
        batch_op.drop_column("browser")
        batch_op.drop_column("used_at")
    op.drop_column("site", "require_second")
    for table in ("team_identity", "reset_link", "used_challenge", "passkey", "recovery_code", "totp"):
        op.drop_table(table)
