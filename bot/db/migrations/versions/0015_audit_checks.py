"""Checks of the audit log, and its indexes for looking entries up

Revision: 0015
Follows: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

_UTC = bot.db.base.UtcDateTime(timezone=True)
_LOOKED_UP_BY = {
    'ix_audit_entries_actor': ['chain', 'actor_id', 'seq'],
    'ix_audit_entries_action': ['chain', 'action', 'seq'],
    'ix_audit_entries_at': ['chain', 'at'],
}


def upgrade() -> None:
    op.create_table('audit_checks',
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('at', _UTC, nullable=False),
    sa.Column('ended', sa.Boolean(), nullable=False),
    sa.Column('fault', sa.String(length=24), nullable=True),
    sa.Column('broken_seq', sa.Integer(), nullable=True),
    sa.Column('clinic_id', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', _UTC, nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_audit_checks_staff_id_staff')),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_audit_checks_clinic_id_clinics')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_checks'))
    )
    op.create_index(op.f('ix_audit_checks_clinic_id'), 'audit_checks', ['clinic_id'], unique=False)
    for name, columns in _LOOKED_UP_BY.items():
        op.create_index(name, 'audit_entries', columns, unique=False)


def downgrade() -> None:
    for name in _LOOKED_UP_BY:
        op.drop_index(name, 'audit_entries')
    op.drop_table('audit_checks')
