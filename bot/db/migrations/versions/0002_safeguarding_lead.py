"""safeguarding lead

Revision: 0002
Follows: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


# Columns are added and dropped in place, on SQLite too: a batch would build the table anew, and other tables
# refer to both of these. The defaults stay, for a process of the version before that still writes.
def upgrade() -> None:
    op.add_column('staff', sa.Column('safeguarding_lead', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('alerts', sa.Column('psych', sa.Boolean(), server_default=sa.false(), nullable=False))
    _mark_crises()


def downgrade() -> None:
    op.drop_column('alerts', 'psych')
    op.drop_column('staff', 'safeguarding_lead')


def _mark_crises() -> None:
    """Alerts with a message that was assessed as a crisis."""
    alerts = sa.table('alerts', sa.column('id', sa.String), sa.column('psych', sa.Boolean))
    events = sa.table('alert_events', sa.column('alert_id'), sa.column('message_id'), sa.column('kind'))
    assessments = sa.table('assessments', sa.column('message_id'), sa.column('psych', sa.Boolean), sa.column('tier'))
    crises = (
        sa.select(events.c.alert_id)
        .join(assessments, assessments.c.message_id == events.c.message_id)
        .where(
            events.c.kind.in_(['opened', 'patient_wrote']),
            assessments.c.psych.is_(True),
            assessments.c.tier.in_(['T0', 'T1', 'T2']),
        )
    )
    op.execute(alerts.update().where(alerts.c.id.in_(crises)).values(psych=True))
