"""one open alert per patient; notifications of texts that are several alerts' or nobody's

Revision: 0014
Follows: 0013
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from bot import clock
from bot.db.base import UtcDateTime
from bot.ids import new_id

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_KINDS = ('opened', 'paged', 'page_delivered', 'page_failed', 'nobody_on_call', 'acknowledged', 'reminded',
          'patient_wrote', 'raised', 'reopened', 'informed', 'note', 'closed')
_NOT_CLOSED = "status <> 'closed'"
_UNKNOWN = f"{_NOT_CLOSED} AND patient_id IS NULL"

_alerts = sa.table(
    'alerts',
    *(sa.column(name) for name in ('id', 'clinic_id', 'patient_id', 'message_id', 'tier', 'status', 'code', 'psych', 'joined_into_id')),
    sa.column('next_step_at', UtcDateTime()),
)
_events = sa.table(
    'alert_events',
    *(sa.column(name) for name in ('id', 'clinic_id', 'alert_id', 'kind', 'staff_id', 'message_id', 'detail')),
    sa.column('created_at', UtcDateTime()),
)


def upgrade() -> None:
    # in place on SQLite too, which takes a reference only as part of the new column
    op.execute('ALTER TABLE alerts ADD COLUMN joined_into_id VARCHAR(32) '
               'CONSTRAINT fk_alerts_joined_into_id_alerts REFERENCES alerts (id)')
    op.execute('ALTER TABLE conversations ADD COLUMN named_patient_id VARCHAR(32) '
               'CONSTRAINT fk_conversations_named_patient_id_patients REFERENCES patients (id)')
    op.create_index(op.f('ix_alerts_joined_into_id'), 'alerts', ['joined_into_id'], unique=False)
    _kinds(*_KINDS, 'joined')
    with op.batch_alter_table('notifications') as batch:
        batch.alter_column('staff_id', existing_type=sa.String(length=32), nullable=True)
        batch.drop_constraint('uq_notifications_message_id', type_='unique')
        batch.create_index(op.f('ix_notifications_message_id'), ['message_id'])
    op.drop_index('uq_alerts_one_open', table_name='alerts')
    _join_open_ones()
    op.create_index('uq_alerts_one_open_patient', 'alerts', ['patient_id'], unique=True,
                    sqlite_where=sa.text(_NOT_CLOSED), postgresql_where=sa.text(_NOT_CLOSED))
    op.create_index('uq_alerts_one_open_unknown', 'alerts', ['conversation_id'], unique=True,
                    sqlite_where=sa.text(_UNKNOWN), postgresql_where=sa.text(_UNKNOWN))


def _kinds(*kinds: str) -> None:
    with op.batch_alter_table('alert_events') as batch:
        batch.drop_constraint(op.f('ck_alert_events_eventkind'), type_='check')
        batch.create_check_constraint(op.f('ck_alert_events_eventkind'), sa.column('kind').in_(kinds))


def _join_open_ones() -> None:
    """A patient who has two open alerts has one from now on: the most urgent, one that nobody has taken before
    one that is, the oldest. Its next step is that of whichever was due first, so that nothing waits longer."""
    connection = op.get_bind()
    query = sa.select(_alerts).where(_alerts.c.status != 'closed', _alerts.c.patient_id.is_not(None))
    of_patient: dict[str, list[Any]] = {}
    for alert in connection.execute(query):
        of_patient.setdefault(alert.patient_id, []).append(alert)
    for found in of_patient.values():
        whole, *others = sorted(found, key=lambda one: (one.tier, one.status != 'open', one.id))
        for other in others:
            connection.execute(_events.update().where(_events.c.alert_id == other.id).values(alert_id=whole.id))
            connection.execute(_alerts.update().where(_alerts.c.id == other.id).values(
                status='closed', next_step_at=None, joined_into_id=whole.id))
            connection.execute(_events.insert().values(
                id=new_id(), created_at=clock.now(), clinic_id=whole.clinic_id,
                alert_id=whole.id, kind='joined', message_id=other.message_id, detail=other.code))
        if others:
            due = [one.next_step_at for one in found if one.next_step_at is not None]
            connection.execute(_alerts.update().where(_alerts.c.id == whole.id).values(
                next_step_at=min(due, default=None), psych=any(one.psych for one in found)))


def downgrade() -> None:
    # a number that changed hands may have had an open alert of two patients: fails, and nothing is changed
    op.drop_index('uq_alerts_one_open_unknown', 'alerts')
    op.drop_index('uq_alerts_one_open_patient', 'alerts')
    op.create_index('uq_alerts_one_open', 'alerts', ['conversation_id'], unique=True,
                    sqlite_where=sa.text(_NOT_CLOSED), postgresql_where=sa.text(_NOT_CLOSED))
    # what the older version cannot carry is gone with it
    op.execute("DELETE FROM notifications WHERE staff_id IS NULL OR purpose = 'bundle'")
    with op.batch_alter_table('notifications') as batch:
        batch.drop_index(op.f('ix_notifications_message_id'))
        batch.create_unique_constraint(op.f('uq_notifications_message_id'), ['message_id'])
        batch.alter_column('staff_id', existing_type=sa.String(length=32), nullable=False)
    op.execute("UPDATE alert_events SET kind = 'patient_wrote' WHERE kind = 'joined'")
    _kinds(*_KINDS)
    op.drop_index(op.f('ix_alerts_joined_into_id'), 'alerts')
    with op.batch_alter_table('conversations') as batch:
        batch.drop_column('named_patient_id')
    with op.batch_alter_table('alerts') as batch:
        batch.drop_column('joined_into_id')
