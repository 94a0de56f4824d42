"""protocols of a year, versions of a clinic's own, consent by text

Revision: 0007
Follows: 0006
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

#: table, column, name of the check, values before, values that join
_ENUMS = (
    ('enrolments', 'status', 'enrolmentstatus', ('active', 'finished', 'stopped'), ('paused',)),
    ('check_ins', 'status', 'checkinstatus',
     ('planned', 'sent', 'reminded', 'answered', 'unanswered', 'cancelled'), ('by_phone', 'combined', 'skipped')),
    ('staff_tasks', 'kind', 'taskkind',
     ('talk_to_patient', 'no_check_in_answer', 'opted_out_phone', 'review', 'not_understood', 'not_delivered',
      'confirm_fact'),
     ('phone_check_in', 'no_consent', 'wrong_number')),
)


def _allow(table: str, column: str, name: str, values: tuple[str, ...]) -> None:
    listed = ', '.join(f"'{value}'" for value in values)
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f'ck_{table}_{name}'), type_='check')
        batch.create_check_constraint(op.f(f'ck_{table}_{name}'), f'{column} IN ({listed})')


def upgrade() -> None:
    for table, column, name, before, joining in _ENUMS:
        _allow(table, column, name, before + joining)
    with op.batch_alter_table('enrolments') as batch:
        batch.add_column(sa.Column('means', sa.Enum('text', 'phone', name='means', native_enum=False, create_constraint=True, length=24), server_default='text', nullable=False))
        batch.add_column(sa.Column('merged_into_id', sa.String(length=32), nullable=True))
        batch.create_foreign_key(op.f('fk_enrolments_merged_into_id_enrolments'), 'enrolments', ['merged_into_id'], ['id'])
    with op.batch_alter_table('check_ins') as batch:
        batch.add_column(sa.Column('reason', sa.String(length=80), server_default='', nullable=False))
        batch.add_column(sa.Column('asked', bot.db.base.Json, server_default=sa.text("'[]'"), nullable=False))
        batch.add_column(sa.Column('combined_into_id', sa.String(length=32), nullable=True))
        batch.create_foreign_key(op.f('fk_check_ins_combined_into_id_check_ins'), 'check_ins', ['combined_into_id'], ['id'])
    op.create_index(op.f('ix_enrolments_merged_into_id'), 'enrolments', ['merged_into_id'], unique=False)
    op.create_index(op.f('ix_check_ins_combined_into_id'), 'check_ins', ['combined_into_id'], unique=False)
    op.create_index('ix_check_ins_patient_due', 'check_ins', ['patient_id', 'status', 'due_at'], unique=False)
    with op.batch_alter_table('treatments') as batch:
        batch.add_column(sa.Column('touch_up', sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table('clinics') as batch:
        batch.add_column(sa.Column('texts_from_hour', sa.Integer(), nullable=True))
        batch.add_column(sa.Column('texts_until_hour', sa.Integer(), nullable=True))
        batch.add_column(sa.Column('texts_on_holidays', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch.add_column(sa.Column('consent_by_text', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table('protocol_versions',
    sa.Column('protocol_id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('definition', bot.db.base.Json, nullable=False),
    sa.Column('author_id', sa.String(length=32), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['staff.id'], name=op.f('fk_protocol_versions_author_id_staff')),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_protocol_versions_clinic_id_clinics')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_protocol_versions')),
    sa.UniqueConstraint('clinic_id', 'protocol_id', 'version', name=op.f('uq_protocol_versions_clinic_id_protocol_id_version'))
    )
    op.create_index(op.f('ix_protocol_versions_clinic_id'), 'protocol_versions', ['clinic_id'], unique=False)
    op.create_table('enrolment_events',
    sa.Column('enrolment_id', sa.String(length=32), nullable=False),
    sa.Column('what', sa.String(length=40), nullable=False),
    sa.Column('detail', sa.String(length=200), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_enrolment_events_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['enrolment_id'], ['enrolments.id'], name=op.f('fk_enrolment_events_enrolment_id_enrolments')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_enrolment_events_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enrolment_events'))
    )
    op.create_index(op.f('ix_enrolment_events_clinic_id'), 'enrolment_events', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_enrolment_events_enrolment_id'), 'enrolment_events', ['enrolment_id'], unique=False)
    # whoever is being texted agreed under the rules of before; protocols lost the "_early" of their names
    op.execute("""
        INSERT INTO consents (id, created_at, clinic_id, patient_id, purpose, granted, wording_version, channel)
        SELECT 'c' || substr(MAX(id), 2), MAX(created_at), clinic_id, patient_id, purpose, true, MAX(wording_version), 'earlier'
        FROM consents WHERE purpose = 'aftercare_texts' AND granted GROUP BY clinic_id, patient_id, purpose
    """)
    op.execute("UPDATE enrolments SET protocol_id = replace(protocol_id, '_early', '')")
    _rename_answers('checkin.', '')


def downgrade() -> None:
    _rename_answers('', 'checkin.')
    op.execute("UPDATE enrolments SET protocol_id = protocol_id || '_early'")
    op.execute("DELETE FROM consents WHERE channel = 'earlier'")
    op.drop_table('enrolment_events')
    op.drop_index(op.f('ix_protocol_versions_clinic_id'), table_name='protocol_versions')
    op.drop_table('protocol_versions')
    with op.batch_alter_table('clinics') as batch:
        for column in ('consent_by_text', 'texts_on_holidays', 'texts_until_hour', 'texts_from_hour'):
            batch.drop_column(column)
    with op.batch_alter_table('treatments') as batch:
        batch.drop_column('touch_up')
    op.drop_index('ix_check_ins_patient_due', table_name='check_ins')
    op.drop_index(op.f('ix_check_ins_combined_into_id'), table_name='check_ins')
    op.drop_index(op.f('ix_enrolments_merged_into_id'), table_name='enrolments')
    with op.batch_alter_table('check_ins') as batch:
        batch.drop_constraint(op.f('fk_check_ins_combined_into_id_check_ins'), type_='foreignkey')
        for column in ('combined_into_id', 'asked', 'reason'):
            batch.drop_column(column)
    with op.batch_alter_table('enrolments') as batch:
        batch.drop_constraint(op.f('fk_enrolments_merged_into_id_enrolments'), type_='foreignkey')
        batch.drop_constraint(op.f('ck_enrolments_means'), type_='check')
        batch.drop_column('merged_into_id')
        batch.drop_column('means')
    op.execute("UPDATE enrolments SET status = 'stopped' WHERE status = 'paused'")
    op.execute("UPDATE check_ins SET status = 'cancelled' WHERE status IN ('by_phone', 'combined', 'skipped')")
    op.execute("UPDATE staff_tasks SET kind = 'review' WHERE kind IN ('phone_check_in', 'no_consent', 'wrong_number')")
    for table, column, name, before, _joining in _ENUMS:
        _allow(table, column, name, before)


def _rename_answers(old: str, new: str) -> None:
    """Answers were kept under the dialogue's names of their questions (`checkin.pain`); now `pain`."""
    connection = op.get_bind()
    rows = sa.table('check_ins', sa.column('id', sa.String), sa.column('answers', bot.db.base.Json))
    for row_id, answers in connection.execute(sa.select(rows.c.id, rows.c.answers)).all():
        found = json.loads(answers) if isinstance(answers, str) else answers
        if found:
            renamed = {new + name.removeprefix(old): answer for name, answer in found.items()}
            connection.execute(rows.update().where(rows.c.id == row_id).values(answers=renamed))
