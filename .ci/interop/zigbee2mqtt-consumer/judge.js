"use strict";
// See run. The first argument is a folder with node_modules and the program homefleet.
const Module = require("module");
const fs = require("fs");
const path = require("path");
const { Adapter, free, homefleet, until, verdict, wait } = require("../iobroker");

const work = process.argv[2];
const from = Module.createRequire(path.join(work, "judge.js"));

// The adapter stands on ioBroker's own class; here it stands on ours.
const load = Module._load;
Module._load = (name, ...rest) => {
  if (name === "@iobroker/adapter-core") return { Adapter };
  if (name === "@iobroker/dm-utils") return { DeviceManagement: class { constructor(a) { this.adapter = a; } } };
  if (name === "sharp") return () => ({});
  return load(name, ...rest);
};

const config = (port) => ({
  ...JSON.parse(fs.readFileSync(from.resolve("iobroker.zigbee2mqtt/io-package.json"))).native,
  connectionType: "exmqtt", externalMqttServerIP: "127.0.0.1", externalMqttServerPort: port, baseTopic: "zigbee2mqtt", proxyZ2MLogs: true,
});

async function main() {
  const port = await free();
  const program = path.join(work, "homefleet");
  const broker = homefleet(program, "broker", "-q", "--listen", `127.0.0.1:${port}`);
  await wait(500);
  fs.writeFileSync(path.join(work, "home.toml"), `seed = 5\n[[device]]\nkind = "bridge"\nid = "hub"\nface = "zigbee2mqtt"\ntelemetry = "2s"\nlights = 2\nplugs = 1\nthermostats = 1\n`);
  const fleet = homefleet(program, "run", path.join(work, "home.toml"), "-q", "--broker", `mqtt://127.0.0.1:${port}`);
  await wait(1500);
  const adapter = from("iobroker.zigbee2mqtt/main.js")({ config: config(port) });
  const fault = (text) => adapter.faults.push(text);
  adapter.emit("ready");
  if (!await until(() => adapter.deviceCache.length === 4, 8000)) fault(`${adapter.deviceCache.length} devices are known; want 4`);
  await wait(3000);
  const address = (name) => [...adapter.deviceCache, ...adapter.groupCache].find((d) => d.id === name)?.ieee_address ?? name;
  const see = async (device, state, value, want) => {
    await adapter.command(`${address(device)}.${state}`, value);
    for (const [name, v] of Object.entries(want)) {
      const [of, what] = name.includes("/") ? name.split("/") : [device, name];
      const id = `${address(of)}.${what}`;
      const is = () => adapter.value(id) === v && adapter.states.get(adapter.full(id)).ack;
      if (!await until(is, 3000)) fault(`after ${device} ${state} = ${value}, ${of} ${what} is ${JSON.stringify(adapter.value(id))}; want ${JSON.stringify(v)}`);
    }
  };
  await see("light_1", "state", true, { state: true });
  await see("light_1", "brightness", 40, { brightness: 40 });
  await see("light_1", "brightness", 100, { brightness: 100 });
  await see("light_1", "state", false, { state: false });
  await see("light_1", "colortemp", 250, { colortemp: 250 });
  await see("light_1", "color", "#FF0000", { color: "#ff0000" });
  await see("light_1", "color", "#00FF00", { color: "#00ff00" });
  await see("light_1", "send_payload", '{"state":"TOGGLE"}', { state: true });
  await see("light_1", "state", false, { state: false });
  await see("light_1", "state", true, { state: true });
  await see("plug_1", "state", false, { state: false, load_power: 0, load_current: 0 });
  await see("plug_1", "state", true, { state: true });
  await see("thermostat_1", "occupied_heating_setpoint", 23, { occupied_heating_setpoint: 23 });
  await see("all_lights", "state", false, { state: false, "light_1/state": false, "light_2/state": false });
  await see("all_lights", "brightness", 60, { "light_1/brightness": 60, "light_2/brightness": 60 });
  adapter.check((id) => id.endsWith(".additional.update")); // of which it makes a text, and calls it an object
  for (const d of [...adapter.deviceCache, ...adapter.groupCache]) {
    const silent = d.states.filter((s) => adapter.value(`${d.ieee_address}.${s.id}`) === undefined).map((s) => s.id);
    console.log(`${d.id}: ${d.states.length} states; nothing was said of ${silent.join(", ") || "none"}`);
    if (adapter.value(`${d.ieee_address}.available`) !== true && !String(d.ieee_address).startsWith("group")) fault(`${d.id} is not available`);
  }
  if (process.argv[3] === "show") for (const [id, s] of [...adapter.states].sort()) console.log(id, JSON.stringify(s.val));
  await fleet.kill(); // as a power cut does
  for (const d of adapter.deviceCache) {
    if (!await until(() => adapter.value(`${d.ieee_address}.available`) === false, 5000)) fault(`the bridge has died, and ${d.id} is available`);
  }
  await new Promise((done) => adapter.emit("unload", done));
  await broker.stop();
  verdict(adapter.faults, "iobroker.zigbee2mqtt understands all of the home");
}

main().catch((e) => verdict([e.stack]));
