// Runs a Python file in the built app's Python, without a browser.
//
// Usage: node run.mjs APP SCRIPT.py [ARGUMENT...]; prints what it prints, and ends with 1 where it fails. The script
// finds the folder that it was started in, under the same path.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [app, script, ...rest] = process.argv.slice(2);
// Pyodide looks for a package of Node's registry unless this is there.
globalThis.require = createRequire(import.meta.url);

const cpu = { begin: process.cpuUsage() };
const seconds = () => {
  const { user, system } = process.cpuUsage(cpu.begin);
  return (user + system) / 1e6;
};

try {
  const [{ loadPython }, { release }] = await Promise.all(
    ["python.js", "memory.js"].map((name) => import(pathToFileURL(resolve(app, name)))),
  );
  const pyodide = await loadPython({
    fetchBytes: (path) => readFile(resolve(app, path)),
    indexURL: resolve(app, "pyodide"),
    onStep: (name) => (cpu[name] = seconds()),
  });
  pyodide.FS.mkdirTree(process.cwd());
  pyodide.mountNodeFS(process.cwd(), process.cwd());
  // What a script may ask of the machine around it: CPU seconds, megabytes of WebAssembly's memory, and to give back
  // what the worker gives back once the models are loaded.
  pyodide.registerJsModule("node", {
    seconds, steps: () => JSON.stringify(cpu), heap_mb: () => pyodide._module.HEAP8.length / 2 ** 20,
    release: () => release(pyodide),
  });
  pyodide.globals.set("arguments", pyodide.toPy([script, ...rest]));
  pyodide.runPython(`import os, sys; sys.argv = arguments; os.chdir(${JSON.stringify(process.cwd())})`);
  await pyodide.runPythonAsync(await readFile(script, "utf8"), { filename: script });
} catch (error) {
  // Node would print a megabyte of source before the message.
  console.error(error.message);
  process.exit(1);
}
