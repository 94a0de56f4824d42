"""links for patients, staff ratings, recalls

Revision: 0008
Follows: 0007
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

_KINDS = ('patient', 'staff', 'safety', 'reply', 'check_in', 'notice', 'page')


def _allow(kinds: tuple[str, ...]) -> None:
    listed = ', '.join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table('messages') as batch:
        batch.drop_constraint(op.f('ck_messages_kind'), type_='check')
        batch.create_check_constraint(op.f('ck_messages_kind'), f'kind IN ({listed})')


def _common() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column('clinic_id', sa.String(length=32), nullable=False),
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('created_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    )


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f'{other}.id'], name=op.f(f'fk_{table}_{column}_{other}'))


def upgrade() -> None:
    _allow((*_KINDS, 'recall'))
    op.create_table('patient_links',
    sa.Column('purpose', sa.Enum('check_in', 'trend', 'recall', name='linkpurpose', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('patient_id', sa.String(length=32), nullable=False),
    sa.Column('subject_id', sa.String(length=32), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('expires_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('used_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    *_common(),
    _to('patient_links', 'clinic_id', 'clinics'),
    _to('patient_links', 'patient_id', 'patients'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient_links')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_patient_links_token_hash'))
    )
    op.create_index(op.f('ix_patient_links_clinic_id'), 'patient_links', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_patient_links_patient_id'), 'patient_links', ['patient_id'], unique=False)
    op.create_index('ix_patient_links_subject', 'patient_links', ['purpose', 'subject_id'], unique=False)
    op.create_table('staff_ratings',
    sa.Column('patient_id', sa.String(length=32), nullable=False),
    sa.Column('treatment_id', sa.String(length=32), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('gais', sa.String(length=24), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('note', sa.String(length=200), nullable=False),
    *_common(),
    _to('staff_ratings', 'clinic_id', 'clinics'),
    _to('staff_ratings', 'patient_id', 'patients'),
    _to('staff_ratings', 'staff_id', 'staff'),
    _to('staff_ratings', 'treatment_id', 'treatments'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_staff_ratings'))
    )
    op.create_index(op.f('ix_staff_ratings_clinic_id'), 'staff_ratings', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_staff_ratings_patient_id'), 'staff_ratings', ['patient_id'], unique=False)
    op.create_table('recalls',
    sa.Column('product', sa.String(length=40), nullable=False),
    sa.Column('lot', sa.String(length=40), nullable=False),
    sa.Column('lot_key', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('status', sa.Enum('draft', 'withdrawn', 'approved', name='recallstatus', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('drafted_by_id', sa.String(length=32), nullable=False),
    sa.Column('drafted_at', bot.db.base.UtcDateTime(timezone=True), nullable=False),
    sa.Column('approved_by_id', sa.String(length=32), nullable=True),
    sa.Column('approved_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    *_common(),
    _to('recalls', 'approved_by_id', 'staff'),
    _to('recalls', 'clinic_id', 'clinics'),
    _to('recalls', 'drafted_by_id', 'staff'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recalls')),
    sa.UniqueConstraint('clinic_id', 'product', 'lot_key', name=op.f('uq_recalls_clinic_id_product_lot_key'))
    )
    op.create_index(op.f('ix_recalls_clinic_id'), 'recalls', ['clinic_id'], unique=False)
    op.create_table('recall_notices',
    sa.Column('recall_id', sa.String(length=32), nullable=False),
    sa.Column('patient_id', sa.String(length=32), nullable=False),
    sa.Column('message_id', sa.String(length=32), nullable=True),
    sa.Column('task_id', sa.String(length=32), nullable=True),
    sa.Column('read_at', bot.db.base.UtcDateTime(timezone=True), nullable=True),
    *_common(),
    _to('recall_notices', 'clinic_id', 'clinics'),
    _to('recall_notices', 'message_id', 'messages'),
    _to('recall_notices', 'patient_id', 'patients'),
    _to('recall_notices', 'recall_id', 'recalls'),
    _to('recall_notices', 'task_id', 'staff_tasks'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recall_notices')),
    sa.UniqueConstraint('recall_id', 'patient_id', name=op.f('uq_recall_notices_recall_id_patient_id'))
    )
    op.create_index(op.f('ix_recall_notices_clinic_id'), 'recall_notices', ['clinic_id'], unique=False)
    op.create_index(op.f('ix_recall_notices_patient_id'), 'recall_notices', ['patient_id'], unique=False)


def downgrade() -> None:
    for table in ('recall_notices', 'recalls', 'staff_ratings', 'patient_links'):
        op.drop_table(table)
    # what was sent stays in the record, under a name that the version before knows
    op.execute("UPDATE messages SET kind = 'notice' WHERE kind = 'recall'")
    _allow(_KINDS)
