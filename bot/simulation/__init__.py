"""Plays scripted patients against the real system, with the clock moved: a demo and an end-to-end test."""

from __future__ import annotations
