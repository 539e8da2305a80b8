"""first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_account_fs_uniquifier")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("locale", sa.String(length=20), nullable=False),
        sa.Column("required", sa.JSON(), nullable=False),
        sa.Column("max_comment", sa.Integer(), nullable=False),
        sa.Column("accent", sa.String(length=7), nullable=False),
        sa.Column("radius", sa.Integer(), nullable=False),
        sa.Column("page_size", sa.Integer(), nullable=False),
        sa.Column("close_days", sa.Integer(), nullable=False),
        sa.Column("guidelines", sa.String(), nullable=False),
        sa.Column("target_hours", sa.Integer(), nullable=False),
        sa.Column("undo_seconds", sa.Integer(), nullable=False),
        sa.Column("return_days", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("key", name=op.f("uq_site_key")),
    )
    op.create_table(
        "web_session",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=True),
        sa.Column("data", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_web_session")),
    )
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_web_session_account"), ["account"], unique=False)
        batch_op.create_index(batch_op.f("ix_web_session_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_endpoint_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
    )
    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_endpoint_site_id"), ["site_id"], unique=False)

    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("spam", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("superseded", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.Column("wait_half", sa.Integer(), nullable=True),
        sa.Column("wait_most", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_log_head_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
        sa.UniqueConstraint("site_id", name=op.f("uq_log_head_site_id")),
    )
    op.create_table(
        "membership",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("moderator", "owner", name="role", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_membership_account_id_account")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_membership_site_id_site")),
        sa.PrimaryKeyConstraint("account_id", "site_id", name=op.f("pk_membership")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_site_id"), ["site_id"], unique=False)

    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "cancelled",
                "sent",
                "dead",
                name="delivery",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dedupe_key", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_outbox_message_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_message_dedupe_key")),
    )
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outbox_message_state_outbox_message_due_at"), ["state", "due_at"], unique=False
        )

    op.create_table(
        "reason",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("digit", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("clause", sa.String(length=20), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_reason_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reason")),
        sa.UniqueConstraint("site_id", "digit", name=op.f("uq_reason_site_id_digit")),
    )
    op.create_table(
        "thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("page_key", sa.String(length=2000), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=True),
        sa.Column("source_id", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_thread_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
        sa.UniqueConstraint("site_id", "page_key", name=op.f("uq_thread_site_id_page_key")),
        sa.UniqueConstraint("site_id", "source", "source_id", name=op.f("uq_thread_site_id_source_source_id")),
    )
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("anchor", sa.String(length=100), nullable=True),
        sa.Column("author", sa.String(length=245), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("author_key", sa.String(length=320), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt_generation", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=24), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=True),
        sa.Column("source_id", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["comment.id"], name=op.f("fk_comment_parent_id_comment")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_comment_site_id_site")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_comment_thread_id_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sa.UniqueConstraint("site_id", "source", "source_id", name=op.f("uq_comment_site_id_source_source_id")),
        sa.UniqueConstraint("thread_id", "anchor", name=op.f("uq_comment_thread_id_anchor")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comment_site_id_comment_author"), ["site_id", "author"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_comment_site_id_comment_author_key_comment_received_at"),
            ["site_id", "author_key", "received_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_comment_thread_id_comment_parent_id"), ["thread_id", "parent_id"], unique=False
        )
        batch_op.create_index(
            "ix_comment_titled",
            ["thread_id", "id"],
            unique=False,
            sqlite_where=sa.text("title IS NOT NULL"),
            postgresql_where=sa.text("title IS NOT NULL"),
        )

    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("author_key", sa.String(length=320), nullable=False),
        sa.Column("network", sa.String(length=24), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column(
            "format",
            sa.Enum("plain", "markdown", "html", name="format", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("html", sa.String(), nullable=False),
        sa.Column("text_hash", sa.String(length=32), nullable=False),
        sa.Column("shape", sa.String(length=32), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "approved",
                "rejected",
                "spam",
                "returned",
                "superseded",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_revision_comment_id_comment")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_revision_site_id_site")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_revision_thread_id_thread")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("comment_id", "number", name=op.f("uq_revision_comment_id_number")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_revision_site_id_revision_status_revision_waiting_since_revision_id"),
            ["site_id", "status", "waiting_since", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_revision_site_id_revision_waiting_since_revision_id"),
            ["site_id", "waiting_since", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_revision_of_thread", ["thread_id", "status", "waiting_since", "id", "comment_id"], unique=False
        )
        batch_op.create_index(
            "ix_revision_of_author",
            ["site_id", "author_key", "status", "waiting_since", "id", "comment_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_revision_of_network",
            ["site_id", "network", "status", "waiting_since", "id", "comment_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_revision_of_shape", ["site_id", "shape", "status", "waiting_since", "id", "comment_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_revision_site_id_revision_text_hash"), ["site_id", "text_hash"], unique=False
        )
        batch_op.create_index(
            "uq_revision_one_approved",
            ["comment_id"],
            unique=True,
            sqlite_where=sa.text("status = 'approved'"),
            postgresql_where=sa.text("status = 'approved'"),
        )
        batch_op.create_index(
            "uq_revision_one_open",
            ["comment_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('pending', 'returned')"),
            postgresql_where=sa.text("status IN ('pending', 'returned')"),
        )

    op.create_table(
        "submission_key",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_submission_key_comment_id_comment")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_submission_key_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "key_hash", name=op.f("pk_submission_key")),
    )
    with op.batch_alter_table("submission_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_key_created_at"), ["created_at"], unique=False)

    op.create_table(
        "trait",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("finding", "host", name="traitkind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("value", sa.String(length=253), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_trait_revision_id_revision")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_trait_site_id_site")),
        sa.PrimaryKeyConstraint("revision_id", "kind", "value", name=op.f("pk_trait")),
    )
    with op.batch_alter_table("trait", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_trait_site_id_trait_kind_trait_value_trait_revision_id"),
            ["site_id", "kind", "value", "revision_id"],
            unique=False,
        )

    op.create_table(
        "handing",
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=True),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name=op.f("fk_handing_by_id_account")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_handing_revision_id_revision")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_handing_site_id_site")),
        sa.ForeignKeyConstraint(["to_id"], ["account.id"], name=op.f("fk_handing_to_id_account")),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_handing")),
    )
    with op.batch_alter_table("handing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handing_site_id"), ["site_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_handing_to_id"), ["to_id"], unique=False)

    op.create_table(
        "tally",
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrivals", sa.Integer(), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("spam", sa.Integer(), nullable=False),
        sa.Column("other", sa.Integer(), nullable=False),
        sa.Column("undone", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_tally_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "hour", name=op.f("pk_tally")),
    )
    # The index of words, which moderation/search.py asks. A virtual table is no model's: it is made as it is.
    if op.get_context().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE revision_words USING fts5(words, tokenize='unicode61')")
    else:
        op.create_table(
            "revision_words",
            sa.Column("rowid", sa.Integer(), nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.ForeignKeyConstraint(["rowid"], ["revision.id"], name=op.f("fk_revision_words_rowid_revision")),
            sa.PrimaryKeyConstraint("rowid", name=op.f("pk_revision_words")),
        )
        op.create_index("ix_revision_words_words", "revision_words", ["words"], postgresql_using="gin")

    op.create_table(
        "subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("comment_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_subscription_account_id_account")),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_subscription_comment_id_comment")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_subscription_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("comment_id", "kind", name=op.f("uq_subscription_comment_id_kind")),
        sa.UniqueConstraint("site_id", "account_id", "kind", name=op.f("uq_subscription_site_id_account_id_kind")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "arrival",
                "decision",
                "undo",
                "edit",
                "withdrawal",
                "import",
                "sign-in",
                "setting",
                "erasure",
                "note",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column(
            "action",
            sa.Enum(
                "submit",
                "approve",
                "reject",
                "spam",
                "reopen",
                "return",
                "supersede",
                "edit",
                "withdraw",
                "resume",
                "undo",
                "sign-in",
                "create",
                "change",
                "note",
                "hand",
                name="action",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "from_status",
            sa.Enum(
                "pending",
                "approved",
                "rejected",
                "spam",
                "returned",
                "superseded",
                "withdrawn",
                name="from_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "pending",
                "approved",
                "rejected",
                "spam",
                "returned",
                "superseded",
                "withdrawn",
                name="to_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column("reason_id", sa.Integer(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("rule", sa.String(length=60), nullable=True),
        sa.Column(
            "via",
            sa.Enum(
                "form",
                "api",
                "queue",
                "receipt",
                "mail",
                "cli",
                "import",
                "worker",
                "web",
                name="via",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("batch", sa.String(length=24), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("sealed", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_entry_account_id_account")),
        sa.ForeignKeyConstraint(["reason_id"], ["reason.id"], name=op.f("fk_entry_reason_id_reason")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_entry_revision_id_revision")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_entry_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_entry_account_id_entry_at"), ["account_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_entry_account_id_entry_id"), ["account_id", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_entry_batch"),
            ["batch"],
            unique=False,
            sqlite_where=sa.text("batch IS NOT NULL"),
            postgresql_where=sa.text("batch IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_entry_reason_id_entry_id"), ["reason_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_entry_revision_id_entry_id"), ["revision_id", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_entry_site_id_entry_action_entry_id"), ["site_id", "action", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_entry_site_id_entry_at_entry_id"), ["site_id", "at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_entry_site_id_entry_id"), ["site_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_entry_site_id_entry_via_entry_id"), ["site_id", "via", "id"], unique=False)

    # The installation's own chain: sign-ins, accounts and settings that belong to no site.
    op.execute(
        "INSERT INTO log_head (hash, pending, approved, rejected, spam, returned, superseded, withdrawn)"
        " VALUES ('', 0, 0, 0, 0, 0, 0, 0)"
    )


def downgrade() -> None:
    """Change it back."""
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_entry_site_id_entry_via_entry_id"))
        batch_op.drop_index(batch_op.f("ix_entry_site_id_entry_id"))
        batch_op.drop_index(batch_op.f("ix_entry_site_id_entry_at_entry_id"))
        batch_op.drop_index(batch_op.f("ix_entry_site_id_entry_action_entry_id"))
        batch_op.drop_index(batch_op.f("ix_entry_revision_id_entry_id"))
        batch_op.drop_index(batch_op.f("ix_entry_reason_id_entry_id"))
        batch_op.drop_index(
            batch_op.f("ix_entry_batch"),
            sqlite_where=sa.text("batch IS NOT NULL"),
            postgresql_where=sa.text("batch IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_entry_account_id_entry_id"))
        batch_op.drop_index(batch_op.f("ix_entry_account_id_entry_at"))

    op.drop_table("entry")
    op.drop_table("subscription")
    op.drop_table("revision_words")
    op.drop_table("tally")
    with op.batch_alter_table("handing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handing_to_id"))
        batch_op.drop_index(batch_op.f("ix_handing_site_id"))

    op.drop_table("handing")
    with op.batch_alter_table("trait", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trait_site_id_trait_kind_trait_value_trait_revision_id"))

    op.drop_table("trait")
    with op.batch_alter_table("submission_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_key_created_at"))

    op.drop_table("submission_key")
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_revision_one_open",
            sqlite_where=sa.text("status IN ('pending', 'returned')"),
            postgresql_where=sa.text("status IN ('pending', 'returned')"),
        )
        batch_op.drop_index(
            "uq_revision_one_approved",
            sqlite_where=sa.text("status = 'approved'"),
            postgresql_where=sa.text("status = 'approved'"),
        )
        batch_op.drop_index(batch_op.f("ix_revision_site_id_revision_text_hash"))
        batch_op.drop_index("ix_revision_of_shape")
        batch_op.drop_index("ix_revision_of_network")
        batch_op.drop_index("ix_revision_of_author")
        batch_op.drop_index("ix_revision_of_thread")
        batch_op.drop_index(batch_op.f("ix_revision_site_id_revision_waiting_since_revision_id"))
        batch_op.drop_index(batch_op.f("ix_revision_site_id_revision_status_revision_waiting_since_revision_id"))

    op.drop_table("revision")
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_comment_titled",
            sqlite_where=sa.text("title IS NOT NULL"),
            postgresql_where=sa.text("title IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_comment_thread_id_comment_parent_id"))
        batch_op.drop_index(batch_op.f("ix_comment_site_id_comment_author_key_comment_received_at"))
        batch_op.drop_index(batch_op.f("ix_comment_site_id_comment_author"))

    op.drop_table("comment")
    op.drop_table("thread")
    op.drop_table("reason")
    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_message_state_outbox_message_due_at"))

    op.drop_table("outbox_message")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_membership_site_id"))

    op.drop_table("membership")
    op.drop_table("log_head")
    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_endpoint_site_id"))

    op.drop_table("endpoint")
    with op.batch_alter_table("web_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_web_session_expires_at"))
        batch_op.drop_index(batch_op.f("ix_web_session_account"))

    op.drop_table("web_session")
    op.drop_table("site")
    op.drop_table("account")
