"""What a clinic's quarter looked like: counts and times, summed up by the database."""

from __future__ import annotations
