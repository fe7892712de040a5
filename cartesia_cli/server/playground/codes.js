/** What is on the page as commands and programs that do the same. No I/O. */

import { RATE, body } from "./speech.js";
import { MODEL } from "./transcriber.js";

/** The files that can be made, by the ending of their names. */
export const FORMATS = {
  wav: { container: "wav", encoding: "pcm_s16le", sample_rate: RATE },
  mp3: { container: "mp3", sample_rate: RATE, bit_rate: 128000 },
  pcm: { container: "raw", encoding: "pcm_f32le", sample_rate: RATE },
};

/**
 * Speech, in each language, of what `speech.body` takes and of `{name, ending}`: the voice's and the file's.
 * A place is `{base, version, hasKey}`.
 */
export const SPEAKING = {
  cartesia(asked, { base }) {
    const text = quoted(asked.text);
    const isLikeOption = asked.text.startsWith("-");
    return command(
      isLikeOption ? "cartesia say" : `cartesia say ${text}`,
      `--voice ${quoted(asked.name)}${asked.speed === 1 ? "" : ` --speed ${asked.speed}`}`,
      asked.language !== "en" && `--language ${quoted(asked.language)}`,
      `--base-url ${quoted(base)}`,
      `-o speech.${asked.ending}`,
      isLikeOption && `-- ${text}`,
    );
  },
  curl(asked, place) {
    const json = JSON.stringify(body(asked, FORMATS[asked.ending]), null, 2);
    return command(
      ...curl(place, "tts/bytes"),
      "-H 'Content-Type: application/json'",
      `--data-raw ${quoted(json.replaceAll("\n", "\n  "))}`,
      `-o speech.${asked.ending}`,
    );
  },
  python(asked, place) {
    const fields = Object.entries(body(asked, FORMATS[asked.ending]));
    return `${client(place)}
speech = client.tts.generate(
${fields.map(([name, value]) => `    ${name}=${literal(value)},\n`).join("")})
speech.write_to_file("speech.${asked.ending}")`;
  },
};

/** Transcription, in each language, of `{file}`: its name, or null for the microphone. */
export const LISTENING = {
  cartesia({ file }, { base }) {
    const path = file?.startsWith("-") ? `./${file}` : file;
    const source = file === null ? "--live --mic" : `${quoted(path)} --words`;
    return command(`cartesia transcribe ${source}`, `--base-url ${quoted(base)}`);
  },
  curl({ file }, place) {
    const path = file ?? "talk.wav";
    const sent = command(
      ...curl(place, "stt"),
      `-F ${quoted(`file=@"${path.replaceAll(/[\\"]/g, "\\$&")}"`)}`,
      `-F model=${MODEL}`,
      "-F 'timestamp_granularities[]=word'",
    );
    const before = `# curl cannot listen to a microphone: record ten seconds, and send them.
arecord -d 10 -f S16_LE -r 16000 talk.wav
`;
    return file === null ? before + sent : sent;
  },
  python({ file }, place) {
    return file === null
      ? `# arecord -q -t raw -f S16_LE -r 16000 | python listen.py
${client(place, "sys", "threading")}
with client.stt.manual_finalize.websocket(
    model="${MODEL}", encoding="pcm_s16le", sample_rate=16000
) as socket:

    def send():
        while sound := sys.stdin.buffer.read1(3200):
            socket.send_raw(sound)
        socket.send("close")

    threading.Thread(target=send, daemon=True).start()
    for event in socket:
        if event.type == "transcript" and event.is_final:
            print(event.text, end="", flush=True)`
      : `${client(place)}
with open(${literal(file)}, "rb") as recording:
    transcript = client.stt.transcribe(
        file=recording, model="${MODEL}", timestamp_granularities=["word"]
    )
print(transcript.text)
for word in transcript.words or []:
    print(word.start, word.end, word.word)`;
  },
};

/** Returns a text as a single word of a POSIX shell. */
function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function command(...parts) {
  return parts.filter(Boolean).join(" \\\n  ");
}

function curl({ base, version, hasKey }, endpoint) {
  return [
    `curl -sS --fail-with-body ${quoted(`${base}/${endpoint}`)}`,
    hasKey && '-H "Authorization: Bearer $CARTESIA_API_KEY"',
    `-H 'Cartesia-Version: ${version}'`,
  ];
}

function client({ base, hasKey }, ...modules) {
  const imports = [...(hasKey ? ["os"] : []), ...modules].map((name) => `import ${name}\n`).join("");
  const key = hasKey ? 'os.environ["CARTESIA_API_KEY"]' : '"none"';
  return `${imports}${imports && "\n"}from cartesia import Cartesia

client = Cartesia(api_key=${key}, base_url=${literal(base)})`;
}

/** Returns a text, a number or an object of them as Python writes it; of the first two, JSON is the same. */
function literal(value) {
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, field]) => `"${name}": ${literal(field)}`).join(", ")}}`;
}
