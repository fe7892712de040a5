/** A recording in, text out. */

import { Refusal, request } from "./server.js";

export const MODEL = "ink-whisper";

/** Returns what is said in a file, as the API says it: `text`, `duration`, and `words` with their times. */
export async function transcribe(file, signal) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Refusal("The file cannot be read", `${file.name} is a folder, or is not there any more.`);
  }
  const form = new FormData();
  form.append("file", file);
  form.append("model", MODEL);
  form.append("timestamp_granularities[]", "word");
  return (await request("stt", { body: form, signal })).json();
}
