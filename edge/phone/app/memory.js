// What is left in JavaScript's memory when Python has started, and is never read again: a tenth of what the page takes.

const LARGE = 1 << 16; // in bytes: Pyodide makes hundreds of small modules itself
const IMPORTED = `
import json, sys
json.dumps([m.__file__ for m in [*sys.modules.values()] if getattr(m, "__file__", None)])
`;
const { Module } = WebAssembly;
const files = new Set(); // paths
const modules = []; // the bytes that modules in WebAssembly were made of

/** A file was put into Python's file system, as a part of a pack. */
export function noteFile(path) {
  files.add(path);
}

/** Note from now on what modules are made of: Emscripten's loader keeps the bytes of each for good. */
export function noteModules() {
  WebAssembly.Module = new Proxy(Module, {
    construct(made, [bytes, ...how]) {
      if (bytes.byteLength >= LARGE && bytes.byteLength === bytes.buffer?.byteLength) modules.push(bytes.buffer);
      return new made(bytes, ...how);
    },
  });
}

/**
 * Give back what was noted: what is imported is Python's own by now.
 *
 * Files that are still to be read get memory of their own, as each keeps the whole pack.
 */
export function release(pyodide) {
  for (const path of JSON.parse(pyodide.runPython(IMPORTED))) {
    if (files.delete(path)) pyodide.FS.unlink(path);
  }
  for (const path of files) {
    const { node } = pyodide.FS.lookupPath(path);
    node.contents = node.contents.slice(0, node.usedBytes);
  }
  files.clear();
  WebAssembly.Module = Module;
  for (const buffer of modules.splice(0)) buffer.transfer?.(0); // empties it; older browsers keep the memory
}
