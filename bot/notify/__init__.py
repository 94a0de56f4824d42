"""How one person is paged: contact methods, what is sent by which of them, and what becomes of it."""

from __future__ import annotations
