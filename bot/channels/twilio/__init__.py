"""Twilio: text messages in through signed webhooks, out through its Messages API."""

from __future__ import annotations
