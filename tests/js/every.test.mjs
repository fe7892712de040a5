// Every method of the client, one file after the other in one process, so that the last test can count them.

import assert from "node:assert/strict";
import { test } from "node:test";

import "./speaking.mjs";
import "./listening.mjs";
import "./keeping.mjs";
import { called, methodsOf, sdk } from "./client.mjs";

test("every method of the client was called", () => {
  const resources = Object.entries(new sdk.Cartesia({ apiKey: "any" })).filter(([, value]) => value?._client);
  const methods = resources.flatMap(([name, resource]) => methodsOf(resource, `${name}.`));

  assert.ok(methods.length > 50);
  assert.deepEqual([...methods, "getStatus"].filter((name) => !called.has(name)), []);
});
