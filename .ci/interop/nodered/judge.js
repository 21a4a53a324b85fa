"use strict";
// See run. The first argument is a folder with node_modules and the program homefleet.
const { createRequire } = require("module");
const http = require("http");
const fs = require("fs");
const path = require("path");
const { free, homefleet, until, verdict } = require("../iobroker");

const work = process.argv[2];
const from = createRequire(path.join(work, "judge.js"));
const RED = from("node-red");

// A fleet with a device or more of every dialect; the Will of the native light is a request.
const scenario = `seed = 8
[[device]]
kind = "light"
id = "lamp"
retain = true
will = { response_topic = "will/seen/{id}", correlation_data = "{id}", content_type = "text/plain" }
[[device]]
kind = "light"
id = "ha-lamp"
face = "home-assistant"
[[device]]
kind = "plug"
id = "tasmota-plug"
face = "tasmota"
[[device]]
kind = "plug"
id = "shelly-plug"
face = "shelly"
[[device]]
kind = "light"
id = "homie-lamp"
face = "homie"
[[device]]
kind = "bridge"
id = "hub"
face = "zigbee2mqtt"
lights = 1
`;

// The flows: one hears everything as a user has it by default, one publishes what it is
// given, and one answers Wills with what came with them, by a change node alone. There is one
// subscription: of a message that matches two, and comes once with the Subscription Identifiers of
// both (MQTT 5.0, 3.3.4), Node-RED 4.1.8 takes neither.
const flows = (port) => [
  { id: "tab", type: "tab", label: "judge" },
  { id: "broker", type: "mqtt-broker", broker: "127.0.0.1", port: String(port), protocolVersion: "5", clientid: "node-red", autoConnect: true, usetls: false, keepalive: "60", cleansession: true, autoUnsubscribe: true },
  { id: "hear", z: "tab", type: "mqtt in", topic: "#", qos: "2", datatype: "auto-detect", broker: "broker", nl: false, rap: true, rh: 0, inputs: 0, wires: [["sink", "wills"]] },
  { id: "sink", z: "tab", type: "debug", active: false, complete: "true", wires: [] },
  { id: "say", z: "tab", type: "mqtt out", topic: "", qos: "1", retain: "false", broker: "broker", wires: [] },
  { id: "wills", z: "tab", type: "switch", property: "topic", propertyType: "msg", rules: [{ t: "regex", v: "^tele/.+/lwt$", vt: "str", case: false }], checkall: "true", outputs: 1, wires: [["asked"]] },
  { id: "asked", z: "tab", type: "switch", property: "responseTopic", propertyType: "msg", rules: [{ t: "nempty" }], checkall: "true", outputs: 1, wires: [["reply"]] },
  { id: "reply", z: "tab", type: "change", rules: [{ t: "set", p: "topic", pt: "msg", to: "responseTopic", tot: "msg" }, { t: "delete", p: "responseTopic", pt: "msg" }, { t: "set", p: "payload", pt: "msg", to: "seen", tot: "str" }, { t: "set", p: "retain", pt: "msg", to: "false", tot: "bool" }], wires: [["say"]] },
];

async function main() {
  const faults = [];
  const fault = (text) => faults.push(text);
  const port = await free();
  const program = path.join(work, "homefleet");
  const broker = homefleet(program, "broker", "-q", "--listen", `127.0.0.1:${port}`);
  fs.writeFileSync(path.join(work, "home.toml"), scenario);
  fs.mkdirSync(path.join(work, "red"), { recursive: true });
  fs.writeFileSync(path.join(work, "red", "flows.json"), JSON.stringify(flows(port)));

  // No editor, and nothing that asks a server of Node-RED's.
  const complaints = [];
  RED.init(http.createServer(), {
    httpAdminRoot: false, httpNodeRoot: false, userDir: path.join(work, "red"), flowFile: "flows.json", credentialSecret: false,
    telemetry: { enabled: false, updateNotification: false }, externalModules: { autoInstall: false, palette: { allowInstall: false } }, diagnostics: { enabled: false },
    logging: { console: { level: "off" }, judge: { level: "warn", handler: () => (m) => complaints.push(m.msg?.stack ?? String(m.msg)) } },
  });
  await RED.start();
  const node = (id) => RED.nodes.getNode(id);
  if (!await until(() => node("hear") && node("broker")?.connected, 30000)) return verdict(["the MQTT nodes do not connect to the broker"]);
  const heard = [];
  node("sink").on("input", (msg) => heard.push(msg));

  const file = path.join(work, "home.toml");
  const fleet = homefleet(program, "run", file, "-q", "--broker", `mqtt://127.0.0.1:${port}`);
  const last = (topic) => heard.filter((m) => m.topic === topic).at(-1);
  // wait for a message that is so, and complain of what there is instead.
  const hear = async (what, is, ms = 20000) => {
    if (await until(() => heard.some(is), ms)) return heard.find(is);
    fault(`${what} is not heard`);
    return undefined;
  };
  const is = (what, got, want) => {
    const text = (v) => (Buffer.isBuffer(v) ? `Buffer ${v.toString("hex")}` : JSON.stringify(v));
    if (text(got) !== text(want)) fault(`${what} is ${text(got)}; want ${text(want)}`);
  };

  // What is announced and reported is an object to a flow, where a dialect has JSON.
  const announced = await hear("the discovery of ha-lamp", (m) => m.topic === "homeassistant/device/ha-lamp/config");
  is("the discovery of ha-lamp has the components", announced && Object.values(announced.payload.cmps ?? announced.payload.components ?? {}).length > 0, true);
  const boot = await hear("the discovery of the Tasmota", (m) => /^tasmota\/discovery\/[0-9A-F]{12}\/config$/.test(m.topic), 40000);
  const plug = boot?.payload.t;
  const told = await hear("the devices of the bridge", (m) => m.topic === "zigbee2mqtt/bridge/devices");
  is("the bridge's list is an array", Array.isArray(told?.payload), true);
  const shelly = (await hear("the Shelly online", (m) => m.topic.endsWith("/online") && String(m.payload) === "true"))?.topic.split("/")[0];
  await hear("the Homie ready", (m) => m.topic.startsWith("homie/5/") && m.topic.endsWith("/$state") && m.payload === "ready");
  await hear("lamp Online", (m) => m.topic === "tele/lamp/lwt" && m.payload === "Online" && m.retain === true);

  // A request of each dialect with a Response Topic of the flow's own, as a user builds it:
  // properties of msg. Each answer has the bytes that were sent for correlation.
  let n = 0;
  const request = async (topic, payload, answers) => {
    const responseTopic = `flow/answers/${++n}`, correlationData = Buffer.from([0, n, 0xff]);
    node("say").receive({ topic, payload, responseTopic, correlationData, qos: 1 });
    const here = () => heard.filter((m) => m.topic === responseTopic);
    if (!await until(() => here().length >= answers.length, 20000)) fault(`${topic} has ${here().length} answers; want ${answers.length}`);
    here().forEach((m, i) => {
      is(`the Correlation Data of answer ${i + 1} of ${topic}`, m.correlationData, correlationData);
      is(`RETAIN of answer ${i + 1} of ${topic}`, m.retain, false);
      is(`the Response Topic of answer ${i + 1} of ${topic}`, m.responseTopic, undefined);
      if (answers[i] && !answers[i](m)) fault(`answer ${i + 1} of ${topic} is ${JSON.stringify(m.payload)}, ${JSON.stringify(m.userProperties)}`);
    });
  };
  await request("cmnd/lamp/power", "ON", [(m) => m.payload === "ON" && m.contentType === "text/plain"]);
  await request("cmnd/lamp/brightness", 40, [(m) => Number(m.payload) === 40]);
  await request("cmnd/lamp/power", "MAYBE", [(m) => typeof m.userProperties?.error === "string"]);
  await request("homefleet/ha-lamp/set", { state: "ON", brightness: 40 }, [(m) => m.payload.state === "ON" && m.payload.brightness === 40]);
  await request(`cmnd/${plug}/POWER`, "OFF", [(m) => m.payload.POWER === "OFF", (m) => m.payload === "OFF"]);
  await request(`cmnd/${plug}/Status`, 8, [(m) => typeof m.payload.StatusSNS?.ENERGY?.Power === "number"]);
  await request("zigbee2mqtt/light_1/set", { state: "ON", brightness: 100 }, [(m) => m.payload.state === "ON" && m.payload.brightness === 100]);
  await request("zigbee2mqtt/bridge/request/health_check", { transaction: 7 }, [(m) => m.payload.transaction === 7 && m.payload.status === "ok"]);
  await request("homie/5/homie-lamp/light/power/set", "true", [(m) => String(m.payload) === "true"]);
  if (shelly) await request(`${shelly}/rpc`, { id: 5, src: "flow/rpc", method: "Switch.Set", params: { id: 0, on: false } }, [(m) => m.payload.id === 5 && typeof m.payload.result?.was_on === "boolean"]);

  // What everybody hears of it.
  await hear("state of lamp ON", (m) => m.topic === "state/lamp/power" && m.payload === "ON");
  if (!await until(() => last("homefleet/ha-lamp/state")?.payload.brightness === 40, 10000)) fault(`ha-lamp's state is ${JSON.stringify(last("homefleet/ha-lamp/state")?.payload)}`);

  // A power cut: the Will is a request, which the flow answers by a change node.
  await fleet.kill();
  const will = await hear("the Will of lamp", (m) => m.topic === "tele/lamp/lwt" && m.payload === "Offline");
  is("the Will's Response Topic", will?.responseTopic, "will/seen/lamp");
  is("the Will's Correlation Data", will && Buffer.from(will.correlationData).toString(), "lamp");
  const seen = await hear("the flow's answer to the Will", (m) => m.topic === "will/seen/lamp");
  is("its Correlation Data", seen && Buffer.from(seen.correlationData).toString(), "lamp");
  await hear("the bridge offline", (m) => m.topic === "zigbee2mqtt/bridge/state" && m.payload.state === "offline");
  await hear("the Tasmota Offline", (m) => m.topic === `tele/${plug}/LWT` && m.payload === "Offline");

  for (const text of complaints) if (!/Projects disabled|unencrypted credentials/.test(text)) fault("node-red: " + text);
  console.log(`${heard.length} messages and ${n} requests went through Node-RED ${RED.version()}`);
  await RED.stop();
  await broker.stop();
  verdict(faults, "Node-RED's MQTT nodes understand all of them");
}

main().catch((e) => verdict([e.stack]));
