// Runs a network of models.wasm on windows: node networks.mjs WEB NAME WINDOWS LOGITS
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [web, name, windows, logits] = process.argv.slice(2);
const { loadModels } = await import(pathToFileURL(`${web}/models.mjs`));
const network = (await loadModels(readFile(`${web}/models.wasm`)))[name];
const raw = await readFile(windows);
const values = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
const out = [];
for (let at = 0; at < values.length; at += network.inputs) {
  out.push(Buffer.from(network(values.subarray(at, at + network.inputs)).buffer));
}
await writeFile(logits, Buffer.concat(out));
