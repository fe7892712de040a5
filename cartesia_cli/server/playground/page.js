/** Puts the page together. */

import { Coding } from "./coding.js";
import { Listening } from "./listening.js";
import { find } from "./panels.js";
import { BASE, currentKey, request, server, setKey } from "./server.js";
import { Speaking } from "./speaking.js";

/** Milliseconds after the last sign of it that nothing is being dragged any more. */
const DROPPED = 150;

const coding = new Coding();
const listening = new Listening(coding, () => speaking.stop());
const speaking = new Speaking(coding, (file) => listening.transcribe(file));

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!event.repeat) speaking.speak();
  } else if (event.key === "Escape") {
    speaking.stop();
    listening.stop();
  }
});
if (navigator.platform.startsWith("Mac")) find("shortcut").textContent = "⌘ ⏎";

let dragging;
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dragging");
  clearTimeout(dragging);
  dragging = setTimeout(() => document.body.classList.remove("dragging"), DROPPED);
});
document.addEventListener("drop", (event) => {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  listening.transcribe(file);
});

server.addEventListener("needkey", () => {
  find("key-form").hidden = false;
  find("key-note").textContent = currentKey() ? "The server refuses this key." : "The server asks for a key.";
  find("key").focus();
});
find("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = find("key").value.trim();
  if (!/^[\x21-\x7e]+$/.test(key)) {
    find("key-note").textContent = "A key has no spaces, and no letters beyond A to Z.";
    return;
  }
  find("key").value = "";
  find("key-form").hidden = true;
  find("say").focus();
  setKey(key);
});

find("server").textContent = BASE;
request("")
  .then((answer) => answer.json())
  .then(({ version }) => (find("server").textContent = `API ${version} at ${BASE}`))
  .catch(() => find("server").classList.add("gone"));
