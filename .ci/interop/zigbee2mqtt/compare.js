// Compares two recordings: node compare.js OLD NEW. In each step the same messages
// must have come; their order counts as far as it is the order of one topic. What
// differs from run to run (times, addresses of machines) does not count.
"use strict";

const fs = require("node:fs");

const [old, fresh] = process.argv.slice(2).map((file) => JSON.parse(fs.readFileSync(file, "utf8")));

function plain(value, key) {
  if (["lastSeen", "permit_join_end", "node_version", "commit"].includes(key)) return "any";
  if (Array.isArray(value)) return value.map((v) => plain(v));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, k)]));
}

// said lists the messages of a step by topic. A message that repeats the one before it
// on its topic, as a device's second report of the same state does, counts once: how
// often it comes is a matter of time.
function said(step) {
  const by = new Map();
  for (const m of step.messages) {
    let payload = m.payload ?? JSON.stringify(plain(m.json));
    if (m.same) payload = "same";
    try { if (m.payload) payload = JSON.stringify(plain(JSON.parse(m.payload))); } catch { /* not JSON */ }
    const line = `${m.retain ? "retained " : ""}qos ${m.qos} ${payload}`;
    const list = by.get(m.topic) ?? [];
    if (list.at(-1) !== line && !(m.same && list.length > 0)) list.push(line);
    by.set(m.topic, list);
  }
  return [...by].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([topic, list]) => list.map((line) => `${topic} ${line}`));
}

let faults = 0;
const fault = (text) => { faults++; console.log(text); };
if (old.version !== fresh.version) fault(`version ${fresh.version}; the recording is of ${old.version}`);
for (let i = 0; i < Math.max(old.steps.length, fresh.steps.length); i++) {
  const a = old.steps[i], b = fresh.steps[i];
  if (!a || !b || a.name !== b.name || a.payload !== b.payload) { fault(`step ${i}: ${b?.name}; the recording has ${a?.name}`); continue; }
  const was = said(a), is = said(b);
  for (const line of was) if (!is.includes(line)) fault(`${a.name}: missing ${line.slice(0, 400)}`);
  for (const line of is) if (!was.includes(line)) fault(`${a.name}: new     ${line.slice(0, 400)}`);
}
console.log(`${fresh.steps.length} steps, ${faults} differences`);
process.exit(faults === 0 && fresh.steps.length > 0 ? 0 : 1);
