// Voices, dictionaries, recordings in other voices, and what a server keeps.

import assert from "node:assert/strict";
import { before, test } from "node:test";

import {
  BadRequestError,
  HEART,
  MALE,
  NotFoundError,
  RATE,
  RAW,
  SENTENCE,
  SPEECH,
  UNKNOWN,
  WAV,
  bytesOf,
  client,
  collect,
  toFile,
  wordsOf,
} from "./client.mjs";

const CHANGED = {
  "voice[id]": HEART,
  "output_format[container]": "raw",
  "output_format[encoding]": "pcm_s16le",
  "output_format[sample_rate]": RATE,
};
const isNewest = "listAccents" in client.voices;
let clip;

before(async () => {
  clip = await bytesOf(client.tts.generate({ ...SPEECH, voice: { id: MALE }, output_format: WAV }));
});

test("voices are paged to the end, chosen, and complete", async () => {
  const ids = (await collect(client.voices.list({ limit: 2 }))).map(({ id }) => id);
  const men = (await collect(client.voices.list({ gender: "masculine", is_owner: false }))).map(({ id }) => id);
  const found = await collect(client.voices.list({ q: HEART.slice(0, 13), expand: ["preview_file_url"] }));
  const voice = await client.voices.get(HEART, { expand: ["preview_file_url"] });

  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.includes(HEART) && ids.includes(MALE));
  assert.ok(men.includes(MALE) && !men.includes(HEART));
  assert.deepEqual(found.map(({ id }) => id), [HEART]);
  assert.deepEqual([voice.id, voice.language, voice.is_owner], [HEART, "en", false]);
  await assert.rejects(client.voices.get(UNKNOWN), NotFoundError);
});

test("a voice is cloned, spoken with, changed and deleted", async () => {
  const made = await client.voices.clone({
    clip: await toFile(clip, "clip.wav"),
    name: "Ann",
    language: "en",
    description: "Mine",
  });
  const sound = await bytesOf(client.tts.generate({ ...SPEECH, voice: { id: made.id } }));
  const changed = await client.voices.update(made.id, { name: "Bea", description: "Changed" });
  await client.voices.delete(made.id);

  assert.equal(made.name, "Ann");
  assert.ok(sound.length > RATE);
  assert.deepEqual([changed.id, changed.name, changed.description], [made.id, "Bea", "Changed"]);
  await assert.rejects(client.voices.get(made.id), NotFoundError);
});

test("a voice is localized", async () => {
  const made = await client.voices.localize({
    voice_id: HEART,
    name: "Copy",
    description: "Hers",
    ...(isNewest
      ? { accent: "general-american" }
      : { language: "en", dialect: "us", original_speaker_gender: "female" }),
  });
  const own = (await collect(client.voices.list({ is_owner: true }))).map(({ id }) => id);
  await client.voices.delete(made.id);

  assert.deepEqual([made.name, made.language], ["Copy", "en"]);
  assert.ok(own.includes(made.id));
});

test("accents are listed, added and removed", { skip: !isNewest && "since 4.2.0" }, async () => {
  const { id } = await client.voices.localize({ voice_id: HEART, name: "Copy", accent: "general-american" });
  const { accents } = await client.voices.listAccents();
  const added = await client.voices.addAccents(id, { accents: ["british"] });
  const removed = await client.voices.deleteAccent("british", { id });
  await client.voices.delete(id);

  assert.ok(accents.some((accent) => accent.id === "british"));
  assert.deepEqual(added.locales.map(({ locale }) => locale), ["en-US", "en-GB"]);
  assert.deepEqual(removed.locales.map(({ locale }) => locale), ["en-US"]);
});

test("a recording is said in another voice, as bytes and as events", async () => {
  const asked = async () => ({ clip: await toFile(clip, "clip.wav"), ...CHANGED });

  const sound = await bytesOf(client.voiceChanger.generate(await asked()));
  const events = await collect(client.voiceChanger.generateSSE(await asked()));
  const old = await bytesOf(client.voiceChanger.changeVoiceBytes(await asked()));
  const response = await client.voiceChanger.changeVoiceSse(await asked()).asResponse();
  const heard = await client.stt.transcribe({
    file: await toFile(sound, "a.raw"),
    model: "ink-whisper",
    encoding: "pcm_s16le",
    sample_rate: RATE,
  });

  assert.deepEqual(wordsOf(heard.text), wordsOf(SENTENCE));
  assert.deepEqual(Buffer.concat(events.slice(0, -1).map(({ data }) => Buffer.from(data, "base64"))), sound);
  assert.equal(events.at(-1).done, true);
  assert.deepEqual(old, sound);
  assert.match(await response.text(), /"done":true/);
});

test("a dictionary is made, heard, changed and deleted", async () => {
  const dictionaries = client.pronunciationDicts;
  const made = await dictionaries.create({ name: "Stations", items: [{ text: "Boston", alias: "Austin" }] });
  const speak = async (id) => bytesOf(client.tts.generate({ ...SPEECH, pronunciation_dict_id: id }));
  const plain = await bytesOf(client.tts.generate(SPEECH));

  assert.notDeepEqual(await speak(made.id), plain);
  assert.equal((await dictionaries.update(made.id, { name: "Places", items: [] })).name, "Places");
  assert.deepEqual(await speak(made.id), plain);
  assert.deepEqual((await dictionaries.retrieve(made.id)).items, []);
  assert.ok((await collect(dictionaries.list({ limit: 1 }))).some(({ id }) => id === made.id));
  await dictionaries.delete(made.id);
  await assert.rejects(dictionaries.retrieve(made.id), NotFoundError);
  await assert.rejects(dictionaries.create({ name: "x", items: [{ text: "", alias: "y" }] }), BadRequestError);
});

test("a data set keeps its files", async () => {
  const made = await client.datasets.create({ name: "Talks", description: "Mine" });
  await client.datasets.files.upload(made.id, { file: await toFile(clip, "a.wav"), purpose: "fine_tune" });
  const [file, ...others] = await collect(client.datasets.files.list(made.id));
  await client.datasets.files.delete(file.id, { id: made.id });
  await client.datasets.update(made.id, { name: "Speeches", description: "Ours" });

  assert.deepEqual([file.filename, file.size, others], ["a.wav", clip.length, []]);
  assert.deepEqual(await collect(client.datasets.files.list(made.id)), []);
  assert.equal((await client.datasets.retrieve(made.id)).name, "Speeches");
  assert.ok((await collect(client.datasets.list())).some(({ id }) => id === made.id));

  await assert.rejects(
    client.fineTunes.create({
      name: "x",
      description: "y",
      language: "en",
      model_id: "sonic-3-2026-01-12",
      dataset: made.id,
    }),
    { status: 501 },
  );
  await client.datasets.delete(made.id);
  await assert.rejects(client.datasets.retrieve(made.id), NotFoundError);
});

test("there are no fine-tunes and no agents, only metrics", async () => {
  const { agents, fineTunes } = client;
  const metric = await agents.metrics.create({ name: "politeness", prompt: "Was the agent polite?" });

  assert.deepEqual(await collect(fineTunes.list()), []);
  assert.deepEqual((await agents.list()).summaries, []);
  assert.deepEqual((await agents.listTemplates()).templates, []);
  assert.deepEqual(await collect(agents.calls.list({ agent_id: UNKNOWN })), []);
  assert.equal((await agents.metrics.retrieve(metric.id)).name, "politeness");
  assert.ok((await agents.metrics.list({ limit: 100 })).data.some(({ id }) => id === metric.id));
  assert.deepEqual(await collect(agents.metrics.results.list()), []);
  assert.match(await agents.metrics.results.export(), /agentId/);
  for (const call of [
    () => fineTunes.retrieve(UNKNOWN),
    () => fineTunes.delete(UNKNOWN),
    () => collect(fineTunes.listVoices(UNKNOWN)),
    () => agents.retrieve(UNKNOWN),
    () => agents.update(UNKNOWN, { name: "x" }),
    () => agents.delete(UNKNOWN),
    () => agents.listPhoneNumbers(UNKNOWN),
    () => agents.calls.retrieve(UNKNOWN),
    () => agents.calls.downloadAudio(UNKNOWN),
    () => agents.deployments.list(UNKNOWN),
    () => agents.deployments.retrieve(UNKNOWN),
    () => agents.metrics.addToAgent(metric.id, { agent_id: UNKNOWN }),
    () => agents.metrics.removeFromAgent(metric.id, { agent_id: UNKNOWN }),
  ]) {
    await assert.rejects(call, NotFoundError, String(call));
  }
});
