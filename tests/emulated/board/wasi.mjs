// Runs a program for WASI on a file: node wasi.mjs PROGRAM SAMPLES
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [program, samples] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [program, samples], preopens: { "/": "/" }, returnOnExit: true });
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
