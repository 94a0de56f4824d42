"""which notifications one step of an alert wrote

Revision: 0018
Follows: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('notifications') as batch:
        batch.add_column(sa.Column('round_id', sa.String(length=32), nullable=True))
        batch.create_index(op.f('ix_notifications_round_id'), ['round_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('notifications') as batch:
        batch.drop_index(op.f('ix_notifications_round_id'))
        batch.drop_column('round_id')
