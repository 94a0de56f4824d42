"""Rasa's custom actions: thin steps between the dialogue and Afterglow's services, one module per concern."""

from __future__ import annotations
