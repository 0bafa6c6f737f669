// The INT8 networks as WebAssembly: the same logits as LiteRT and ONNX Runtime, bit for bit.
import { instance } from "./instance.mjs";

// The networks of models.wasm by their names, each a function from its inputs to its logits.
export async function loadModels(source) {
  const c = await instance(source);
  const names = Object.keys(c).filter((name) => name.endsWith("_inputs")).map((name) => name.slice(0, -"_inputs".length));
  return Object.fromEntries(names.map((name) => [name, network(c, name)]));
}

function network(c, name) {
  const inputs = c[`${name}_inputs`]();
  const outputs = c[`${name}_outputs`]();
  const run = (values) => {
    if (values.length !== inputs) throw new RangeError(`${name} takes ${inputs} values, not ${values.length}`);
    new Float32Array(c.memory.buffer, c.values(), inputs).set(values);
    c[`${name}_run`]();
    return new Float32Array(c.memory.buffer, c.logits(), outputs).slice();
  };
  return Object.assign(run, { inputs, outputs });
}
