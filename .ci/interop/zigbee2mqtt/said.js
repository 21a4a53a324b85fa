// What a step of a recording has to say, as it is compared.
"use strict";

function plain(value, key) {
  if (["lastSeen", "permit_join_end", "node_version", "commit"].includes(key)) return "any";
  if (Array.isArray(value)) return value.map((v) => plain(v));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, k)]));
}

// byTopic lists what a step says on each topic. A message that repeats the one before it
// on its topic, as a device's second report of the same state does, counts once: how
// often it comes is a matter of time.
function byTopic(step) {
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
  return by;
}

// said lists the messages of a step.
function said(step) {
  return [...byTopic(step)].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([topic, list]) => list.map((line) => `${topic} ${line}`));
}

module.exports = { byTopic, said };
