"""Signatures of rows that decide. `db.store` fills them in: a migration has no key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

SIGNED = ("notice", "subject", "consent_event", "retention_policy", "admin")
FIXED = ("seq", "at", "pseudonym", "purpose", "state", "notice_id", "context", "valid_until")
# An event stays as it is, but one from before may be signed, once.
SIGNING = " AND ".join(
    ["OLD.mac IS NULL", "NEW.mac IS NOT NULL", *(f'OLD."{name}" = NEW."{name}"' for name in FIXED)]
)


def upgrade() -> None:
    for table in SIGNED:
        op.add_column(table, sa.Column("mac", sa.String(length=64), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER consent_event_no_update")
        _sqlite_trigger(f"WHEN NOT ({SIGNING}) ")
        return
    op.execute("DROP TRIGGER consent_event_no_change ON consent_event")
    for verb, condition in (("DELETE", ""), ("UPDATE", f"WHEN (NOT ({SIGNING})) ")):
        op.execute(
            f"CREATE TRIGGER consent_event_no_{verb.lower()} BEFORE {verb} ON consent_event "
            f"FOR EACH ROW {condition}EXECUTE FUNCTION mien_refuse_change()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER consent_event_no_update")
        _sqlite_trigger("")
    else:
        op.execute("DROP TRIGGER consent_event_no_update ON consent_event")
        op.execute("DROP TRIGGER consent_event_no_delete ON consent_event")
        op.execute(
            "CREATE TRIGGER consent_event_no_change BEFORE UPDATE OR DELETE ON consent_event "
            "FOR EACH ROW EXECUTE FUNCTION mien_refuse_change()"
        )
    for table in SIGNED:
        op.drop_column(table, "mac")


def _sqlite_trigger(condition: str) -> None:
    op.execute(
        f"CREATE TRIGGER consent_event_no_update BEFORE UPDATE ON consent_event {condition}"
        "BEGIN SELECT RAISE(ABORT, 'consent_event is append-only'); END"
    )
