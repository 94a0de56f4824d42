"""a sign is taken out of an alert into one of its own; what a line of a timeline tells of a sign

Revision: 0020
Follows: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None

_KINDS = ('opened', 'paged', 'page_delivered', 'page_failed', 'nobody_on_call', 'acknowledged', 'reminded',
          'patient_wrote', 'raised', 'joined', 'reopened', 'informed', 'note', 'closed')
_NEW = ('silent', 'split', 'split_from', 'names_nobody')
_TIERS = ('T0', 'T1', 'T2', 'T3', 'T4')
_NOT_CLOSED = "status <> 'closed'"
_WHOLE = 'AND split_from_id IS NULL'


def upgrade() -> None:
    # in place on SQLite too, which takes a reference only as part of the new column
    op.execute('ALTER TABLE alerts ADD COLUMN split_from_id VARCHAR(32) '
               'CONSTRAINT fk_alerts_split_from_id_alerts REFERENCES alerts (id)')
    op.create_index(op.f('ix_alerts_split_from_id'), 'alerts', ['split_from_id'], unique=False)
    _one_open(_WHOLE)
    split = sa.text(f'{_NOT_CLOSED} AND split_from_id IS NOT NULL')
    op.create_index('uq_alerts_one_open_split', 'alerts', ['split_from_id', 'message_id'], unique=True,
                    sqlite_where=split, postgresql_where=split)
    # the sweep's own: until now it read one of the indexes above, which no longer hold every open alert
    op.drop_index('ix_alerts_next_step', table_name='alerts')
    not_closed = sa.text(_NOT_CLOSED)
    op.create_index('ix_alerts_next_step', 'alerts', ['next_step_at'], sqlite_where=not_closed,
                    postgresql_where=not_closed)
    with op.batch_alter_table('alert_events') as batch:
        batch.drop_constraint(op.f('ck_alert_events_eventkind'), type_='check')
        batch.create_check_constraint(op.f('ck_alert_events_eventkind'), sa.column('kind').in_(_KINDS + _NEW))
        batch.add_column(sa.Column('tier', sa.String(length=24), nullable=True))
        batch.create_check_constraint(op.f('ck_alert_events_tier'), sa.column('tier').in_(_TIERS))
        batch.add_column(sa.Column('flag', sa.String(length=8), server_default='', nullable=False))


def _one_open(whole: str) -> None:
    """At most one open alert of a patient, and of a conversation whose patient nobody knows."""
    for name, column, more in (('uq_alerts_one_open_patient', 'patient_id', ''),
                               ('uq_alerts_one_open_unknown', 'conversation_id', 'AND patient_id IS NULL')):
        op.drop_index(name, table_name='alerts')
        where = sa.text(' '.join(filter(None, (_NOT_CLOSED, more, whole))))
        op.create_index(name, 'alerts', [column], unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    # a patient may have several open alerts: fails, and nothing is changed
    op.drop_index('uq_alerts_one_open_split', table_name='alerts')
    _one_open('')
    op.drop_index('ix_alerts_next_step', table_name='alerts')
    op.create_index('ix_alerts_next_step', 'alerts', ['status', 'next_step_at'])
    op.execute("DELETE FROM alert_events WHERE kind IN ('silent', 'split', 'split_from')")
    op.execute("UPDATE alert_events SET kind = 'nobody_on_call', detail = '' WHERE kind = 'names_nobody'")
    with op.batch_alter_table('alert_events') as batch:
        batch.drop_column('flag')
        batch.drop_constraint(op.f('ck_alert_events_tier'), type_='check')
        batch.drop_column('tier')
        batch.drop_constraint(op.f('ck_alert_events_eventkind'), type_='check')
        batch.create_check_constraint(op.f('ck_alert_events_eventkind'), sa.column('kind').in_(_KINDS))
    op.drop_index(op.f('ix_alerts_split_from_id'), table_name='alerts')
    with op.batch_alter_table('alerts') as batch:
        batch.drop_column('split_from_id')
