"""figures where approved, and which product somebody asks about

Revision: 0009
Follows: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('clinics') as batch:
        batch.add_column(sa.Column('show_figures', sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table('conversations') as batch:
        batch.add_column(sa.Column('interest', sa.String(length=40), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('conversations') as batch:
        batch.drop_column('interest')
    with op.batch_alter_table('clinics') as batch:
        batch.drop_column('show_figures')
