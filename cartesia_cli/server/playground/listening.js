/** The panel that transcribes: a file, or what is being said. */

import { Deck, clock } from "./deck.js";
import { Dictation } from "./dictation.js";
import { copies, facts, fail, find, tell } from "./panels.js";
import { Recording } from "./recording.js";
import { Samples } from "./samples.js";
import { Refusal } from "./server.js";
import { transcribe } from "./transcriber.js";
import { Words } from "./words.js";

/** Seconds that the waveform of the microphone has room for, before it has to move together. */
const ROOM = 10;

/** Characters of the longest text that is read out when it is there. */
const READABLE = 300;

export class Listening {
  #panel = find("listen");
  #coding;
  #hush;
  #words = new Words(find("heard"), (start) => this.#deck.hear(start));
  #deck = new Deck(find("listen-deck"), "the recording", this.#words);
  #recording = null;
  #running = null; // ends the request under way
  #dictation = null;
  #text = "";

  /**
   * @param {Coding} coding
   * @param {() => void} hush silences the page, so that the microphone does not hear it
   */
  constructor(coding, hush) {
    this.#coding = coding;
    this.#hush = hush;
    find("file").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      if (file) this.transcribe(file);
      target.value = ""; // so that the same file can be chosen again
    });
    find("microphone").addEventListener("click", () => {
      if (this.#dictation) this.#dictation.stop();
      else this.#listen();
    });
    find("cancel").addEventListener("click", () => this.stop());
    copies(find("copy-text"), () => this.#text);
    copies(find("copy-times"), () => {
      const lines = this.#words.all.map(({ word, start, end }) => [start.toFixed(3), end.toFixed(3), word]);
      return lines.map((fields) => `${fields.join("\t")}\n`).join("");
    });
    this.#show();
    this.#deck.update();
  }

  /** Writes down what is said in a file. */
  async transcribe(file) {
    this.#begin(file.name);
    if (!file.size) {
      fail(this.#panel, new Refusal("Nothing to hear", `${file.name} is empty.`));
      return;
    }
    const { signal } = (this.#running = new AbortController());
    this.#load(new Recording(file));
    const start = performance.now();
    const passed = () => (performance.now() - start) / 1000;
    const tick = () => (find("progress").textContent = `Listening to ${file.name} … ${clock(passed())}`);
    const ticking = setInterval(tick, 100);
    tell(this.#panel, `Listening to ${file.name}.`);
    tick();
    this.#show();
    try {
      const { text, words = [], duration } = await transcribe(file, signal);
      facts({ "answer-after": `${passed().toFixed(2)} s`, "heard-length": duration ? clock(duration) : "" });
      this.#take(text, words);
      this.#conclude();
    } catch (error) {
      if (!signal.aborted) fail(this.#panel, error);
    }
    clearInterval(ticking);
    if (signal.aborted) return;
    this.#running = null;
    this.#show();
  }

  /** Ends what goes on: a file is given up, what was said is still understood. */
  stop() {
    this.#dictation?.stop();
    this.#running?.abort();
    this.#running = null;
    this.#deck.stop();
    this.#show();
  }

  async #listen() {
    this.#begin(null);
    this.#hush();
    let samples = null;
    const dictation = new Dictation({
      opened: (rate) => {
        samples = new Samples(rate);
        this.#deck.use(Object.assign(new EventTarget(), { samples, play() {}, pause() {} }), ROOM);
        tell(this.#panel, "Listening to the microphone.");
      },
      heard: (sound) => {
        samples.append(sound);
        find("progress").textContent = `Speak now … ${clock(samples.seconds)}`;
        this.#deck.update();
      },
      interim: (text) => this.#words.tail(text),
      final: (text, words) => {
        this.#words.tail("");
        this.#take(text, words);
        tell(this.#panel, text);
      },
    });
    this.#dictation = dictation;
    find("progress").textContent = "Waiting for the microphone …";
    this.#show();
    const failure = await dictation.run().catch((error) => error);
    if (this.#dictation !== dictation) return;
    this.#dictation = null;
    this.#words.tail("");
    fail(this.#panel, failure);
    if (samples?.length) {
      samples.isComplete = true;
      this.#load(new Recording(samples.wav(), samples));
      facts({ "heard-length": clock(samples.seconds) });
      if (!failure) this.#conclude();
    }
    this.#show();
  }

  /** Makes room for a file, or for the microphone. */
  #begin(file) {
    this.#dictation?.cancel();
    this.#dictation = null;
    this.#running?.abort();
    this.#running = null;
    this.#recording?.release();
    this.#load(null);
    this.#text = "";
    this.#words.show("");
    facts({ "heard-length": "", "answer-after": "", "heard-words": "" });
    fail(this.#panel);
    this.#coding.update("listening", { file });
    this.#coding.turnTo("listening");
    this.#show();
  }

  #load(recording) {
    this.#recording = recording;
    this.#deck.use(recording);
  }

  #take(text, words) {
    this.#text += text;
    this.#words.append(text);
    this.#words.add(words);
    this.#deck.update();
  }

  #conclude() {
    const count = this.#words.all.length;
    if (!this.#text.trim()) this.#words.show("Nobody speaks in it.");
    facts({ "heard-words": count || "" });
    tell(this.#panel, `${count} words. ${this.#text.length > READABLE ? "" : this.#text}`);
  }

  #show() {
    const [isLive, isBusy] = [this.#dictation !== null, this.#running !== null];
    this.#panel.dataset.active = isLive || isBusy;
    find("microphone").dataset.live = isLive;
    find("microphone").textContent = isLive ? "Stop listening" : "Use the microphone";
    find("cancel").hidden = !isBusy;
    if (!isLive && !isBusy) find("progress").textContent = "Drop a recording anywhere on this page";
    find("copy-text").disabled = !this.#text;
    find("copy-times").disabled = !this.#words.all.length;
  }
}
