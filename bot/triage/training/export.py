"""Write the trained network as the files that are served: ONNX, tokenizer, heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from bot.triage.reader import artefact
from bot.triage.training.model import ReaderNet

if TYPE_CHECKING:
    import onnx
    from tokenizers import Tokenizer

_FREE = {0: "batch", 1: "token"}  #: the axes whose size is free
#: Heads that triage serves; the topic head is kept beside them for the dialogue.
SERVED = ("hidden", "tier", "flag", "probe", "topic")
#: Tables with fewer numbers stay as they are.
WORTH_PACKING = 10_000


class _Vectors(nn.Module):
    """The encoder with its mean, as one graph."""

    def __init__(self, net: ReaderNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.net.embed(ids, mask)


def export(net: ReaderNet, tokens: Tokenizer, home: Path) -> None:
    """Write encoder, tokenizer and heads of `net` into `home`.

    Weights are kept in eight bits and read as fp32 numbers: reckoning in eight bits as well would be faster,
    but loses 2 to 4 in 100 signs and makes a message's reading depend on what is read beside it.
    """
    import onnx

    home.mkdir(parents=True, exist_ok=True)
    net.eval()
    net.encoder.set_attn_implementation("eager")  # the plain form exports without control flow
    path = home / artefact.ENCODER
    example = torch.ones(2, 9, dtype=torch.long)
    torch.onnx.export(
        _Vectors(net), (example, example), str(path), input_names=["ids", "mask"], output_names=["vector"],
        dynamic_axes={"ids": _FREE, "mask": _FREE, "vector": {0: "batch"}},
        opset_version=14, dynamo=False,
    )  # fmt: skip
    onnx.save(_packed(onnx.load(path)), path)
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


def _packed(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` with its large tables in eight bits: one scale for each word, or each output of a layer."""
    from onnx import helper, numpy_helper

    graph = model.graph
    words = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    opened = []
    for table in list(graph.initializer):
        values = numpy_helper.to_array(table)
        if values.ndim != 2 or values.size < WORTH_PACKING:
            continue
        axis = 0 if table.name in words else 1
        scale = np.maximum(np.abs(values).max(axis=1 - axis, keepdims=True), 1e-9) / 127
        packed = np.round(values / scale).astype(np.int8)
        graph.initializer.remove(table)
        graph.initializer.extend(
            [
                numpy_helper.from_array(packed, f"{table.name}.packed"),
                numpy_helper.from_array(scale.ravel().astype(np.float32), f"{table.name}.scale"),
            ]
        )
        names = [f"{table.name}.packed", f"{table.name}.scale"]
        opened.append(helper.make_node("DequantizeLinear", names, [table.name], axis=axis))
    for node in reversed(opened):
        graph.node.insert(0, node)
    return model
