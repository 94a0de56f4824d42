"""the auditor tells of times when nobody is on call

Revision: 0017
Follows: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

_KINDS = ('alert_step', 'not_assessed', 'not_answered', 'check_in', 'text', 'notification')


def _allow(*kinds: str) -> None:
    with op.batch_alter_table('auditor_incidents') as batch:
        batch.drop_constraint(op.f('ck_auditor_incidents_neglect'), type_='check')
        batch.create_check_constraint(op.f('ck_auditor_incidents_neglect'), sa.column('kind').in_(kinds))


def upgrade() -> None:
    _allow(*_KINDS, 'nobody_on_call')


def downgrade() -> None:
    op.execute("DELETE FROM auditor_incidents WHERE kind = 'nobody_on_call'")
    _allow(*_KINDS)
