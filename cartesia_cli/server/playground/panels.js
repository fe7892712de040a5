/** What both panels say: facts, failures, and how things stand. */

import { Refusal } from "./server.js";

/** Returns an element of the page. */
export function find(id) {
  return document.getElementById(id);
}

/** Shows facts by their names; without a value, the name goes too. */
export function facts(values) {
  for (const [name, value] of Object.entries(values)) find(name).textContent = value;
}

/** Shows in a panel what went wrong; without a failure, takes away what stands there. */
export function fail(panel, failure) {
  const alert = panel.querySelector("[role=alert]");
  alert.textContent = "";
  if (!failure) return;
  const title = document.createElement("strong");
  title.textContent = failure instanceof Refusal ? failure.title : "This page has failed";
  alert.append(title, ` ${failure.message}`);
}

/** Tells those who do not see a panel how things stand. */
export function tell(panel, status) {
  panel.querySelector("[role=status]").textContent = status;
}

/** Lets a button copy a text. */
export function copies(button, text) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text())) ? "Copied" : "Not allowed";
    setTimeout(() => (button.textContent = label), 1600);
  });
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without https, and not on this machine, there is only the old way.
    const { activeElement } = document;
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    activeElement.focus();
    return done;
  }
}
