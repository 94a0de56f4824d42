"""Write the trained network as the files that are served: int8 ONNX, tokenizer, heads."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from bot.triage.reader import artefact
from bot.triage.training.model import ReaderNet

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FREE = {0: "batch", 1: "token"}  #: the axes whose size is free
#: Heads that triage serves; the topic head is kept beside them for the dialogue.
SERVED = ("hidden", "tier", "flag", "probe", "topic")


class _Vectors(nn.Module):
    """The encoder with its mean, as one graph."""

    def __init__(self, net: ReaderNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.net.embed(ids, mask)


def export(net: ReaderNet, tokens: Tokenizer, home: Path) -> None:
    """Write encoder, tokenizer and heads of `net` into `home`.

    Weights are 8-bit for each output channel, in the reduced range that AVX2 adds up without overflow.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    home.mkdir(parents=True, exist_ok=True)
    net.eval()
    net.encoder.set_attn_implementation("eager")  # the plain form is the one that quantises whole
    whole = home / "encoder-fp32.onnx"
    example = torch.ones(2, 9, dtype=torch.long)
    torch.onnx.export(
        _Vectors(net), (example, example), str(whole), input_names=["ids", "mask"], output_names=["vector"],
        dynamic_axes={"ids": _FREE, "mask": _FREE, "vector": {0: "batch"}},
        opset_version=14, dynamo=False,
    )  # fmt: skip
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(
        whole, home / artefact.ENCODER, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": 1},
    )  # fmt: skip
    whole.unlink()
    tokens.save(str(home / artefact.TOKENS), pretty=False)
    state = net.state_dict()
    np.savez_compressed(
        home / artefact.HEADS,
        **{
            f"{name}.{part}": state[f"{name}.{part}"].numpy()
            for name in SERVED
            for part in ("weight", "bias")
        },
    )
