"""Pages that need no sign-in, and what all pages share."""

from __future__ import annotations
