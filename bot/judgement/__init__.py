"""What staff say triage should have made of a message: labelled examples for review."""

from __future__ import annotations
