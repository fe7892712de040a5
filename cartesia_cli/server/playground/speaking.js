/** The panel that speaks. */

import { FORMATS } from "./codes.js";
import { Deck, clock } from "./deck.js";
import { facts, fail, find, tell } from "./panels.js";
import { Player } from "./player.js";
import { Samples } from "./samples.js";
import { Refusal, allVoices, server } from "./server.js";
import { RATE, speak, speakFile } from "./speech.js";
import { Words } from "./words.js";

/** Characters of a second of speech, about: how long the waveform will be, before that is known. */
const PACE = 15;

/** Milliseconds after which a browser that has samples and no sound will not have any. */
const SILENCE = 3000;

export class Speaking {
  #panel = find("speak");
  #text = find("text");
  #voice = find("voice");
  #speed = find("speed");
  #format = find("format");
  #coding;
  #player = new Player();
  #words = new Words(find("spoken"), (start) => this.#deck.hear(start));
  #deck = new Deck(find("speak-deck"), "what was spoken", this.#words);
  #voices = [];
  #running = null; // ends the request under way
  #whole = null; // what was spoken to its end: what was asked, and its samples

  /**
   * @param {Coding} coding
   * @param {(file: File) => void} forward hands on what was spoken
   */
  constructor(coding, forward) {
    this.#coding = coding;
    find("say").addEventListener("click", ({ detail }) => {
      if (detail < 2) this.speak(); // the second click of two means the same as the first
    });
    find("hush").addEventListener("click", () => this.stop());
    find("download").addEventListener("click", () => this.#save());
    find("forward").addEventListener("click", () => {
      forward(new File([this.#whole.samples.wav()], "speech.wav"));
    });
    this.#panel.addEventListener("input", () => this.#show());
    this.#player.addEventListener("change", () => this.#show());
    server.addEventListener("key", () => this.loadVoices());
    this.#show();
    this.loadVoices();
  }

  /** Fills the list of voices: one's own first, the others by language. */
  async loadVoices() {
    try {
      this.#voices = await allVoices();
      fail(this.#panel);
    } catch (error) {
      fail(this.#panel, error);
      return;
    }
    const chosen = this.#chosen ?? this.#voices[0];
    const groups = new Map(this.#voices.some((voice) => voice.is_owner) ? [["Made here", []]] : []);
    for (const voice of this.#voices) {
      const name = voice.is_owner ? "Made here" : languageName(voice.language);
      const label = voice.tagline ? `${voice.name} – ${voice.tagline}` : voice.name;
      groups.set(name, [...(groups.get(name) ?? []), new Option(label, voice.id)]);
    }
    this.#voice.replaceChildren(
      ...[...groups].map(([label, options]) => {
        const group = Object.assign(document.createElement("optgroup"), { label });
        group.append(...options);
        return group;
      }),
    );
    this.#voice.value = chosen?.id;
    this.#show();
  }

  /** Speaks what is in the field; what is being spoken already falls silent. */
  async speak() {
    this.stop();
    if (!this.#text.value.trim()) {
      fail(this.#panel, new Refusal("Nothing to say", "Write something first."));
      this.#text.focus();
      return;
    }
    const running = (this.#running = new AbortController());
    const samples = new Samples(RATE);
    this.#whole = null;
    this.#words.show(this.#text.value);
    this.#player.load(samples);
    this.#player.play(0); // now, for browsers let a page sound only where a click or a key asks for it
    this.#deck.use(this.#player, this.#text.value.length / PACE / this.#speed.value);
    this.#coding.turnTo("speaking");
    fail(this.#panel);
    tell(this.#panel, "Speaking.");
    try {
      if (!this.#chosen) await this.loadVoices();
      const asked = this.#asked;
      await this.#receive(asked, samples, running.signal);
      this.#whole = { asked, samples };
      tell(this.#panel, `Spoken: ${clock(samples.seconds)}.`);
    } catch (error) {
      if (!running.signal.aborted) fail(this.#panel, error);
    }
    samples.isComplete = true;
    if (running.signal.aborted) return;
    this.#running = null;
    this.#player.more();
    this.#show();
  }

  /** Falls silent, and asks for nothing more. */
  stop() {
    this.#running?.abort();
    this.#running = null;
    this.#player.pause();
    this.#show();
  }

  async #receive(asked, samples, signal) {
    const start = performance.now();
    const passed = () => performance.now() - start;
    facts({ "first-byte": "", "first-sound": "", length: "", "made-in": "" });
    for await (const part of speak(asked, signal)) {
      if (part.begun) facts({ "first-byte": `${Math.round(passed())} ms` });
      if (part.words) this.#words.add(part.words);
      if (part.samples) {
        if (!samples.length) this.#awaitSound(passed, signal);
        samples.append(part.samples);
        this.#player.more();
        facts({ length: clock(samples.seconds) });
      }
      this.#deck.update();
    }
    const seconds = passed() / 1000;
    facts({ "made-in": `${seconds.toFixed(2)} s, ${(samples.seconds / seconds).toFixed(1)}× real time` });
  }

  /** Notes when the first sample is heard, or that none will be. */
  #awaitSound(passed, signal) {
    const end = passed() + SILENCE;
    const look = setInterval(() => {
      if (this.#player.position > 0) facts({ "first-sound": `${Math.round(passed())} ms` });
      else if (passed() > end) fail(this.#panel, new Refusal("No sound", "The browser plays none here."));
      else if (this.#player.playing && !signal.aborted) return;
      clearInterval(look);
    }, 5);
  }

  get #chosen() {
    return this.#voices.find(({ id }) => id === this.#voice.value);
  }

  get #asked() {
    const { id = "", name = "", language } = this.#chosen ?? {};
    const isAlone = this.#voices.filter((voice) => voice.name === name).length === 1;
    return {
      text: this.#text.value,
      voice: id,
      name: isAlone && /^\w+$/.test(name) ? name : id,
      language: language?.slice(0, 2) || "en",
      speed: this.#speed.valueAsNumber,
      ending: this.#format.value,
    };
  }

  async #save() {
    const { asked, samples } = this.#whole;
    const ending = this.#format.value;
    try {
      const blob = ending === "wav" ? samples.wav() : await speakFile(asked, FORMATS[ending]);
      const href = URL.createObjectURL(blob);
      Object.assign(document.createElement("a"), { href, download: `speech.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
    } catch (error) {
      fail(this.#panel, error);
    }
  }

  /** Brings everything that depends on something else up to date. */
  #show() {
    const isActive = this.#running !== null || this.#player.playing;
    this.#panel.dataset.active = isActive;
    find("about").textContent = this.#chosen?.description ?? "";
    find("pace").textContent = `${this.#speed.valueAsNumber.toFixed(2)}×`;
    find("hush").ariaDisabled = !isActive;
    find("download").textContent = `Download ${this.#format.value.toUpperCase()}`;
    find("download").disabled = find("forward").disabled = !this.#whole;
    this.#coding.update("speaking", this.#asked);
  }
}

function languageName(code) {
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code);
  } catch {
    return "Other"; // not a code of a language
  }
}
