// A WebAssembly module of ours, instantiated: from its bytes, a Response or a promise of one.

// What the C library may ask for; nothing of it is needed.
const NOTHING = {
  wasi_snapshot_preview1: {
    fd_write: () => 8, fd_close: () => 8, fd_seek: () => 8, fd_fdstat_get: () => 8,
    proc_exit: (code) => { throw new Error(`the module ended with ${code}`); },
  },
  env: { emscripten_notify_memory_growth: () => {} },
};

export async function instance(source, imports = {}) {
  const given = await source;
  const bytes = given instanceof ArrayBuffer || ArrayBuffer.isView(given) ? given : await given.arrayBuffer();
  const made = (await WebAssembly.instantiate(bytes, { ...NOTHING, ...imports })).instance.exports;
  made._initialize?.();
  return made;
}
