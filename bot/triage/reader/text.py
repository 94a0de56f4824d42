"""A message as the trained reader sees it: same words, fewer ways to write them.

Training and serving both come through here, so that a message is never prepared in two ways.
"""

from __future__ import annotations

import re
import unicodedata

from bot.triage.normalise import ZERO_WIDTH, fold_lookalikes, shortened

_STRETCHED = re.compile(r"(.)\1{2,}", re.DOTALL)
_SPACE = re.compile(r"\s+")


def reader_text(text: str) -> str:
    """`text` in lower case, in compatibility form, without invisible signs, look-alike letters or stretched
    letters; accents and emoji stay, because they carry meaning. Never raises for any text.
    """
    text = shortened(text).encode("utf-8", "replace").decode("utf-8")  # halves of characters
    text = ZERO_WIDTH.sub("", text)
    text = fold_lookalikes(unicodedata.normalize("NFKC", text)).lower()
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("`", "'")
    return _SPACE.sub(" ", _STRETCHED.sub(r"\1\1", text)).strip()
