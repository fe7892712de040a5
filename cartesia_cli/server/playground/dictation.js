/** What is being said, as text that grows. */

import { openMicrophone } from "./microphone.js";
import { integer } from "./samples.js";
import { Refusal, brokenOff, request, socketAddress } from "./server.js";
import { MODEL } from "./transcriber.js";

/** Milliseconds that the server may be silent while the last words are awaited. */
const PATIENCE = 20_000;

/** One recording, from the microphone to its last word. */
export class Dictation {
  #microphone = null;
  #socket = null;
  #waiting = []; // for the socket to open
  #listener;
  #isStopping = false;
  #timer = 0;
  #settle = () => {};

  /** A listener is told `opened(rate)`, `heard(samples)`, `interim(text)` and `final(text, words)`. */
  constructor(listener) {
    this.#listener = listener;
  }

  /** Resolves when the last word is there. */
  async run() {
    try {
      this.#microphone = await openMicrophone((samples) => this.#take(samples), () => this.stop());
      if (this.#isStopping) return;
      const { rate } = this.#microphone;
      this.#listener.opened(rate);
      const query = { model: MODEL, language: "en", encoding: "pcm_s16le", sample_rate: rate };
      await this.#talk(new WebSocket(socketAddress("stt/websocket", query)));
    } finally {
      this.cancel();
    }
  }

  /** Ends the recording; what was said before is still understood. */
  async stop() {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#microphone?.close();
    this.#microphone = null;
    this.#send("close");
    this.#await();
  }

  /** Ends it at once. */
  cancel() {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    this.#microphone?.close();
    this.#microphone = null;
    if (this.#socket) this.#socket.onclose = null;
    this.#socket?.close();
    this.#settle();
  }

  #talk(socket) {
    this.#socket = socket;
    let hasOpened = false;
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
      socket.onopen = () => {
        hasOpened = true;
        for (const message of this.#waiting) socket.send(message);
      };
      socket.onmessage = ({ data }) => {
        if (this.#isStopping) this.#await();
        this.#understand(JSON.parse(data));
      };
      socket.onclose = async () => this.#settle(hasOpened ? brokenOff() : await whyRefused());
    });
  }

  #understand({ type, is_final, text, words = [], title, message }) {
    if (type === "done") this.#settle();
    else if (type === "error") this.#settle(new Refusal(title ?? "It broke off", message));
    else if (type === "transcript" && is_final) this.#listener.final(text, words);
    else if (type === "transcript") this.#listener.interim(text);
  }

  #take(samples) {
    if (!this.#microphone) return; // the listener does not know of it yet
    this.#listener.heard(samples);
    this.#send(Int16Array.from(samples, integer));
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message);
    else this.#waiting.push(message);
  }

  #await() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(brokenOff()), PATIENCE);
  }
}

/** Returns why there is no socket: a browser does not tell, but a request to the same engine does. */
async function whyRefused() {
  try {
    await request("stt", { body: new FormData() });
  } catch (refusal) {
    if (refusal.status !== 400) return refusal;
  }
  return new Refusal("No connection", "The server did not open a socket for the microphone.");
}
