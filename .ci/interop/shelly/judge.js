"use strict";
// See run. The first argument is a folder with node_modules, package (iobroker.shelly's) and
// the program homefleet.
const { spawn } = require("child_process");
const { createServer } = require("net");
const { createRequire } = require("module");
const fs = require("fs");
const path = require("path");

const work = process.argv[2];
const from = createRequire(path.join(work, "judge.js"));
const { Aedes } = from("aedes");
const definition = (name) => from(`./package/build/lib/devices/gen3/${name}.js`)[name];

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const faults = [];
// What is said only while a bulb fades or a timer runs, and what ours does not measure.
const expected = /\.(Transition_.*|Timer.*|Voltage|Current|Energy)$/;
const fault = (text) => faults.push(text);

// A device as iobroker.shelly sees it: by its definition, and by the topic of its Will.
class Device {
  constructor(prefix, will) {
    this.prefix = prefix;
    this.will = will;
    this.points = definition(prefix.split("-")[0]);
    this.values = {};
    this.understood = new Set();
    this.answers = new Map();
    this.next = 0;
    this.self = { getNextMsgId: () => ++this.next, getMqttPrefix: () => prefix, adapter: { log: console }, getDeviceId: () => prefix };
  }
  // topicOf fills in the device's own prefix.
  topicOf(topic) {
    return topic.replace("<mqttprefix>", this.prefix);
  }
  // hear has every state of the definition that reads the topic read the message.
  async hear(topic, payload) {
    for (const [name, point] of Object.entries(this.points)) {
      const how = point.mqtt;
      if (!how?.mqtt_publish || this.topicOf(how.mqtt_publish) !== topic) continue;
      let value = payload;
      try {
        if (how.mqtt_publish_funct) value = await how.mqtt_publish_funct(payload, this.self);
      } catch (e) {
        fault(`${this.prefix} ${name}: ${e.message} in ${payload}`);
        continue;
      }
      if (value === undefined || value === null) continue; // the message says nothing of it
      if (typeof value !== point.common.type || Number.isNaN(value)) fault(`${this.prefix} ${name} is ${JSON.stringify(value)}, no ${point.common.type}, in ${payload}`);
      const { min, max, states } = point.common;
      if (value < min || value > max) fault(`${this.prefix} ${name} is ${value}, beyond ${min} to ${max}`);
      if (states && !Array.isArray(states) && !(value in states)) fault(`${this.prefix} ${name} is ${value}, none of ${Object.keys(states)}`);
      this.values[name] = value;
      this.understood.add(name);
    }
  }
}

async function main() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const devices = new Map();
  broker.preConnect = (client, packet, done) => {
    if (packet.protocolVersion !== 4) fault(`${packet.clientId} speaks version ${packet.protocolVersion}; want 4, which is MQTT 3.1.1`);
    const prefix = packet.will?.topic.split("/").slice(0, -1).join("/");
    if (prefix) devices.set(prefix, new Device(prefix, packet.will));
    done(null, true);
  };
  broker.on("publish", async (packet, client) => {
    if (!client) return;
    const payload = packet.payload.toString();
    for (const d of devices.values()) {
      await d.hear(packet.topic, payload);
      if (packet.topic === "iobroker/rpc") {
        const frame = JSON.parse(payload);
        if (frame.src === d.prefix) d.answers.set(frame.id, frame);
      }
    }
  });

  const face = `[device.face]\nname = "shelly"\nstatus_ntf = true\n`;
  fs.writeFileSync(path.join(work, "shelly.toml"), `seed = 4\n[broker]\nmqtt = "3.1.1"\n[[device]]\nkind = "plug"\nload = "kettle"\ntelemetry = "2s"\n${face}[[device]]\nkind = "light"\ntelemetry = "2s"\n${face}`);
  const url = `mqtt://127.0.0.1:${server.address().port}`;
  const run = spawn(path.join(work, "homefleet"), ["run", path.join(work, "shelly.toml"), "-q", "--broker", url], { stdio: "inherit" });
  const ended = new Promise((done) => run.on("exit", done));
  for (let n = 0; devices.size < 2 && n < 100; n++) await wait(100);
  await wait(500);
  if (devices.size !== 2) fault(`${devices.size} devices have connected with a Will; want 2`);

  const publish = (topic, payload) => new Promise((done) => broker.publish({ topic, payload, qos: 0, retain: false }, done));
  const commands = {
    shellyplugsg3: [["Relay0.Switch", false], ["Relay0.Switch", true]],
    shellycolorblbg3: [["RGBCCT0.Switch", true], ["RGBCCT0.Brightness", 40], ["RGBCCT0.ColorRGB", "10,200,30"], ["RGBCCT0.Mode", "cct"],
      ["RGBCCT0.ColorTemperature", 4000], ["RGBCCT0.Color", "#ff8800"], ["RGBCCT0.Switch", false]],
  };
  for (const d of devices.values()) {
    for (const [method, id] of [["Shelly.GetDeviceInfo", "a"], ["Shelly.GetStatus", "b"]]) {
      await publish(`${d.prefix}/rpc`, JSON.stringify({ id, src: "iobroker", method }));
    }
    await publish(`${d.prefix}/command`, "status_update");
    await wait(500);
    const info = d.answers.get("a")?.result;
    if (!info || info.id !== d.prefix || info.gen !== 3 || !info.fw_id || !info.mac) fault(`${d.prefix}: GetDeviceInfo is ${JSON.stringify(info)}`);
    if (!d.answers.get("b")?.result?.sys?.uptime) fault(`${d.prefix}: GetStatus is ${JSON.stringify(d.answers.get("b"))}`);
    for (const [name, value] of commands[d.prefix.split("-")[0]]) {
      const point = d.points[name];
      await publish(d.topicOf(point.mqtt.mqtt_cmd), await point.mqtt.mqtt_cmd_funct(value, d.self));
      await wait(400);
      const answer = d.answers.get(d.next);
      if (!answer || answer.error || !("result" in answer)) fault(`${d.prefix} ${name} = ${value} is answered with ${JSON.stringify(answer)}`);
      if (d.values[name] !== value) fault(`${d.prefix} ${name} = ${value} is seen as ${JSON.stringify(d.values[name])}`);
    }
  }
  await wait(2500); // a report
  for (const d of devices.values()) {
    const silent = Object.entries(d.points).filter(([name, p]) => p.mqtt?.mqtt_publish && !d.understood.has(name)).map(([name]) => name);
    console.log(`${d.prefix}: ${d.understood.size} states read; nothing was said of ${silent.join(", ") || "none"}`);
    const missing = silent.filter((name) => !expected.test(name));
    if (missing.length) fault(`${d.prefix}: nothing was said of ${missing}`);
  }
  const left = new Set();
  broker.on("publish", (packet) => packet.topic.endsWith("/online") && packet.payload.toString() === "false" && left.add(packet.topic));
  run.kill("SIGINT");
  await ended;
  if (left.size !== 2) fault(`${left.size} devices said online = false as they left; want 2`);
  await new Promise((done) => broker.close(() => server.close(done)));
  for (const text of faults) console.error("fault: " + text);
  console.log(faults.length ? `${faults.length} faults` : "iobroker.shelly understands both");
  process.exit(faults.length ? 1 : 0);
}

main();
