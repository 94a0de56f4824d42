"""A member of staff holds a conversation: the bot is silent, triage is not."""

from __future__ import annotations
