"""What would the models take if the processor did nothing but multiply, as fast as it does that in large?

The question ``throughput`` runs it. The rate is that of a product of 8-bit matrices too large to be bound by
anything but arithmetic, in ONNX Runtime and on one thread: the very kernels that its convolutions use.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import processes

# 453 million multiply-adds, beside which the call costs nothing. The best of the runs counts, so that other
# work on the machine does not lower the rate.
SIDE, RUNS = 768, 15
Shapes = Mapping[str, list[int]]


def floors() -> dict[str, Any]:
    """Multiply-adds of the bundled models, the rate of this processor, and how long that takes at least."""
    from ecgedge.artefacts.folder import BUNDLED

    rate = rate_per_s()
    counted = {name: multiply_adds(BUNDLED / name / "model.onnx") for name in ("rhythm", "beat_classes")}
    models = {name: {"multiply_adds": n, "floor_ms": 1e3 * n / rate} for name, n in counted.items()}
    return {"multiply_adds_per_s": rate, "models": models}


def multiply_adds(path: Path) -> int:
    """Multiply-adds of one run of a quantized ONNX file: convolutions and matrix products."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    # A weight stands behind the node that makes it real.
    shapes |= {
        node.output[0]: shapes[node.input[0]]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in shapes
    }
    return sum(_of_node(node, shapes) for node in graph.node)


def _of_node(node: Any, shapes: Shapes) -> int:
    """Each output of a convolution is a sum over the weights of its channel; of a product, over its row."""
    if node.op_type == "Conv":
        return int(np.prod(shapes[node.output[0]]) * np.prod(shapes[node.input[1]][1:]))
    if node.op_type in ("Gemm", "MatMul"):
        return int(np.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1])
    return 0


def rate_per_s() -> float:
    """Multiply-adds a second of this processor: the best of some runs, since a floor is asked for."""
    from ecgedge.artefacts.backends.onnx import open_session

    session = open_session(_product().SerializeToString())
    left = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    took = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        session.run(None, {"left": left})
        took.append(time.perf_counter() - begun)
    return SIDE**3 / min(took)


def _product() -> Any:
    """A model that multiplies unsigned by signed 8-bit matrices, as the bundled ones do."""
    from onnx import TensorProto, helper, numpy_helper

    right = np.random.default_rng(1).integers(-127, 128, (SIDE, SIDE), np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["left", "right"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", TensorProto.UINT8, [SIDE, SIDE])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [SIDE, SIDE])],
        [numpy_helper.from_array(right, "right")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


if __name__ == "__main__":
    processes.serve({"floors": floors})
