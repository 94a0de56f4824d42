"""The files that the reader is served from, and the check that they belong together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[3] / "models" / "triage-reader"
ENCODER, TOKENS, HEADS, CHARACTERS, NEIGHBOURS, DECISION = (
    "encoder.onnx", "tokenizer.json", "heads.npz", "characters.npz", "neighbours.npz", "decision.json",
)  # fmt: skip
PARTS = (ENCODER, TOKENS, HEADS, CHARACTERS, NEIGHBOURS, DECISION)
MANIFEST = "manifest.json"
FORMAT = 2  #: raised when a part changes its meaning, so that an old artefact is refused instead of misread


class ReaderUnavailable(RuntimeError):
    """The trained reader cannot be served; the message says why and what to do."""


def seal(home: Path, **facts: Any) -> str:
    """Write the manifest of the parts in `home` with `facts` about them. Returns the version."""
    sums = {part: _sum(home / part) for part in PARTS}
    version = hashlib.sha256("".join(sums[part] for part in PARTS).encode()).hexdigest()[:12]
    manifest = {"format": FORMAT, "version": version, "sha256": sums, **facts}
    (home / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return version


def check(home: Path = HOME) -> str:
    """The version of the artefact in `home`. Raises `ReaderUnavailable` when a part is missing or altered."""
    try:
        manifest = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ReaderUnavailable(
                f"the reader in {home.name} has format {manifest['format']}, this program reads {FORMAT}: "
                "run `make train-reader`"
            )
        for part, expected in manifest["sha256"].items():
            if _sum(home / part) != expected:
                raise ReaderUnavailable(
                    f"{home.name}/{part} is altered: restore it, or run `make train-reader`"
                )
        return str(manifest["version"])
    except FileNotFoundError as missing:
        name = Path(missing.filename).name
        raise ReaderUnavailable(
            f"{home.name}/{name} is missing: restore it, or run `make train-reader`"
        ) from missing
    except (KeyError, TypeError, ValueError) as broken:
        raise ReaderUnavailable(f"{home.name}/{MANIFEST} cannot be read ({broken}): restore it") from broken


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
