// The client under test, which notes the methods that are called, and what the tests say and hear.
//
// CLIENT names the package; CARTESIA_BASE_URL, which the client reads itself, is the server.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import net from "node:net";

// Before Node 22 only its CommonJS half finds the package ws, without which it has no sockets.
export const sdk = createRequire(import.meta.url)(process.env.CLIENT);
export const { NotFoundError, BadRequestError, toFile } = sdk;

export const HEART = "7eef6874-fa50-566f-9102-5b6844916d4f";
export const MALE = "4de8f8f6-c905-5dee-9a6c-448664e46d82";
export const UNKNOWN = "11111111-2222-4333-8444-555555555555";
export const RATE = 16_000;
export const RAW = { container: "raw", encoding: "pcm_s16le", sample_rate: RATE };
export const WAV = { ...RAW, container: "wav" };
export const SENTENCE = "The train to Boston leaves at noon.";
export const SPEECH = { model_id: "sonic-3", transcript: SENTENCE, voice: { id: HEART }, output_format: RAW };

export const called = new Set();

function isResource(value) {
  return typeof value === "object" && value?._client !== undefined;
}

function recorded(part, path) {
  return new Proxy(part, {
    get(target, name) {
      const value = target[name];
      if (typeof name === "symbol" || name.startsWith("_")) return value;
      if (isResource(value)) return recorded(value, `${path}${name}.`);
      if (typeof value !== "function") return value;
      return (...args) => {
        called.add(`${path}${name}`);
        return value.apply(target, args);
      };
    },
  });
}

export function open(options = {}) {
  return recorded(new sdk.Cartesia({ apiKey: "sk_car_any", maxRetries: 0, timeout: 20_000, ...options }), "");
}

// The names of all methods of a resource and of the resources in it.
export function methodsOf(resource, path = "") {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(resource));
  const methods = own.filter((name) => name !== "constructor" && !name.startsWith("_")).map((name) => path + name);
  const parts = Object.entries(resource).filter(([name, value]) => !name.startsWith("_") && isResource(value));
  return [...methods, ...parts.flatMap(([name, part]) => methodsOf(part, `${path}${name}.`))];
}

export const client = open();

// The socket for speech is always opened as wss. In Node, options are handed on to the package ws, whose
// createConnection decides what is connected: here the plain server.
export const PLAIN = { createConnection: ({ host, port }) => net.connect({ host, port }) };

export async function bytesOf(response) {
  return Buffer.from(await (await response).arrayBuffer());
}

export async function collect(items) {
  const found = [];
  for await (const item of await items) found.push(item);
  return found;
}

export function soundOf(events) {
  return Buffer.concat(events.filter(({ type }) => type === "chunk").map(({ data }) => Buffer.from(data, "base64")));
}

export function wordsOf(text) {
  return text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
}

export function timedWords(events) {
  return events
    .filter(({ type }) => type === "timestamps")
    .flatMap(({ word_timestamps: { words, start, end } }) => words.map((word, i) => [word, start[i], end[i]]));
}

export function assertInTime(words, seconds) {
  const moments = words.flatMap(([, start, end]) => [start, end]);
  assert.deepEqual(moments, [...moments].sort((a, b) => a - b));
  assert.ok(moments[0] >= 0 && moments.at(-1) <= seconds + 0.01, `${moments} in ${seconds} s`);
}
