/** The microphone's samples, as they come. */

import { Refusal } from "./server.js";

/** Hertz, where the browser can have the microphone at that rate. */
const RATE = 16000;

/** Milliseconds that the audio thread may take to hand over the last samples. */
const LAST = 500;

const REASONS = {
  NotAllowedError: "The browser does not let this page use it. Allow it beside the address, and try again.",
  NotFoundError: "There is none. Plug one in, and try again.",
  NotReadableError: "Another program has it. Close that, and try again.",
};

/**
 * Returns the microphone when it is open: its `rate` in hertz, and `close`, after which nothing is heard.
 * @param {(samples: Float32Array) => void} heard called ten times a second, with samples from -1 to 1
 * @param {() => void} lost called when it was unplugged or taken away
 */
export async function openMicrophone(heard, lost) {
  const stream = await openStream();
  const [track] = stream.getTracks();
  const [context, source] = openContext(stream);
  await context.audioWorklet.addModule(new URL("capture.js", import.meta.url));
  const capture = new AudioWorkletNode(context, "capture", { channelCount: 1, channelCountMode: "explicit" });
  let over;
  const isOver = new Promise((resolve) => (over = resolve));
  capture.port.onmessage = ({ data }) => (data ? heard(data) : over());
  source.connect(capture).connect(context.destination); // silence comes out, but it has to be asked for
  track.onended = lost;
  await context.resume();
  return {
    rate: context.sampleRate,
    async close() {
      capture.port.postMessage("end");
      setTimeout(over, LAST);
      await isOver;
      track.stop();
      context.close();
    },
  };
}

async function openStream() {
  if (!navigator.mediaDevices) {
    const here = `http://127.0.0.1:${location.port}`;
    throw new Refusal("No microphone", `Browsers lend it only with https, or at ${here}.`);
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  } catch (error) {
    throw new Refusal("No microphone", REASONS[error.name] ?? error.message);
  }
}

function openContext(stream) {
  const context = new AudioContext({ sampleRate: RATE });
  try {
    return [context, context.createMediaStreamSource(stream)];
  } catch {
    // Firefox takes a microphone at its own rate only.
    context.close();
    const another = new AudioContext();
    return [another, another.createMediaStreamSource(stream)];
  }
}
