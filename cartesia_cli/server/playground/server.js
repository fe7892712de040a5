/** The server that this page came from: where it is, with which key, and what it says when it refuses. */

/** The version of the API that this page speaks. */
export const VERSION = "2026-08-14";

/** Where the API is, with its prefix, without a slash at the end. */
export const BASE = new URL(".", location.href).href.replace(/\/$/, "");

/** Tells `needkey` when a request was refused for want of a key, `key` when there is another one. */
export const server = new EventTarget();

const STORE = "cartesia-key";
const store = keptByBrowser();
let key = store?.getItem(STORE) ?? "";

/** What went wrong, in words for the page; the status is that of the answer. */
export class Refusal extends Error {
  constructor(title, message, status) {
    super(message);
    this.title = title;
    this.status = status;
  }
}

/** The key that requests carry; empty if there is none. */
export function currentKey() {
  return key;
}

/** Uses another key from now on, for as long as the tab is open. */
export function setKey(value) {
  key = value;
  store?.setItem(STORE, value);
  server.dispatchEvent(new Event("key"));
}

function keptByBrowser() {
  try {
    return sessionStorage;
  } catch {
    return null; // then the key lasts as long as the page does
  }
}

/**
 * Returns the answer to a request, if it is a good one.
 * @param {string} path below the API's address
 * @param {{json?: object, body?: FormData, signal?: AbortSignal}} [options]
 */
export async function request(path, { json, body = json && JSON.stringify(json), signal } = {}) {
  const headers = { Accept: "application/json, */*;q=0.5", "Cartesia-Version": VERSION };
  if (key) headers.Authorization = `Bearer ${key}`;
  if (json) headers["Content-Type"] = "application/json";
  const method = body ? "POST" : "GET";
  let answer;
  try {
    answer = await fetch(`${BASE}/${path}`, { method, headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal("No answer", `Nothing answers at ${BASE}. Is “cartesia serve” still running?`);
  }
  if (!answer.ok) throw await refusalOf(answer);
  return answer;
}

async function refusalOf(answer) {
  const { status } = answer;
  if (status === 401) server.dispatchEvent(new Event("needkey"));
  const text = await answer.text().catch(() => "");
  try {
    const { title, message } = JSON.parse(text);
    if (message) return new Refusal(title, message, status);
  } catch {
    // Not JSON: something between the page and the server has answered.
  }
  return new Refusal(`Status ${status}`, text.slice(0, 300) || answer.statusText, status);
}

/** What stands in the place of the rest of an answer. */
export function brokenOff() {
  return new Refusal("The connection broke off", "The server has gone in the middle of its answer.");
}

/** Returns the address of a socket. */
export function socketAddress(path, query) {
  const params = new URLSearchParams({ ...query, cartesia_version: VERSION });
  // A page cannot give a socket headers.
  if (key) params.set(key.startsWith("sk_") ? "api_key" : "access_token", key);
  return `${BASE.replace(/^http/, "ws")}/${path}?${params}`;
}

/** Returns every voice, whatever the size of the pages. */
export async function allVoices() {
  const voices = [];
  let page;
  do {
    const after = voices.length ? `&starting_after=${encodeURIComponent(voices.at(-1).id)}` : "";
    page = await (await request(`voices?limit=100${after}`)).json();
    voices.push(...page.data);
  } while (page.has_more && page.data.length);
  return voices;
}
