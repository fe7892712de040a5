// Speech in, text out: recordings, and both sockets.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { before, test } from "node:test";

import {
  BadRequestError,
  RATE,
  SENTENCE,
  SPEECH,
  WAV,
  assertInTime,
  bytesOf,
  client,
  toFile,
  wordsOf,
} from "./client.mjs";

const SECOND = "Please close the window.";
const SOUND = { encoding: "pcm_s16le", sample_rate: RATE };
let talk;

before(async () => {
  const sentences = [SENTENCE, SECOND].map(async (transcript) =>
    Buffer.concat([await bytesOf(client.tts.generate({ ...SPEECH, transcript })), Buffer.alloc(2 * RATE)]),
  );
  talk = await Promise.all(sentences);
});

// Sends sound in frames of 100 ms.
function play(socket, sound) {
  for (let start = 0; start < sound.length; start += RATE / 5) {
    socket.sendRaw(sound.subarray(start, start + RATE / 5));
  }
}

// Returns the messages of a socket until it closes.
async function messagesOf(socket) {
  const found = [];
  for await (const event of socket.stream()) {
    if (event.type === "error") throw event.error;
    if (event.type === "message") found.push(event.message);
    if (event.type === "close") assert.equal(event.code, 1000);
  }
  return found;
}

test("a recording is transcribed with its words", async () => {
  const clip = await bytesOf(client.tts.generate({ ...SPEECH, output_format: WAV }));

  const answer = await client.stt.transcribe({
    file: await toFile(clip, "talk.wav"),
    model: "ink-whisper",
    language: "en",
    timestamp_granularities: ["word"],
  });

  assert.equal(answer.type, "transcript");
  assert.deepEqual(wordsOf(answer.text), wordsOf(SENTENCE));
  assert.deepEqual(wordsOf(answer.words.map(({ word }) => word).join(" ")), wordsOf(SENTENCE));
  assertInTime(answer.words.map(({ word, start, end }) => [word, start, end]), answer.duration);
});

test("samples without a header are transcribed, an empty file is refused", async () => {
  const answer = await client.stt.transcribe({
    file: await toFile(talk[1], "talk.raw"),
    model: "ink-whisper",
    ...SOUND,
  });

  assert.deepEqual(wordsOf(answer.text), wordsOf(SECOND));
  assert.equal(answer.words, undefined);
  await assert.rejects(
    async () => client.stt.transcribe({ file: await toFile(Buffer.alloc(0), "a.wav"), model: "ink-whisper" }),
    BadRequestError,
  );
});

test("each finalize is answered and the text is whole", async () => {
  const socket = client.stt.manualFinalize.websocket({ ...SOUND, model: "ink-whisper", language: "en" });
  for (const sound of talk) {
    play(socket, sound);
    socket.send("finalize");
  }
  socket.send("close");
  const messages = await messagesOf(socket);

  const text = messages.filter(({ type, is_final }) => type === "transcript" && is_final).map((each) => each.text);
  assert.deepEqual(wordsOf(text.join("")), wordsOf(`${SENTENCE} ${SECOND}`));
  assert.deepEqual(
    messages.map(({ type }) => type).filter((type) => type !== "transcript"),
    ["flush_done", "flush_done", "done"],
  );
});

test("turns come in their order", async () => {
  const socket = client.stt.autoFinalize.websocket({ ...SOUND, model: "ink-2", turn_end_timeout_ms: 700 });
  play(socket, Buffer.concat(talk));
  socket.send({ type: "close" });
  const messages = await messagesOf(socket);

  const kinds = messages.map(({ type }) => type);
  assert.equal(kinds[0], "connected");
  assert.deepEqual(
    kinds.filter((kind) => kind === "turn.start" || kind === "turn.end"),
    ["turn.start", "turn.end", "turn.start", "turn.end"],
  );
  assert.deepEqual(
    messages.filter(({ type }) => type === "turn.end").map(({ transcript }) => wordsOf(transcript)),
    [wordsOf(SENTENCE), wordsOf(SECOND)],
  );
});

test("as in a browser, where the key and the version are in the query", async () => {
  globalThis.WebSocket ??= createRequire(import.meta.url)("ws").WebSocket;
  const { Cartesia } = await import(process.env.CLIENT); // the half that a browser loads
  const socket = new Cartesia({ apiKey: "sk_car_any" }).stt.autoFinalize.websocket({ ...SOUND, model: "ink-2" });
  play(socket, talk[1]);
  socket.send({ type: "close" });
  const messages = await messagesOf(socket);

  assert.match(String(socket.url), /\/stt\/turns\/websocket\?/);
  assert.deepEqual(wordsOf(messages.at(-1).transcript), wordsOf(SECOND));
});
