"""A carrier and phones that stand for the real ones, on this machine."""

from __future__ import annotations
