"""people: readers, operators, invitations, and their words in the log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLES = ("moderator", "owner")
KINDS = ("arrival", "decision", "undo", "edit", "withdrawal", "import", "sign-in", "setting", "erasure", "note")
ACTIONS = (
    *("submit", "approve", "reject", "spam", "reopen", "return", "supersede", "edit", "withdraw", "resume", "undo"),
    *("sign-in", "create", "change", "note", "hand"),
)
MORE_ACTIONS = ("invite", "revoke", "join", "remove", "leave", "sign-out", "fail", "add")


def upgrade() -> None:
    """Change the schema. Roles stay; who had the first account runs the installation."""
    op.add_column("account", sa.Column("operator", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE account SET operator = true WHERE id = (SELECT min(id) FROM account)")
    allow("membership", "role", ROLES, ("reader", *ROLES))
    allow("entry", "kind", KINDS, (*KINDS, "people"))
    allow("entry", "action", ACTIONS, (*ACTIONS, *MORE_ACTIONS))
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("reader", *ROLES, name="role", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by_id", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["invited_by_id"], ["account.id"], name=op.f("fk_invitation_invited_by_id_account")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_invitation_site_id_site")),
        sa.ForeignKeyConstraint(["used_by_id"], ["account.id"], name=op.f("fk_invitation_used_by_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(op.f("ix_invitation_site_id"), "invitation", ["site_id"], unique=False)


def downgrade() -> None:
    """Change it back. Readers would be more than they were: they leave.

    A log that tells of people in the new words cannot go back, for nothing of it may be rewritten: this fails then, and
    changes nothing.
    """
    op.drop_index(op.f("ix_invitation_site_id"), table_name="invitation")
    op.drop_table("invitation")
    op.execute("DELETE FROM membership WHERE role = 'reader'")
    allow("membership", "role", ("reader", *ROLES), ROLES)
    allow("entry", "kind", (*KINDS, "people"), KINDS)
    allow("entry", "action", (*ACTIONS, *MORE_ACTIONS), ACTIONS)
    op.drop_column("account", "operator")


def allow(table: str, column: str, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Let a column hold these words in place of those before."""
    name = f"ck_{table}_{column}"
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, sa.column(column).in_(after))
        return
    if len(after) < len(before) and not fits(table, column, after):
        raise sa.exc.IntegrityError(f"{table}.{column} holds words that {name} would not allow", None, Exception())
    # As SQLite's manual has it for what changes no row: the log may have millions, and is not copied for a word.
    [version] = op.get_bind().exec_driver_sql("PRAGMA schema_version").one()
    op.execute("PRAGMA writable_schema=ON")
    changed = op.get_bind().exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? AND instr(sql, ?)",
        (check(name, column, before), check(name, column, after), table, check(name, column, before)),
    )
    op.execute(f"PRAGMA schema_version={version + 1}")
    op.execute("PRAGMA writable_schema=OFF")
    if changed.rowcount != 1:
        raise RuntimeError(f"{name} is not as the first migration made it")


def check(name: str, column: str, words: tuple[str, ...]) -> str:
    """Write a check as the first migration did."""
    listed = ", ".join(f"'{word}'" for word in words)
    return f"CONSTRAINT {name} CHECK ({column} IN ({listed}))"


def fits(table: str, column: str, words: tuple[str, ...]) -> bool:
    """Whether a column holds no other words: SQLite looks at a check only when a row is written."""
    held = op.get_bind().exec_driver_sql(f"SELECT DISTINCT {column} FROM {table}").scalars().all()  # noqa: S608
    return set(held) <= set(words)
