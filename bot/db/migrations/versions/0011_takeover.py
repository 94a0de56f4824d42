"""take-over, judgements, assigned tasks

Revision: 0011
Follows: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

TIERS = ('T0', 'T1', 'T2', 'T3', 'T4')
ROLES = ('front_desk', 'nurse', 'injector', 'medical_director', 'admin')
#: What the figures of a period are read by.
BY_TIME = (('alerts', 'ix_alerts_clinic_time', 'created_at'), ('messages', 'ix_messages_clinic_time', 'created_at'),
           ('check_ins', 'ix_check_ins_clinic_due', 'due_at'))


def upgrade() -> None:
    op.create_table('takeovers',
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('active_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('released_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('released_because', sa.Enum('handed_back', 'inactive', 'holder_gone', name='release', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('messages_in', sa.Integer(), nullable=False),
    sa.Column('messages_out', sa.Integer(), nullable=False),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_takeovers_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_takeovers_conversation_id_conversations')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_takeovers_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_takeovers'))
    )
    op.create_index('uq_takeovers_one_open', 'takeovers', ['conversation_id'], unique=True,
                    sqlite_where=sa.text('released_at IS NULL'), postgresql_where=sa.text('released_at IS NULL'))
    op.create_index('ix_takeovers_conversation', 'takeovers', ['conversation_id', 'id'], unique=False)
    op.create_index(op.f('ix_takeovers_clinic_id'), 'takeovers', ['clinic_id'], unique=False)

    op.create_table('staff_replies',
    sa.Column('message_id', sa.String(length=32), nullable=False),
    sa.Column('takeover_id', sa.String(length=32), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_staff_replies_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_staff_replies_message_id_messages')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_replies_staff_id_staff')),
    sa.ForeignKeyConstraint(['takeover_id'], ['takeovers.id'], name=op.f('fk_staff_replies_takeover_id_takeovers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_replies')),
    sa.UniqueConstraint('message_id', name=op.f('uq_staff_replies_message_id'))
    )
    op.create_index(op.f('ix_staff_replies_clinic_id'), 'staff_replies', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_staff_replies_takeover_id'), 'staff_replies', ['takeover_id'], unique=False)

    op.create_table('judgements',
    sa.Column('message_id', sa.String(length=32), nullable=False),
    sa.Column('alert_id', sa.String(length=32), nullable=True),
    sa.Column('verdict', sa.Enum('correct', 'false_alarm', 'more_urgent', 'missed', name='verdict', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('given', sa.Enum(*TIERS, name='tier', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('judged', sa.Enum(*TIERS, name='judged_tier', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('role', sa.Enum(*ROLES, name='role', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['alert_id'], ['alerts.id'], name=op.f('fk_judgements_alert_id_alerts')),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_judgements_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_judgements_message_id_messages')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_judgements_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_judgements'))
    )
    op.create_index('ix_judgements_clinic_time', 'judgements', ['clinic_id', 'created_at'], unique=False)
    for column in ('alert_id', 'clinic_id', 'message_id'):
        op.create_index(op.f(f'ix_judgements_{column}'), 'judgements', [column], unique=False)

    # in place on SQLite too, which takes a reference only as part of the new column
    op.execute('ALTER TABLE staff_tasks ADD COLUMN assigned_to_id VARCHAR(32) '
               'CONSTRAINT fk_staff_tasks_assigned_to_id_staff REFERENCES staff (id)')
    for table, name, column in BY_TIME:
        op.create_index(name, table, ['clinic_id', column], unique=False)


def downgrade() -> None:
    for table, name, _column in BY_TIME:
        op.drop_index(name, table_name=table)
    with op.batch_alter_table('staff_tasks', schema=None) as batch_op:
        batch_op.drop_column('assigned_to_id')
    op.drop_table('judgements')
    op.drop_table('staff_replies')
    op.drop_table('takeovers')
