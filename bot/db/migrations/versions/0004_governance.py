"""governance of words

Revision: 0004
Follows: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('shipped_texts',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('piece_id', sa.String(length=80), nullable=False),
    sa.Column('body', bot.db.base.Json, nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_shipped_texts')),
    sa.UniqueConstraint('digest', 'created_at', name=op.f('uq_shipped_texts_digest_created_at'))
    )
    op.create_index('ix_shipped_texts_piece', 'shipped_texts', ['piece_id', 'created_at'], unique=False)

    op.create_table('content_versions',
    sa.Column('piece_id', sa.String(length=80), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('changes', bot.db.base.Json, nullable=False),
    sa.Column('status', sa.Enum('draft', 'approved', 'retired', name='decision', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('review_by', sa.Date(), nullable=True),
    sa.Column('author_id', sa.String(length=32), nullable=False),
    sa.Column('approver_id', sa.String(length=32), nullable=True),
    sa.Column('decided_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['approver_id'], ['staff.id'], name=op.f('fk_content_versions_approver_id_staff')),
    sa.ForeignKeyConstraint(['author_id'], ['staff.id'], name=op.f('fk_content_versions_author_id_staff')),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_content_versions_clinic_id_clinics')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_content_versions')),
    sa.UniqueConstraint('clinic_id', 'piece_id', 'number', name=op.f('uq_content_versions_clinic_id_piece_id_number'))
    )
    op.create_index(op.f('ix_content_versions_clinic_id'), 'content_versions', ['clinic_id'], unique=False)

    op.create_table('clinic_snapshots',
    sa.Column('facts', bot.db.base.Json, nullable=False),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_clinic_snapshots_clinic_id_clinics')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clinic_snapshots'))
    )
    op.create_index(op.f('ix_clinic_snapshots_clinic_id'), 'clinic_snapshots', ['clinic_id'], unique=False)

    op.create_table('acknowledgements',
    sa.Column('patient_id', sa.String(length=32), nullable=False),
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('message_ids', bot.db.base.Json, nullable=False),
    sa.Column('acknowledged_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('answer_id', sa.String(length=32), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['answer_id'], ['messages.id'], name=op.f('fk_acknowledgements_answer_id_messages')),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_acknowledgements_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_acknowledgements_conversation_id_conversations')),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], name=op.f('fk_acknowledgements_patient_id_patients')),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_acknowledgements_staff_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_acknowledgements'))
    )
    op.create_index(op.f('ix_acknowledgements_clinic_id'), 'acknowledgements', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_acknowledgements_patient_id'), 'acknowledgements', ['patient_id'], unique=False)

    # Added in place, on SQLite too: a batch would build tables anew that others refer to. The default stays,
    # for a process of the version before that still writes.
    op.add_column('clinics', sa.Column('approved_words_only', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('clinics', sa.Column('booking_url', sa.String(length=200), nullable=True))
    op.add_column('messages', sa.Column('content_own_version', sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column('messages', 'content_own_version')
    op.drop_column('clinics', 'booking_url')
    op.drop_column('clinics', 'approved_words_only')
    op.drop_table('acknowledgements')
    op.drop_table('clinic_snapshots')
    op.drop_table('content_versions')
    op.drop_table('shipped_texts')
