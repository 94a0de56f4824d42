"""Photos from patients: taken in, made safe, kept outside the database, shown to staff."""

from __future__ import annotations
