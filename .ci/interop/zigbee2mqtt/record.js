// Records what the real Zigbee2MQTT says: at its start, to each command and to each
// request. Usage: node record.js WORK BROKER OUT, where WORK is a folder in which
// zigbee2mqtt is installed, BROKER a broker's URL on loopback and OUT the file to
// write. The broker must be empty.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { spawn } = require("node:child_process");
const { createRequire } = require("node:module");
const { lay } = require("./home.js");

const [work, broker, out] = process.argv.slice(2);
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

// quiet waits until nothing has come for ms, and at most for longest.
async function quiet(ms, longest) {
  const begun = Date.now();
  last = Date.now();
  while (Date.now() - last < ms && Date.now() - begun < longest) await sleep(10);
  const got = heard;
  heard = [];
  return got;
}

async function main() {
  const client = mqtt.connect(broker, { protocolVersion: 5, clientId: "recorder" });
  client.on("message", (topic, payload, packet) => {
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
  while (!heard.some((m) => m.topic === "zigbee2mqtt/bridge/state") && Date.now() - begun < 60000 && child.exitCode === null) await sleep(50);
  // The discovery of Home Assistant follows five seconds after the start.
  recording.steps.push({ name: "start", messages: await quiet(8000, 40000) });

  for (const step of steps) {
    const topic = step.topic;
    const payload = typeof step.payload === "string" ? step.payload : JSON.stringify(step.payload);
    sent.add(topic + "\0" + payload);
    await client.publishAsync(topic, payload, { qos: 1 });
    recording.steps.push({ name: step.name, topic, payload, messages: await quiet(step.wait ?? 150, 15000) });
  }
  child.kill("SIGTERM");
  await Promise.race([ended, sleep(10000)]);
  recording.steps.push({ name: "stop", messages: await quiet(300, 5000) });
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
