// Names that side modules ask for and Pyodide does not have: a link does not miss them, and a call would end in a trap.
//
// Usage: node unresolved.mjs pyodide.asm.wasm MODULE.so...

import { readFileSync } from "node:fs";

// What the loader gives each module for itself.
const LOADER = ["__stack_pointer", "__memory_base", "__table_base", "memory", "__indirect_function_table"];

const [main, ...modules] = process.argv.slice(2).map((path) => new WebAssembly.Module(readFileSync(path)));
const names = (list) => list.map(({ name }) => name);
const had = new Set([...LOADER, ...names(WebAssembly.Module.exports(main))]);
for (const module of modules) {
  const own = new Set(names(WebAssembly.Module.exports(module)));
  const missing = names(WebAssembly.Module.imports(module)).filter((name) => !had.has(name) && !own.has(name));
  if (missing.length) console.log(missing.join(" "));
}
