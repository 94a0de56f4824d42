"""Afterglow: the counselling and aftercare desk of aesthetic-medicine clinics."""

from __future__ import annotations
