"""On-call rotas, closed days, calendar feeds and escalation policies

Revision: 0013
Follows: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_UTC = bot.db.base.UtcDateTime(timezone=True)


def _owned(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column('clinic_id', sa.String(length=32), nullable=False),
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('created_at', _UTC, nullable=False),
        sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f(f'fk_{table}_clinic_id_clinics')),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{table}')),
    ]


def _staff(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ['staff.id'], name=op.f(f'fk_{table}_{column}_staff'))


def upgrade() -> None:
    op.create_table('rotas',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('role', sa.Enum('front_desk', 'nurse', 'injector', 'medical_director', 'admin', name='role', native_enum=False, create_constraint=True, length=24), nullable=True),
    sa.Column('location', sa.String(length=80), nullable=False),
    sa.Column('time_zone', sa.String(length=64), nullable=False),
    sa.Column('turn_days', sa.Integer(), nullable=False),
    sa.Column('handover', sa.String(length=5), nullable=False),
    sa.Column('start', sa.Date(), nullable=False),
    sa.Column('members', bot.db.base.Json, nullable=False),
    sa.Column('hours', bot.db.base.Json, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('ended_at', _UTC, nullable=True),
    *_owned('rotas'),
    )
    op.create_table('rota_overrides',
    sa.Column('rota_id', sa.String(length=32), nullable=False),
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('starts_at', _UTC, nullable=False),
    sa.Column('ends_at', _UTC, nullable=False),
    sa.Column('made_by_id', sa.String(length=32), nullable=True),
    sa.Column('cancelled_at', _UTC, nullable=True),
    *_owned('rota_overrides'),
    sa.ForeignKeyConstraint(['rota_id'], ['rotas.id'], name=op.f('fk_rota_overrides_rota_id_rotas')),
    _staff('rota_overrides', 'staff_id'),
    _staff('rota_overrides', 'made_by_id'),
    )
    op.create_table('closed_days',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    *_owned('closed_days'),
    sa.UniqueConstraint('clinic_id', 'day', name=op.f('uq_closed_days_clinic_id_day')),
    )
    op.create_table('calendar_feeds',
    sa.Column('staff_id', sa.String(length=32), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('everybody', sa.Boolean(), nullable=False),
    sa.Column('revoked_at', _UTC, nullable=True),
    *_owned('calendar_feeds'),
    _staff('calendar_feeds', 'staff_id'),
    sa.UniqueConstraint('token_hash', name=op.f('uq_calendar_feeds_token_hash')),
    )
    op.create_table('escalation_policies',
    sa.Column('tier', sa.String(length=4), nullable=False),
    sa.Column('plan', bot.db.base.Json, nullable=False),
    sa.Column('made_by_id', sa.String(length=32), nullable=True),
    *_owned('escalation_policies'),
    _staff('escalation_policies', 'made_by_id'),
    )
    for table in ('rotas', 'rota_overrides', 'closed_days', 'calendar_feeds', 'escalation_policies'):
        op.create_index(op.f(f'ix_{table}_clinic_id'), table, ['clinic_id'], unique=False)
    op.create_index(op.f('ix_rota_overrides_rota_id'), 'rota_overrides', ['rota_id'], unique=False)
    op.create_index(op.f('ix_calendar_feeds_staff_id'), 'calendar_feeds', ['staff_id'], unique=False)
    op.create_index('ix_alert_events_staff', 'alert_events', ['staff_id', 'created_at'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_alert_events_staff', 'alert_events')
    for table in ('escalation_policies', 'calendar_feeds', 'closed_days', 'rota_overrides', 'rotas'):
        op.drop_table(table)
