// Compares two recordings: node compare.js OLD NEW. In each step the same messages
// must have come; their order counts as far as it is the order of one topic. What
// differs from run to run (times, addresses of machines) does not count.
"use strict";

const fs = require("node:fs");
const { said } = require("./said.js");

const [old, fresh] = process.argv.slice(2).map((file) => JSON.parse(fs.readFileSync(file, "utf8")));

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
