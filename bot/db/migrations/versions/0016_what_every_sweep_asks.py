"""indexes for what every sweep asks: is a message unread, is a probe unanswered

Revision: 0016
Follows: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_messages_unread', 'messages', ['id'], unique=False,
                    sqlite_where=sa.text("direction = 'in' AND assessed IS 0"),
                    postgresql_where=sa.text("direction = 'in' AND assessed IS false"))
    op.create_index('ix_conversations_open_question', 'conversations', ['open_question', 'open_question_at'],
                    unique=False)


def downgrade() -> None:
    op.drop_index('ix_conversations_open_question', table_name='conversations')
    op.drop_index('ix_messages_unread', table_name='messages')
