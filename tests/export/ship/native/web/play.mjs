// Plays cases of the golden vectors through ecg_core.wasm: node play.mjs WEB FOLDER...
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [web, ...folders] = process.argv.slice(2);
const { EcgEdge } = await import(pathToFileURL(`${web}/ecg_core.mjs`));
const edge = await EcgEdge.load(readFile(`${web}/ecg_core.wasm`));
const rows = async (path) => (await readFile(path, "utf8")).trim().split("\n");
const KINDS = { polar: "polar", ecgedge: "own" };

for (const folder of folders) {
  const about = JSON.parse(await readFile(`${folder}/about.json`, "utf8"));
  const core = edge.stream({ fs: about.fs, kind: KINDS[about.link], device: about.device });
  const found = [];
  let samples = 0;
  for (const line of await rows(`${folder}/frames.jsonl`)) {
    const frame = JSON.parse(line);
    if (frame.uuid !== about.data_uuid) continue;
    const said = core.receive(Uint8Array.from(Buffer.from(frame.hex, "hex")), frame.host_time_s);
    found.push(...said.lines);
    for (const block of said.blocks) samples += block.millivolt.length;
  }
  found.push(...core.finish().lines);
  core.close();
  const same = found.join("\n") === (await rows(`${folder}/events.jsonl`)).join("\n");
  console.log(`${about.device}: ${found.length} lines and ${samples} samples, ${same ? "the same" : "DIFFERENT"}`);
}

// Samples that were decoded elsewhere, in one piece that is longer than the room for them.
const raw = await readFile(`${folders[0]}/samples.f32`);
const all = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
const [whole, cut] = [edge.stream({ fs: 130, kind: "samples" }), edge.stream({ fs: 130, kind: "samples" })];
const one = [...whole.samples(all, 0).lines, ...whole.finish().lines];
const pieces = [];
for (let at = 0; at < all.length; at += 997) pieces.push(...cut.samples(all.subarray(at, at + 997)).lines);
pieces.push(...cut.finish().lines);
console.log(`samples: ${one.length > 500 && one.join() === pieces.join() ? "the same" : "DIFFERENT"}`);
console.log(`analysed: ${whole.samples(new Float32Array(3), -1, 90).analysed}`);
whole.close();
whole.close();
for (const attempt of [() => whole.finish(), () => edge.stream({ fs: 131 }), () => edge.stream({ fs: 130, kind: "x" })]) {
  try {
    attempt();
  } catch (error) {
    console.log(`${error.name}: ${error.message}`);
  }
}
