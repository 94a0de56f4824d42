"""audit log, second factors, one-time links, sessions that know their browser

Revision: 0012
Follows: 0011
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

import bot.db.base

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

MOMENT = bot.db.base.UtcDateTime(timezone=True)


def _owned(table: str) -> list[sa.Column[Any] | sa.Constraint]:
    """What every row of a clinic has."""
    return [
        sa.Column('clinic_id', sa.String(length=32), nullable=False),
        sa.Column('id', sa.String(length=32), nullable=False),
        sa.Column('created_at', MOMENT, nullable=False),
        sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f(f'fk_{table}_clinic_id_clinics')),
        sa.PrimaryKeyConstraint('id', name=op.f(f'pk_{table}')),
    ]


def _of_staff(table: str, *columns: sa.Column[Any], unique: bool = False) -> None:
    """A table of things that a member of staff has."""
    op.create_table(
        table,
        sa.Column('staff_id', sa.String(length=32), nullable=False),
        *columns,
        *_owned(table),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f(f'fk_{table}_staff_id_staff')),
        *([sa.UniqueConstraint('staff_id', name=op.f(f'uq_{table}_staff_id'))] if unique else []),
        *[sa.UniqueConstraint(c.name, name=op.f(f'uq_{table}_{c.name}')) for c in columns
          if c.name in ('code_hash', 'credential_id', 'token_hash')],
    )
    op.create_index(op.f(f'ix_{table}_clinic_id'), table, ['clinic_id'], unique=False)
    if not unique:
        op.create_index(op.f(f'ix_{table}_staff_id'), table, ['staff_id'], unique=False)


def upgrade() -> None:
    op.create_table('audit_heads',
    sa.Column('chain', sa.String(length=32), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('chain', name=op.f('pk_audit_heads'))
    )
    op.create_table('audit_entries',
    sa.Column('clinic_id', sa.String(length=32), nullable=True),
    sa.Column('chain', sa.String(length=32), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.Column('actor_kind', sa.String(length=16), nullable=False),
    sa.Column('actor_id', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=64), nullable=False),
    sa.Column('subject_kind', sa.String(length=24), nullable=False),
    sa.Column('subject_id', sa.String(length=80), nullable=False),
    sa.Column('detail', bot.db.base.Json, nullable=False),
    sa.Column('ip', sa.String(length=45), nullable=False),
    sa.Column('outcome', sa.String(length=24), nullable=False),
    sa.Column('previous_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['clinic_id'], ['clinics.id'], name=op.f('fk_audit_entries_clinic_id_clinics')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries')),
    sa.UniqueConstraint('chain', 'seq', name=op.f('uq_audit_entries_chain_seq'))
    )
    op.create_index('ix_audit_entries_subject', 'audit_entries', ['clinic_id', 'subject_id'], unique=False)
    _refuse_changes()

    _of_staff('totp_keys',
        sa.Column('secret', sa.String(length=64), nullable=False),
        sa.Column('confirmed_at', MOMENT, nullable=True),
        sa.Column('last_step', sa.Integer(), nullable=True),
        unique=True,
    )
    _of_staff('recovery_codes',
        sa.Column('code_hash', sa.String(length=64), nullable=False),
        sa.Column('used_at', MOMENT, nullable=True),
    )
    _of_staff('passkeys',
        sa.Column('credential_id', sa.Text(), nullable=False),
        sa.Column('public_key', sa.Text(), nullable=False),
        sa.Column('sign_count', sa.Integer(), nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('last_used_at', MOMENT, nullable=True),
    )
    _of_staff('reset_links',
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('expires_at', MOMENT, nullable=False),
        sa.Column('used_at', MOMENT, nullable=True),
    )
    op.create_table('sign_in_tickets',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('data', bot.db.base.Json, nullable=False),
    sa.Column('expires_at', MOMENT, nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sign_in_tickets')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sign_in_tickets_token_hash'))
    )
    op.create_table('sign_in_failures',
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('last_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_sign_in_failures'))
    )

    # Added in place, on SQLite too; the defaults stay for a process of the version before that still writes.
    op.add_column('clinics', sa.Column('second_factor_from', MOMENT, nullable=True))
    op.add_column('staff_sessions', sa.Column('last_seen_at', MOMENT, nullable=True))
    op.add_column('staff_sessions', sa.Column('verified', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column('staff_sessions', sa.Column('method', sa.String(length=16), server_default='password', nullable=False))
    op.add_column('staff_sessions', sa.Column('ip', sa.String(length=45), server_default='', nullable=False))
    op.add_column('staff_sessions', sa.Column('device', sa.String(length=80), server_default='', nullable=False))
    op.add_column('staff_sessions', sa.Column('challenge', sa.String(length=128), nullable=True))


def _refuse_changes() -> None:
    """The database itself keeps entries as they were written."""
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(
            "CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS $$ "
            "BEGIN RAISE EXCEPTION 'audit entries are never changed or deleted'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_stay()"
        )
        return
    for change in ('UPDATE', 'DELETE'):
        op.execute(
            f"CREATE TRIGGER audit_entries_stay_{change.lower()} BEFORE {change} ON audit_entries "
            "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed or deleted'); END"
        )


def downgrade() -> None:
    for column in ('challenge', 'device', 'ip', 'method', 'verified', 'last_seen_at'):
        op.drop_column('staff_sessions', column)
    op.drop_column('clinics', 'second_factor_from')
    for table in ('sign_in_failures', 'sign_in_tickets', 'reset_links', 'passkeys', 'recovery_codes', 'totp_keys'):
        op.drop_table(table)
    op.drop_table('audit_entries')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('DROP FUNCTION audit_entries_stay()')
    op.drop_table('audit_heads')
