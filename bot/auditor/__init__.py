"""A separate periodic check that nothing is left undone, with a heartbeat that tells of its own death."""

from __future__ import annotations
