"""The one error of clinical content."""

from __future__ import annotations


class ContentError(ValueError):
    """Content that cannot be loaded or said. The message names the file or id and what to do."""
