// Text in, speech out: as bytes, as events, over a socket.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  BadRequestError,
  HEART,
  MALE,
  NotFoundError,
  PLAIN,
  RATE,
  RAW,
  SENTENCE,
  SPEECH,
  UNKNOWN,
  WAV,
  assertInTime,
  bytesOf,
  client,
  collect,
  sdk,
  soundOf,
  timedWords,
  toFile,
} from "./client.mjs";

const SETTINGS = { model_id: "sonic-3", voice: { id: HEART }, output_format: RAW, timeout: 20_000 };

test("the server says what it speaks", async () => {
  assert.deepEqual(await client.getStatus(), { ok: true, version: "2026-08-14" });
});

test("a WAV holds what raw sound is, an MP3 is smaller", async () => {
  const raw = await bytesOf(client.tts.generate(SPEECH));
  const wav = await bytesOf(client.tts.generate({ ...SPEECH, output_format: WAV }));
  const mp3 = await bytesOf(
    client.tts.generate({
      ...SPEECH,
      output_format: { container: "mp3", sample_rate: 44_100, bit_rate: 64_000 },
      save: true,
    }),
  );

  assert.ok(raw.length > RATE);
  assert.equal(wav.subarray(0, 4).toString(), "RIFF");
  assert.deepEqual(wav.subarray(44), raw);
  assert.ok(mp3.length > 1_000 && mp3.length < raw.length);
});

test("a saved answer names its file", async () => {
  const response = await client.tts.generate({ ...SPEECH, save: true });

  assert.ok(response.headers.get("cartesia-file-id"));
  await response.arrayBuffer();
});

test("speed and voice are obeyed", async () => {
  const plain = await bytesOf(client.tts.generate(SPEECH));
  const faster = await bytesOf(client.tts.generate({ ...SPEECH, generation_config: { speed: 1.5 } }));
  const other = await bytesOf(client.tts.generate({ ...SPEECH, voice: { id: MALE } }));

  assert.ok(faster.length < 0.75 * plain.length);
  assert.notDeepEqual(other, plain);
});

test("events carry the speech and its words", async () => {
  const events = await collect(
    client.tts.generateSSE({
      ...SPEECH,
      add_timestamps: true,
      add_phoneme_timestamps: true,
      context_id: "job-17",
    }),
  );

  const sound = soundOf(events);
  const words = timedWords(events);
  assert.deepEqual(sound, await bytesOf(client.tts.generate(SPEECH)));
  assert.deepEqual(words.map(([word]) => word), SENTENCE.split(" "));
  assertInTime(words, sound.length / (2 * RATE));
  assert.ok(events.some(({ type }) => type === "phoneme_timestamps"));
  assert.deepEqual([...new Set(events.map((event) => event.context_id))], ["job-17"]);
  assert.equal(events.at(-1).type, "done");
});

test("the old name of the events still asks for them", async () => {
  const response = await client.tts.generateSse(SPEECH).asResponse();

  assert.match(response.headers.get("content-type"), /^text\/event-stream/);
  assert.match(await response.text(), /^event: chunk\n/);
});

test("a gap is filled", async () => {
  const clip = await bytesOf(client.tts.generate({ ...SPEECH, output_format: WAV }));

  const sound = await bytesOf(
    client.tts.infill({
      left_audio: await toFile(clip, "left.wav"),
      right_audio: await toFile(clip, "right.wav"),
      model_id: "sonic-3",
      language: "en",
      transcript: "And then it rained.",
      voice_id: HEART,
      output_format: RAW,
    }),
  );

  assert.ok(sound.length > RATE && sound.length < 6 * RATE);
});

test("refusals are classes of the client", async () => {
  await assert.rejects(client.tts.generate({ ...SPEECH, voice: { id: UNKNOWN } }), NotFoundError);
  await assert.rejects(client.tts.generate({ ...SPEECH, transcript: "..." }), BadRequestError);
  await assert.rejects(client.tts.generateSSE({ ...SPEECH, language: "de" }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.status, 400);
    assert.match(error.message, /English/);
    return true;
  });
});

test("a socket that is given a plain connection speaks a text in pieces", async () => {
  const socket = await client.tts.websocket(PLAIN);
  const context = socket.context({ ...SETTINGS, add_timestamps: true });
  for (const word of SENTENCE.split(" ")) {
    await context.push({ transcript: word === "The" ? word : ` ${word}` });
  }
  await context.no_more_inputs();
  const events = await collect(context.receive());
  socket.close();

  assert.deepEqual(soundOf(events), await bytesOf(client.tts.generate(SPEECH)));
  assert.deepEqual(timedWords(events).map(([word]) => word), SENTENCE.split(" "));
  assert.equal(events.at(-1).type, "done");
});

test("a flush is answered, and contexts share a socket", async () => {
  const socket = await client.tts.websocket(PLAIN);
  const flushed = socket.context({ ...SETTINGS, contextId: "flushed" });
  const whole = socket.generate({ ...SPEECH, context_id: "whole" });
  await flushed.push({ transcript: "Good day", flush: true });
  await flushed.push({ transcript: " to you." });
  await flushed.no_more_inputs();
  const [events, others] = await Promise.all([collect(flushed.receive()), collect(whole)]);
  socket.close();

  assert.deepEqual(
    events.filter(({ type }) => type === "flush_done").map(({ flush_id }) => flush_id),
    [1],
  );
  assert.deepEqual(soundOf(others), await bytesOf(client.tts.generate(SPEECH)));
  assert.deepEqual([...new Set(others.map((event) => event.context_id))], ["whole"]);
});

test("a cancelled context makes way, an error ends its own", async () => {
  const socket = await client.tts.websocket(PLAIN);
  const errors = [];
  socket.on("error", (error) => errors.push(error));
  const long = socket.context(SETTINGS);
  await long.send({ transcript: `${SENTENCE} `.repeat(500), continue: true });
  for await (const event of long.receive()) {
    assert.equal(event.type, "chunk");
    break;
  }
  await long.cancel();
  const wrong = socket.context({ ...SETTINGS, voice: { id: UNKNOWN } });
  await wrong.push({ transcript: "Hello." });
  await assert.rejects(collect(wrong.receive()), sdk.CartesiaError);
  const next = socket.context(SETTINGS);
  const sound = soundOf(await collect(next.generate({ transcript: SENTENCE })));
  socket.close();

  assert.deepEqual(sound, await bytesOf(client.tts.generate(SPEECH)));
  assert.equal(errors.length, 1);
});

test("a token opens the socket too", async () => {
  const { token } = await client.accessToken.create({ expires_in: 60, grants: { tts: true } });
  const speaker = new sdk.Cartesia({ apiKey: null, token });
  const socket = await speaker.tts.websocket(PLAIN);
  const sound = soundOf(await collect(socket.generate(SPEECH)));
  socket.close();

  assert.deepEqual(sound, await bytesOf(client.tts.generate(SPEECH)));
});
