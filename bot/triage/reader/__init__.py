"""The trained reader: a small multilingual encoder and character n-grams, calibrated together with the rules'
votes. It needs numpy, onnxruntime and tokenizers; it is trained by `bot.triage.training`.
"""

from __future__ import annotations

from bot.triage.reader.reader import Reader, ReaderUnavailable, Reading, served, unavailable

__all__ = ["Reader", "ReaderUnavailable", "Reading", "served", "unavailable"]
