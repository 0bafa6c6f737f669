// Makes the app work without internet: all its files in one cache, checked against the list of the build.
//
// A version is taken as a whole. Its cache bears its name, is filled while the older version goes on, and is used
// once every file is there with the digest that the list says. A file that did not change is taken from the older
// cache. A download that breaks off goes on where it was.

import { FILES, VERSION } from "./files.js";

// Of this address: another folder of the same host may have an app of its own.
const OURS = `ecgedge ${self.registration.scope} `;
const CACHE = OURS + VERSION;
const DIGEST = "x-ecgedge-sha256";
const LANES = 4; // files at a time: most are small, and each takes a way to the server and back
const TELL_MS = 100;
// The page says so itself; said here it holds for the worker and on every host. Nothing goes to another machine.
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
  + "img-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
  + "frame-ancestors 'none'";
const KNOWN = new Set(FILES.map((file) => file.path));

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const path = known(event.request);
  if (path !== null) event.respondWith(answer(path, event.request));
});
self.addEventListener("message", ({ data }) => {
  if (data === "take over") self.skipWaiting();
  if (data === "claim") self.clients.claim();
});

async function install() {
  const all = FILES.reduce((sum, file) => sum + file.bytes, 0);
  let have = 0;
  const more = (bytes) => {
    have += bytes;
  };
  const telling = setInterval(() => tell({ type: "progress", bytes: have, of: all }), TELL_MS);
  try {
    const cache = await caches.open(CACHE);
    const files = FILES.values();
    const lane = async () => {
      for (const file of files) await keep(cache, file, more);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } catch (error) {
    const quota = error.name === "QuotaExceededError";
    await tell({ type: "failed", whole: quota, words: quota ? "the phone has no room to keep it." : error.message });
    throw error;
  } finally {
    clearInterval(telling);
  }
}

/** Have a file in the cache: it is there already, an older version has it too, or it is fetched. */
async function keep(cache, file, more) {
  if (await holds(cache, file)) return more(file.bytes);
  for (const name of (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE)) {
    const older = await caches.open(name);
    if (!(await holds(older, file))) continue;
    const response = await older.match(file.path);
    await put(cache, file, await response.arrayBuffer(), response);
    return more(file.bytes);
  }
  const response = await fetch(file.path, { cache: "no-cache" }).catch(() => null);
  if (!response) throw new Error(`${file.path} did not come: look whether this phone has internet.`);
  if (!response.ok) throw new Error(`${file.path} could not be fetched: the server says ${response.status}.`);
  const bytes = await read(response, more);
  const digest = hex(await crypto.subtle.digest("SHA-256", bytes));
  if (digest !== file.sha256) throw new Error(`${file.path} is not what the app's list of files says.`);
  await put(cache, file, bytes, response);
}

/** Keep a file with its type, and with this version's policy. */
function put(cache, { path, sha256 }, bytes, { headers: given }) {
  const type = given.get("content-type") ?? "application/octet-stream";
  const headers = { "content-type": type, "content-security-policy": POLICY, [DIGEST]: sha256 };
  return cache.put(path, new Response(bytes, { headers }));
}

async function holds(cache, file) {
  return (await cache.match(file.path))?.headers.get(DIGEST) === file.sha256;
}

/** All bytes of an answer; `more` hears of each piece. */
async function read(response, more) {
  const pieces = [];
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return await new Blob(pieces).arrayBuffer();
    pieces.push(value);
    more(value.length);
  }
}

async function activate() {
  for (const name of await caches.keys()) if (name.startsWith(OURS) && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

/** The name of one of our files, null for anything else. */
function known({ method, url }) {
  const [scope, asked] = [self.registration.scope, url.split(/[?#]/)[0]];
  if (method !== "GET" || !asked.startsWith(scope)) return null;
  const path = asked.slice(scope.length) || "index.html";
  return KNOWN.has(path) ? path : null;
}

async function answer(path, request) {
  const cache = await caches.open(CACHE);
  // Without it in the cache, which somebody may have emptied, the server may still be there.
  return (await cache.match(path)) ?? fetch(request);
}

async function tell(message) {
  for (const page of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    page.postMessage({ version: VERSION, ...message });
  }
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
