// The radio: carries out what the link in the worker asks for, and hands on what comes. It knows no device and no
// byte.
//
// Web Bluetooth has one operation under way at a time: they wait for one another, in the order in which they were
// asked for. Values go to the worker in the order in which they came.

// What a characteristic can do, by the names that the link knows (those of bleak).
const PROPERTIES = {
  broadcast: "broadcast",
  read: "read",
  writeWithoutResponse: "write-without-response",
  write: "write",
  notify: "notify",
  indicate: "indicate",
  authenticatedSignedWrites: "authenticated-signed-writes",
  reliableWrite: "reliable-write",
  writableAuxiliaries: "writable-auxiliaries",
};

/** One device at a time: choose it, then do what is asked. */
export class Radio {
  #device = null;
  #characteristics = new Map();
  #listening = new Map(); // what listens to a characteristic, by its UUID
  #reading = new Map(); // values that came while a characteristic is read, by its UUID
  #last = Promise.resolve();

  /** @param {(message: object, transfer?: ArrayBuffer[]) => void} tell the worker */
  constructor(tell) {
    this.tell = tell;
    this.gone = () => this.#gone();
  }

  /**
   * Let a person choose a device; only a tap may lead to it.
   *
   * @param {object} options of `requestDevice`
   * @returns {Promise<string>} its name
   */
  async choose(options) {
    const device = await navigator.bluetooth.requestDevice(options);
    this.#device?.removeEventListener("gattserverdisconnected", this.gone);
    if (this.#device !== device) this.#device?.gatt.disconnect();
    this.#device = device;
    device.addEventListener("gattserverdisconnected", this.gone);
    return device.name ?? "";
  }

  /** Do what the link asks, and answer. */
  take({ ask, ...what }) {
    // It ends what is under way too: a connection that does not come about would be waited for without end.
    if (what.do === "disconnect") this.#device?.gatt.disconnect();
    const done = this.#last.then(() => this.#carryOut(what));
    this.#last = done.then(() => {}, () => {});
    done.then(
      (result) => this.tell({ answer: ask, result }, result instanceof Uint8Array ? [result.buffer] : []),
      ({ message, name }) => this.tell({ answer: ask, error: message, name }),
    );
  }

  #carryOut({ do: what, uuid, data, response }) {
    switch (what) {
      case "connect": return this.#connect();
      case "disconnect": return null;
      case "subscribe": return this.#subscribe(uuid);
      case "unsubscribe": return this.#unsubscribe(uuid);
      case "read": return this.#read(uuid);
      case "write": return this.#write(uuid, data, response);
      default: throw new TypeError(`this page cannot ${what}`);
    }
  }

  async #connect() {
    if (!this.#device) throw new DOMException("no device was chosen", "NotFoundError");
    this.#forget();
    const gatt = await this.#device.gatt.connect();
    const services = [];
    for (const service of await gatt.getPrimaryServices()) {
      // A service may have none, which is an error here.
      const found = await service.getCharacteristics().catch((error) => {
        if (error.name === "NotFoundError") return [];
        throw error;
      });
      for (const each of found) if (!this.#characteristics.has(each.uuid)) this.#characteristics.set(each.uuid, each);
      services.push({ uuid: service.uuid, characteristics: found.map(described) });
    }
    return services;
  }

  async #subscribe(uuid) {
    const characteristic = this.#find(uuid);
    if (!this.#listening.has(uuid)) {
      const listener = () => this.#value(uuid, copy(characteristic.value));
      this.#listening.set(uuid, () => characteristic.removeEventListener("characteristicvaluechanged", listener));
      characteristic.addEventListener("characteristicvaluechanged", listener);
    }
    try {
      await characteristic.startNotifications();
    } catch (error) {
      this.#unlisten(uuid);
      throw error;
    }
    return null;
  }

  async #unsubscribe(uuid) {
    await this.#find(uuid).stopNotifications();
    this.#unlisten(uuid);
    return null;
  }

  /** A value that is read comes as an event too, right before its promise is kept: it is no notification. */
  async #read(uuid) {
    const characteristic = this.#find(uuid);
    this.#reading.set(uuid, []);
    let value = null;
    try {
      value = copy(await characteristic.readValue());
      return value;
    } finally {
      const came = this.#reading.get(uuid) ?? [];
      this.#reading.delete(uuid);
      if (value && came.length && same(came.at(-1), value)) came.pop();
      for (const each of came) this.#value(uuid, each);
    }
  }

  async #write(uuid, data, response) {
    const characteristic = this.#find(uuid);
    await (response ? characteristic.writeValueWithResponse(data) : characteristic.writeValueWithoutResponse(data));
    return null;
  }

  #find(uuid) {
    const found = this.#characteristics.get(uuid);
    if (!found) throw new DOMException(`the device has no characteristic ${uuid}`, "NotFoundError");
    return found;
  }

  #value(uuid, data) {
    const held = this.#reading.get(uuid);
    if (held) held.push(data);
    else this.tell({ notified: uuid, data }, [data.buffer]);
  }

  #gone() {
    this.#forget();
    this.tell({ disconnected: true });
  }

  /** What was found in a connection is of no use in the next one. */
  #forget() {
    for (const uuid of [...this.#listening.keys()]) this.#unlisten(uuid);
    this.#characteristics.clear();
  }

  #unlisten(uuid) {
    this.#listening.get(uuid)?.();
    this.#listening.delete(uuid);
  }
}

function described({ uuid, properties }) {
  return { uuid, properties: Object.keys(PROPERTIES).filter((key) => properties[key]).map((key) => PROPERTIES[key]) };
}

/** Bytes of their own: the browser's may be a view of something larger. */
function copy(view) {
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

function same(one, other) {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
