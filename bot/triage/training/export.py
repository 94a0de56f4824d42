"""Write the trained network as the files that are served: ONNX, tokenizer, heads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
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
BLOCK = 32  #: numbers that share a scale
_MICROSOFT = "com.microsoft"

Floats = NDArray[np.float32]
#: Nodes that take the place of one, and the tables that they read.
Replaced = tuple[list["onnx.NodeProto"], dict[str, NDArray[np.generic]]]


class _Vectors(nn.Module):
    """The encoder with its mean, as one graph."""

    def __init__(self, net: ReaderNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.net.embed(ids, mask)


def export(net: ReaderNet, tokens: Tokenizer, home: Path) -> None:
    """Write encoder, tokenizer and heads of `net` into `home`.

    Weights are kept and multiplied in eight bits with a scale for each 32 numbers. One scale for a whole
    table was tried: it loses 2 to 4 in 100 signs.
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
    """`model` with its large tables in eight bits, in the file and in memory."""
    from onnx import helper, numpy_helper

    graph = model.graph
    tables = {table.name: table for table in graph.initializer}
    for node in list(graph.node):
        name = next((name for name in node.input[:2] if name in tables), None)
        if node.op_type not in ("Gather", "MatMul") or name is None:
            continue
        values = numpy_helper.to_array(tables[name])
        if values.ndim != 2 or values.size < WORTH_PACKING:
            continue
        graph.initializer.remove(tables.pop(name))
        put = _look_up if node.op_type == "Gather" else _multiply
        at = list(graph.node).index(node)
        graph.node.remove(node)
        nodes, packed = put(node, name, values)
        graph.initializer.extend(numpy_helper.from_array(part, key) for key, part in packed.items())
        for new in reversed(nodes):
            graph.node.insert(at, new)
    model.opset_import.append(helper.make_opsetid(_MICROSOFT, 1))
    return model


def _multiply(node: onnx.NodeProto, name: str, values: Floats) -> Replaced:
    """The product with a table in eight bits. Each run of `BLOCK` numbers has a scale of its own, on either
    side, so that a message's reading does not depend on what is read beside it."""
    from onnx import helper

    inner, outer = values.shape
    blocks = values.T.reshape(outer, inner // BLOCK, BLOCK)
    scale = np.maximum(np.abs(blocks).max(axis=-1, keepdims=True), 1e-9) / 127
    packed = {
        f"{name}.packed": (np.round(blocks / scale) + 128).astype(np.uint8),
        f"{name}.scale": scale.astype(np.float32).reshape(outer, -1),
    }
    product = helper.make_node(
        "MatMulNBits",
        [node.input[0], *packed],
        [node.output[0]],
        domain=_MICROSOFT,
        K=inner,
        N=outer,
        bits=8,
        block_size=BLOCK,
        accuracy_level=4,  # reckons in eight bits; lower levels open the table first and take 5 times as long
    )
    return [product], packed


def _look_up(node: onnx.NodeProto, name: str, values: Floats) -> Replaced:
    """Rows of a table in eight bits with a scale for each: only the rows of a message's words are opened."""
    from onnx import TensorProto, helper

    ids, found = node.input[1], node.output[0]
    scale = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-9) / 127
    packed = {
        f"{name}.packed": np.round(values / scale).astype(np.int8),
        f"{name}.scale": scale.astype(np.float32),
    }
    nodes = [
        helper.make_node("Gather", [f"{name}.packed", ids], [f"{found}.packed"], axis=0),
        helper.make_node("Cast", [f"{found}.packed"], [f"{found}.open"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [f"{name}.scale", ids], [f"{found}.scale"], axis=0),
        helper.make_node("Mul", [f"{found}.open", f"{found}.scale"], [found]),
    ]
    return nodes, packed
