"""The store as first released: tables, and triggers that keep the two logs append-only.

Constraints and indexes get their names from the convention of `db.tables.Base`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from db.tables import UtcDateTime as Time

revision = "0001"
down_revision = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("audit_event", "consent_event")


def text(name: str, length: int, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), **{"nullable": False, **options})


def required(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def upgrade() -> None:
    op.create_table(
        "admin",
        text("id", 32, primary_key=True),
        text("name", 64, unique=True),
        text("password_hash", 256),
        required("created_at", Time()),
        required("disabled", sa.Boolean()),
        required("failed_count", sa.Integer()),
        sa.Column("locked_until", Time()),
    )
    op.create_table(
        "audit_event",
        required("seq", BIG_ID, primary_key=True, autoincrement=False),
        text("ts_utc", 32, index=True),
        text("actor", 64, index=True),
        text("action", 32, index=True),
        text("object_id", 64),
        required("details_json", sa.Text()),
        text("prev_hash", 64, unique=True),
        text("hash", 64, unique=True),
    )
    op.create_table(
        "erasure_job",
        text("id", 32, primary_key=True),
        text("subject_id", 32, nullable=True),
        text("answer_hash", 64, nullable=True, index=True),
        text("reason", 16),
        text("scope", 16),
        text("state", 16, index=True),
        required("requested_at", Time()),
        sa.Column("done_at", Time()),
        required("counts_json", sa.Text()),
    )
    op.create_table(
        "lease",
        text("name", 32, primary_key=True),
        text("holder", 64),
        required("until", Time()),
    )
    op.create_table(
        "notice",
        text("id", 32, primary_key=True),
        text("kind", 16),
        required("version", sa.Integer()),
        text("language", 16),
        required("text", sa.Text()),
        text("sha256", 64),
        required("published_at", Time()),
        sa.UniqueConstraint("kind", "language", "version"),
    )
    op.create_table(
        "retention_policy",
        text("kind", 16, primary_key=True),
        required("days", sa.Integer()),
        required("changed_at", Time()),
        text("changed_by", 64),
    )
    op.create_table(
        "store_info",
        text("name", 64, primary_key=True),
        required("value", sa.Text()),
    )
    op.create_table(
        "subject",
        text("id", 32, primary_key=True),
        text("pseudonym", 32, unique=True),
        text("code_hash", 64, unique=True),
        required("created_at", Time()),
    )
    make_dependent_tables()
    protect_logs()


def make_dependent_tables() -> None:
    of_subject = ("subject_id",), ("subject.id",)
    of_notice = ("notice_id",), ("notice.id",)
    op.create_table(
        "admin_session",
        text("token_hash", 64, primary_key=True),
        text("admin_id", 32, index=True),
        required("started_at", Time()),
        required("seen_at", Time()),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"]),
    )
    op.create_table(
        "analysis",
        text("id", 32, primary_key=True),
        text("subject_id", 32, index=True),
        required("stored_at", Time(), index=True),
        required("promised_until", Time(), index=True),
        text("model_id", 128),
        required("sealed_result", sa.LargeBinary()),
        sa.ForeignKeyConstraint(*of_subject),
    )
    op.create_table(
        "consent_event",
        required("seq", BIG_ID, primary_key=True, autoincrement=True),
        required("at", Time(), index=True),
        text("pseudonym", 32),
        text("purpose", 16),
        text("state", 16),
        text("notice_id", 32),
        text("context", 32),
        required("valid_until", Time()),
        sa.ForeignKeyConstraint(*of_notice),
        sa.Index("ix_consent_event_pseudonym_seq", "pseudonym", "seq"),
    )
    op.create_table(
        "consent_record",
        text("id", 32, primary_key=True),
        text("subject_id", 32, unique=True),
        text("notice_id", 32),
        text("context", 32),
        text("language", 16),
        required("given_at", Time()),
        required("valid_until", Time()),
        required("result_until", Time()),
        required("image_until", Time()),
        sa.Column("sealed_name", sa.LargeBinary()),
        sa.ForeignKeyConstraint(*of_notice),
        sa.ForeignKeyConstraint(*of_subject),
    )
    op.create_table(
        "stored_image",
        text("id", 32, primary_key=True),
        text("subject_id", 32, index=True),
        text("analysis_id", 32, nullable=True),
        required("stored_at", Time(), index=True),
        required("promised_until", Time(), index=True),
        required("size_bytes", sa.Integer()),
        sa.ForeignKeyConstraint(*of_subject),
    )


def protect_logs() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE FUNCTION mien_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    for table in APPEND_ONLY:
        if sqlite:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
            continue
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION mien_refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION mien_refuse_change()"
        )
