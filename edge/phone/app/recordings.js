// Files of recordings in the browser's own storage (OPFS): one is appended to and flushed, the others are read.
//
// What fails throws the browser's DOMException, whose name Python puts into words.

const FOLDER = "recordings";
const PIECE = 1 << 20; // copied at a time
const written = new Map(); // files that are open to be written, by name

async function folder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

/** A file that is open to be written: each piece is on the disk as a whole, or not at all. */
class Written {
  constructor(name, access) {
    Object.assign(this, { name, access, length: 0 });
    access.truncate(0);
    written.set(name, this);
  }

  /** @param data Python's bytes */
  append(data) {
    const bytes = data.toJs();
    try {
      if (this.access.write(bytes, { at: this.length }) < bytes.length) {
        throw new DOMException("the disk took only a part", "QuotaExceededError");
      }
      this.access.flush();
    } catch (error) {
      this.access.truncate(this.length);
      throw error;
    }
    this.length += bytes.length;
  }

  size() {
    return this.length;
  }

  read(at, n) {
    const bytes = new Uint8Array(Math.max(Math.min(n, this.length - at), 0));
    return bytes.subarray(0, this.access.read(bytes, { at }));
  }

  close() {
    written.delete(this.name);
    this.access.close();
  }

  /** All that is there now, as a file of its own. */
  file() {
    const pieces = [];
    for (let at = 0; at < this.length; at += PIECE) pieces.push(this.read(at, PIECE));
    return new File(pieces, this.name);
  }
}

/** A file that is open to be read, at once and where it is asked for. */
class Read {
  constructor(file) {
    Object.assign(this, { file, reader: new FileReaderSync() });
  }

  size() {
    return this.file.size;
  }

  read(at, n) {
    return new Uint8Array(this.reader.readAsArrayBuffer(this.file.slice(at, at + n)));
  }

  close() {}
}

async function fileOf(name) {
  const handle = await (await folder()).getFileHandle(name);
  return handle.getFile();
}

export const recordings = {
  /** Names and lengths, in JSON. */
  async names() {
    const found = [];
    for await (const [name, handle] of (await folder()).entries()) {
      if (handle.kind === "file") found.push([name, written.get(name)?.size() ?? (await handle.getFile()).size]);
    }
    return JSON.stringify(found);
  },

  async create(name) {
    const handle = await (await folder()).getFileHandle(name, { create: true });
    return new Written(name, await handle.createSyncAccessHandle());
  },

  async open(name) {
    return new Read(await fileOf(name));
  },

  async take(name) {
    return written.get(name)?.file() ?? fileOf(name);
  },

  /** Keep a file from elsewhere; the browser puts it into its place when all of it is there. */
  async put(name, file) {
    const handle = await (await folder()).getFileHandle(name, { create: true });
    if (handle.createWritable) return file.stream().pipeTo(await handle.createWritable());
    const access = await handle.createSyncAccessHandle(); // older WebKit has no other way
    try {
      for (let at = 0; at < file.size; at += PIECE) {
        access.write(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()), { at });
      }
    } finally {
      access.close();
    }
  },

  async remove(name) {
    await (await folder()).removeEntry(name);
  },
};
