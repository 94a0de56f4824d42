"""Work that survives a crash: dialogue turns, deliveries, escalation steps, check-ins.

Facts first: a row is committed before any of this starts. One sweeper finds rows that are due and hands each
to a durable queue under an id made from the row, so starting something twice starts it once. What a crash
left behind is found by the same sweep that finds new work.
"""

from __future__ import annotations
