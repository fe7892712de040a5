/** Text in; samples and words out, while they are made. */

import { events } from "./events.js";
import { Refusal, brokenOff, request } from "./server.js";

/** Hertz. */
export const RATE = 44100;

/** What every server of the API has; the built-in engine has one model. */
const MODEL = "sonic-latest";

/**
 * Returns the body of a request for `{text, voice, language, speed}`.
 * @param {object} format the API's `output_format`
 */
export function body({ text, voice, language, speed }, format) {
  return {
    model_id: MODEL,
    transcript: text,
    voice,
    ...(language !== "en" && { language }),
    output_format: format,
    ...(speed !== 1 && { generation_config: { speed } }),
  };
}

/** Yields `{begun}` with the first byte, then `{samples}` from -1 to 1 and `{words}` with their times. */
export async function* speak(asked, signal) {
  const format = { container: "raw", encoding: "pcm_f32le", sample_rate: RATE };
  const answer = await request("tts/sse", { json: { ...body(asked, format), add_timestamps: true }, signal });
  let begun = false;
  let rest = new Uint8Array();
  try {
    for await (const event of events(answer.body)) {
      if (!begun) yield { begun: true };
      begun = true;
      if (event.type === "chunk") {
        const bytes = joined(rest, decoded(event.data));
        const whole = bytes.length - (bytes.length % 4); // a chunk may end inside a sample
        rest = bytes.slice(whole);
        yield { samples: new Float32Array(bytes.buffer, 0, whole / 4) };
      } else if (event.type === "timestamps") {
        const { words, start, end } = event.word_timestamps;
        yield { words: words.map((word, i) => ({ word, start: start[i], end: end[i] })) };
      } else if (event.type === "error") {
        throw new Refusal(event.title ?? "The speech broke off", event.message ?? event.error);
      } else if (event.type === "done") {
        return;
      }
    }
  } catch (error) {
    throw error instanceof TypeError && !signal.aborted ? brokenOff() : error;
  }
  throw brokenOff(); // an end without `done`
}

/** Returns the whole as a file of another format, made anew by the server. */
export async function speakFile(asked, format) {
  const answer = await request("tts/bytes", { json: body(asked, format) });
  return answer.blob().catch(() => Promise.reject(brokenOff()));
}

function decoded(base64) {
  return Uint8Array.fromBase64?.(base64) ?? Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

function joined(first, second) {
  if (!first.length) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
