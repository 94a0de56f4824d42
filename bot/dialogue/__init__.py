"""Rasa as a library: the dialogue runs inside this process, and its words come from approved content."""

from __future__ import annotations

import os

# Both are read when rasa is imported: it would try to reach the network, and tensorflow would talk on stderr.
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
