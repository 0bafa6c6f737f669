// Python with numpy and ecgedge, from the files beside this one: no package loader, no other server.
//
// The build (edge/phone/build) writes three packs, each a tar in gzip with the paths that Python looks at. They are
// unpacked before Python starts, so that it finds its library as files: a zip costs it three times as long.

import { noteFile, noteModules } from "./memory.js";
import { loadPyodide } from "./pyodide/pyodide.mjs";

const PACKS = ["python.pack", "numpy.pack", "ecgedge.pack"];
const BLOCK = 512; // of a tar
// Where a name, its length in bytes and the folder before it stand in a block of a tar (POSIX, ustar).
const [NAME, SIZE, PREFIX] = [[0, 100], [124, 12], [345, 155]];

/**
 * Start Python; `import ecgedge` works in what is returned, a Pyodide.
 *
 * onStep(name): "python" once the interpreter runs, "numpy" once that is imported.
 * fetchBytes(path): the bytes of one of the app's files; for tests, which have no server.
 * indexURL: the folder of Pyodide's files, for the same.
 * All else goes to loadPyodide, `stdout` for example.
 */
export async function loadPython({ onStep = () => {}, fetchBytes = fetched, indexURL, ...options } = {}) {
  noteModules();
  const packs = PACKS.map((name) => fetchBytes(name).then((bytes) => unpacked(name, bytes)));
  packs.forEach((pack) => pack.catch(() => {})); // told below, when it is waited for
  let broken = null;
  const pyodide = await loadPyodide({
    indexURL: indexURL ?? new URL("./pyodide/", import.meta.url).href,
    // As with `python -OO`: numpy's documentation is not in the pack, and numpy asks for it otherwise.
    env: { PYTHONOPTIMIZE: "2" },
    // Pyodide would go on without the files, and fail with words about its own insides.
    fsInit: async (files) => {
      try {
        while (packs.length) write(files, await packs.shift()); // kept by nobody: see memory.js
      } catch (error) {
        broken = error;
      }
    },
    ...options,
  }).catch((error) => {
    throw broken ?? error;
  });
  if (broken) throw broken;
  onStep("python");
  pyodide.runPython("import numpy");
  onStep("numpy");
  return pyodide;
}

async function fetched(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`${path} of the app could not be fetched: the server says ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

async function unpacked(name, bytes) {
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  try {
    return new Uint8Array(await new Response(plain).arrayBuffer());
  } catch {
    throw new Error(`${name} of the app is damaged: load this page again with internet.`);
  }
}

/** Put the files of a tar into Python's file system; their bytes stay where they are. */
function write(files, tar) {
  const folders = new Set();
  for (let at = 0; tar[at]; ) {
    const [prefix, size] = [text(tar, at, PREFIX), parseInt(text(tar, at, SIZE), 8)];
    const path = `/${prefix && `${prefix}/`}${text(tar, at, NAME)}`;
    const folder = path.slice(0, path.lastIndexOf("/"));
    if (!folders.has(folder)) files.mkdirTree(folder);
    folders.add(folder);
    files.writeFile(path, tar.subarray(at + BLOCK, at + BLOCK + size), { canOwn: true });
    noteFile(path);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function text(tar, at, [start, length]) {
  const field = tar.subarray(at + start, at + start + length);
  const end = field.indexOf(0);
  return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
}
