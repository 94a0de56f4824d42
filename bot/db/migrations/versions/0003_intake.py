"""intake

Revision: 0003
Follows: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('intakes',
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('patient_id', sa.String(length=32), nullable=True),
    sa.Column('status', sa.Enum('open', 'done', 'stopped', name='intakestatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('heard_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('reminded_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('finished_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_intakes_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_intakes_conversation_id_conversations')),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], name=op.f('fk_intakes_patient_id_patients')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intakes'))
    )
    with op.batch_alter_table('intakes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_intakes_clinic_id'), ['clinic_id'], unique=False)
        batch_op.create_index('ix_intakes_conversation', ['conversation_id', 'status'], unique=False)
        batch_op.create_index('ix_intakes_open', ['status', 'heard_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_intakes_patient_id'), ['patient_id'], unique=False)

    op.create_table('intake_answers',
    sa.Column('intake_id', sa.String(length=32), nullable=False),
    sa.Column('message_id', sa.String(length=32), nullable=False),
    sa.Column('item', sa.String(length=40), nullable=False),
    sa.Column('said', sa.String(length=16), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('codes', bot.db.base.Json, nullable=False),
    sa.Column('value', sa.Integer(), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_intake_answers_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['intake_id'], ['intakes.id'], name=op.f('fk_intake_answers_intake_id_intakes')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_intake_answers_message_id_messages')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intake_answers'))
    )
    with op.batch_alter_table('intake_answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_intake_answers_clinic_id'), ['clinic_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_intake_answers_intake_id'), ['intake_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('intake_answers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_intake_answers_intake_id'))
        batch_op.drop_index(batch_op.f('ix_intake_answers_clinic_id'))

    op.drop_table('intake_answers')
    with op.batch_alter_table('intakes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_intakes_patient_id'))
        batch_op.drop_index('ix_intakes_open')
        batch_op.drop_index('ix_intakes_conversation')
        batch_op.drop_index(batch_op.f('ix_intakes_clinic_id'))

    op.drop_table('intakes')
