/** An event stream, read as it comes. */

/** Yields the JSON of every event. */
export async function* events(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const frames = rest.split(/\r\n\r\n|\n\n|\r\r/);
      rest = frames.pop();
      for (const frame of frames) {
        const lines = frame.split(/\r\n|\n|\r/).filter((line) => line.startsWith("data:"));
        if (lines.length) yield JSON.parse(lines.map((line) => line.slice(5)).join("\n"));
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {}); // so that the server need not go on
  }
}
