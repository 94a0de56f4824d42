"""Measurements. Timings live here and in no test."""

from __future__ import annotations
