"""The web chat: signed sessions, messages in, a live stream out."""

from __future__ import annotations
