"""contact methods, notifications by other ways than text, the auditor's memory

Revision: 0010
Follows: 0009
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

_KINDS = ('sms', 'voice', 'email', 'apprise')
_STATUSES = ('received', 'queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed')
_NEGLECTS = ('alert_step', 'not_assessed', 'not_answered', 'check_in', 'text', 'notification')


def _enum(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=24)


def _moment(name: str, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, bot.db.base.UtcDateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column('clinics', sa.Column('pages_name_patient', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table('contact_methods',
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('kind', _enum(*_KINDS, name='contactkind'), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('delay_s', sa.Integer(), nullable=False),
    sa.Column('least_tier', _enum('T0', 'T1', 'T2', 'T3', 'T4', name='tier'), nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    _moment('removed_at'),
    sa.Column('error', sa.String(length=200), nullable=False),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    _moment('created_at', nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_contact_methods_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_contact_methods_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_methods'))
    )
    op.create_index(op.f('ix_contact_methods_clinic_id'), 'contact_methods', ['clinic_id'])
    op.create_index(op.f('ix_contact_methods_staff_id'), 'contact_methods', ['staff_id'])
    _widen_notifications()
    op.create_table('notification_attempts',
    sa.Column('notification_id', sa.String(length=32), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    _moment('settled_at'),
    sa.Column('provider_id', sa.String(length=64), nullable=True),
    sa.Column('error', sa.String(length=200), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    _moment('created_at', nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_notification_attempts_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['notification_id'], ['notifications.id'], name=op.f('fk_notification_attempts_notification_id_notifications')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification_attempts')),
    sa.UniqueConstraint('notification_id', 'number', name=op.f('uq_notification_attempts_notification_id_number'))
    )
    op.create_index(op.f('ix_notification_attempts_clinic_id'), 'notification_attempts', ['clinic_id'])
    op.create_index(op.f('ix_notification_attempts_provider_id'), 'notification_attempts', ['provider_id'])
    op.create_table('auditor_incidents',
    sa.Column('kind', _enum(*_NEGLECTS, name='neglect'), nullable=False),
    sa.Column('row_id', sa.String(length=32), nullable=False),
    _moment('since', nullable=False),
    sa.Column('repairs', sa.Integer(), nullable=False),
    _moment('paged_at'),
    _moment('resolved_at'),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    _moment('created_at', nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_auditor_incidents_clinic_id_clinics')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_auditor_incidents'))
    )
    op.create_index(op.f('ix_auditor_incidents_clinic_id'), 'auditor_incidents', ['clinic_id'])
    op.create_index('uq_auditor_incidents_open', 'auditor_incidents', ['kind', 'row_id'], unique=True,
                    sqlite_where=sa.text('resolved_at IS NULL'), postgresql_where=sa.text('resolved_at IS NULL'))
    op.create_table('auditor_runs',
    _moment('finished_at'),
    sa.Column('found', sa.Integer(), nullable=False),
    sa.Column('repaired', sa.Integer(), nullable=False),
    sa.Column('paged', sa.Integer(), nullable=False),
    sa.Column('error', sa.String(length=200), nullable=False),
    sa.Column('heartbeat', sa.String(length=200), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    _moment('created_at', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_auditor_runs'))
    )


def _widen_notifications() -> None:
    # a batch builds the table anew on SQLite, which is safe here: no other table refers to it yet
    with op.batch_alter_table('notifications') as batch:
        batch.add_column(sa.Column('place', sa.Integer(), server_default='0', nullable=False))
        batch.add_column(sa.Column('kind', sa.String(length=24), server_default='sms', nullable=False))
        batch.add_column(sa.Column('contact_method_id', sa.String(length=32), nullable=True))
        batch.add_column(sa.Column('piece', sa.String(length=80), server_default='', nullable=False))
        batch.add_column(sa.Column('purpose', sa.String(length=8), server_default='take', nullable=False))
        batch.add_column(sa.Column('status', sa.String(length=24), nullable=True))
        batch.add_column(_moment('send_after'))
        batch.add_column(sa.Column('attempts', sa.Integer(), server_default='0', nullable=False))
        batch.add_column(sa.Column('error', sa.String(length=200), nullable=True))
        batch.add_column(_moment('link_used_at'))
        batch.alter_column('message_id', existing_type=sa.String(length=32), nullable=True)
        batch.drop_constraint('uq_notifications_alert_id_step_staff_id', type_='unique')
        batch.create_unique_constraint(op.f('uq_notifications_alert_id_step_staff_id_place'), ['alert_id', 'step', 'staff_id', 'place'])
        # by name and of their own: a column that is added brings no check along on PostgreSQL
        batch.create_check_constraint(op.f('ck_notifications_contactkind'), sa.column('kind').in_(_KINDS))
        batch.create_check_constraint(op.f('ck_notifications_status'), sa.column('status').in_(_STATUSES))
        batch.create_foreign_key(op.f('fk_notifications_contact_method_id_contact_methods'), 'contact_methods', ['contact_method_id'], ['id'])
        batch.create_index('ix_notifications_due', ['status', 'send_after'])


def downgrade() -> None:
    op.drop_table('auditor_runs')
    op.drop_table('auditor_incidents')
    op.drop_table('notification_attempts')
    # what the older version cannot carry is gone with it
    op.execute("DELETE FROM notifications WHERE message_id IS NULL OR place > 0")
    with op.batch_alter_table('notifications') as batch:
        batch.drop_index('ix_notifications_due')
        batch.drop_constraint('uq_notifications_alert_id_step_staff_id_place', type_='unique')
        batch.drop_constraint('fk_notifications_contact_method_id_contact_methods', type_='foreignkey')
        batch.drop_constraint(op.f('ck_notifications_contactkind'), type_='check')
        batch.drop_constraint(op.f('ck_notifications_status'), type_='check')
        batch.create_unique_constraint('uq_notifications_alert_id_step_staff_id', ['alert_id', 'step', 'staff_id'])
        batch.alter_column('message_id', existing_type=sa.String(length=32), nullable=False)
        for name in ('place', 'kind', 'contact_method_id', 'piece', 'purpose', 'status', 'send_after', 'attempts', 'error', 'link_used_at'):
            batch.drop_column(name)
    op.drop_table('contact_methods')
    op.drop_column('clinics', 'pages_name_patient')
