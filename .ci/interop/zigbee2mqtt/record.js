// Records what the real Zigbee2MQTT says: at its start, to each command and to each
// request. Usage: node record.js WORK BROKER OUT [OLD], where WORK is a folder in which
// zigbee2mqtt is installed, BROKER a broker's URL on loopback, OUT the file to write and
// OLD a recording to be compared with: a step is over when as much has come as there.
// The broker must be empty.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { spawn } = require("node:child_process");
const { createRequire } = require("node:module");
const { lay } = require("./home.js");
const { byTopic } = require("./said.js");

const [work, broker, out, old] = process.argv.slice(2);
const before = old ? JSON.parse(fs.readFileSync(old, "utf8")).steps : [];
const host = new URL(broker).hostname;
if (host !== "127.0.0.1" && host !== "[::1]" && host !== "localhost") {
  console.error(`record.js: broker ${broker}; want one on loopback`);
  process.exit(2);
}
const need = createRequire(path.join(path.resolve(work), "package.json"));
const z2m = createRequire(need.resolve("zigbee2mqtt/package.json"));
const mqtt = z2m("mqtt");
const version = z2m("./package.json").version;
const steps = JSON.parse(fs.readFileSync(path.join(__dirname, "steps.json"), "utf8"));

const data = path.join(path.resolve(work), "data");
fs.rmSync(data, { recursive: true, force: true });
lay(data, broker);

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let heard = [], last = Date.now();

// patience is how long is waited for what a step said before, or for the answer to the
// request behind it; less when it was in vain, since then there are differences anyway.
let patience = 60000;

// come reports whether as much has come as the recording has of a step: on each of its
// topics, as many messages that differ from the one before.
function come(step) {
  if (!step) return true;
  const is = byTopic({ messages: heard });
  return [...byTopic(step)].every(([topic, list]) => (is.get(topic)?.length ?? 0) >= list.length);
}

// quiet waits until all has come that a step said before, and then nothing for ms.
async function quiet(name, ms) {
  const begun = Date.now(), step = before.find((s) => s.name === name);
  let all = come(step);
  for (let n = heard.length; !all && Date.now() - begun < patience; await sleep(10)) {
    if (heard.length > n) all = come(step);
    n = heard.length;
  }
  if (!all) patience = Math.max(500, patience / 4);
  last = Date.now();
  while (Date.now() - last < ms && Date.now() - begun < patience + 40000) await sleep(10);
  const got = heard;
  heard = [];
  return got;
}

async function main() {
  const client = mqtt.connect(broker, { protocolVersion: 5, clientId: "recorder" });
  // A request of the recorder's own behind each step: once it is answered, Zigbee2MQTT has
  // heard the step.
  let fence = 0, passed = 0;
  const isFence = /"transaction":"fence-(\d+)"/;
  client.on("message", (topic, payload, packet) => {
    const own = topic.endsWith("/health_check") && isFence.exec(payload);
    if (own) {
      if (topic.includes("/response/")) passed = Number(own[1]);
      return;
    }
    last = Date.now();
    if (topic.startsWith("sent/") || sent.delete(topic + "\0" + payload)) return;
    heard.push({ topic, payload: payload.toString(), retain: packet.retain, qos: packet.qos });
  });
  const sent = new Set();
  // Retain As Published shows which messages are retained.
  await client.subscribeAsync("#", { qos: 2, rap: true });

  const child = spawn(process.execPath, ["-r", path.join(__dirname, "radio.js"), path.join(path.dirname(need.resolve("zigbee2mqtt/package.json")), "cli.js")], {
    cwd: work,
    env: { ...process.env, ZIGBEE2MQTT_DATA: data, Z2M_ONBOARD_NO_SERVER: "1", TZ: "UTC" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = new Promise((done) => child.on("exit", done));
  const recording = { source: "zigbee2mqtt", version, steps: [] };
  const begun = Date.now();
  while (!heard.some((m) => m.topic === "zigbee2mqtt/bridge/state") && Date.now() - begun < 180000 && child.exitCode === null) await sleep(50);
  // The discovery of Home Assistant follows five seconds after the start.
  recording.steps.push({ name: "start", messages: await quiet("start", 8000) });

  for (const step of steps) {
    const topic = step.topic;
    const payload = typeof step.payload === "string" ? step.payload : JSON.stringify(step.payload);
    sent.add(topic + "\0" + payload);
    await client.publishAsync(topic, payload, { qos: 1 });
    await client.publishAsync("zigbee2mqtt/bridge/request/health_check", `{"transaction":"fence-${++fence}"}`, { qos: 1 });
    for (const begun = Date.now(); passed < fence && Date.now() - begun < patience; ) await sleep(5);
    recording.steps.push({ name: step.name, topic, payload, messages: await quiet(step.name, step.wait ?? 150) });
  }
  child.kill("SIGTERM");
  await Promise.race([ended, sleep(60000)]);
  recording.steps.push({ name: "stop", messages: await quiet("stop", 300) });
  await client.endAsync();
  fs.writeFileSync(out, text(recording));
}

// The long messages are kept for what they are made of: their prose goes, which is
// Zigbee2MQTT's own, and so do its schema of settings, its list of all clusters, and
// what is of the machine.
const long = {
  "bridge/info": (o) => {
    o.config.advanced.log_directory = "";
    o.config.mqtt.server = "";
    return { ...o, config_schema: {}, mqtt: { ...o.mqtt, server: "" }, os: Object.fromEntries(Object.keys(o.os).map((k) => [k, ""])) };
  },
  "bridge/devices": (o) => o,
  "bridge/definitions": (o) => ({ actions: [], clusters: {}, custom_clusters: {}, ...Object.fromEntries(Object.keys(o).map((k) => [k, Array.isArray(o[k]) ? [] : {}])) }),
  "bridge/converters": () => [],
  "bridge/response/backup": (o) => ({ ...o, data: { zip: "" } }),
  "bridge/event": (o) => o,
};

function prune(value) {
  if (Array.isArray(value)) return value.map(prune);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([k, v]) => k !== "description" || typeof v !== "string").map(([k, v]) => [k, prune(v)]));
}

// text writes a recording with a message a line. A long message that says what the
// one before it on its topic said is "same".
function text(recording) {
  const before = new Map();
  const line = (m) => {
    const short = long[m.topic.replace(/^zigbee2mqtt\//, "")];
    if (!short || m.payload === "") return m;
    const { payload, ...rest } = m;
    const known = before.get(m.topic) === payload;
    before.set(m.topic, payload);
    return known ? { ...rest, same: true } : { ...rest, json: prune(short(JSON.parse(payload))) };
  };
  const { steps, ...head } = recording;
  return JSON.stringify(head).slice(0, -1) + ',"steps":[\n' + steps.map(({ messages, ...step }) =>
    JSON.stringify(step).slice(0, -1) + ',"messages":[' + messages.map((m) => "\n  " + JSON.stringify(line(m))).join(",") + "]}").join(",\n") + "\n]}\n";
}

main().then(() => process.exit(0), (err) => { console.error(err); process.exit(1); });
