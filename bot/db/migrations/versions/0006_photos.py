"""photos

Revision: 0006
Follows: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('photos',
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('patient_id', sa.String(length=32), nullable=True),
    sa.Column('owner', sa.String(length=32), nullable=False),
    sa.Column('source_sha256', sa.String(length=64), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('thumb_sha256', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('received_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('taken_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('view', sa.String(length=40), nullable=True),
    sa.Column('view_by_id', sa.String(length=32), nullable=True),
    sa.Column('ask_consent_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_photos_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_photos_conversation_id_conversations')),
    sa.ForeignKeyConstraint(['patient_id'], ['patients.id'], name=op.f('fk_photos_patient_id_patients')),
    sa.ForeignKeyConstraint(['view_by_id'], ['staff.id'], name=op.f('fk_photos_view_by_id_staff')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_photos')),
    sa.UniqueConstraint('owner', 'source_sha256', name=op.f('uq_photos_owner_source_sha256'))
    )
    op.create_index(op.f('ix_photos_clinic_id'), 'photos', ['clinic_id'], unique=False)
    op.create_index('ix_photos_patient', 'photos', ['patient_id', 'received_at'], unique=False)
    op.create_index('ix_photos_ask_consent', 'photos', ['ask_consent_at'], unique=False)

    op.create_table('photo_arrivals',
    sa.Column('message_id', sa.String(length=32), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('status', sa.Enum('waiting', 'kept', 'refused', 'lost', name='arrivalstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_try_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(length=40), nullable=True),
    sa.Column('photo_id', sa.String(length=32), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_photo_arrivals_clinic_id_clinics')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_photo_arrivals_message_id_messages')),
    sa.ForeignKeyConstraint(['photo_id'], ['photos.id'], name=op.f('fk_photo_arrivals_photo_id_photos')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_photo_arrivals')),
    sa.UniqueConstraint('message_id', 'position', name=op.f('uq_photo_arrivals_message_id_position'))
    )
    op.create_index(op.f('ix_photo_arrivals_clinic_id'), 'photo_arrivals', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_photo_arrivals_photo_id'), 'photo_arrivals', ['photo_id'], unique=False)
    op.create_index('ix_photo_arrivals_due', 'photo_arrivals', ['status', 'next_try_at'], unique=False)


def downgrade() -> None:
    op.drop_table('photo_arrivals')
    op.drop_table('photos')
