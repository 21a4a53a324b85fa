"use strict";
// See run. The first argument is a folder with node_modules and the program homefleet.
const { createRequire } = require("module");
const fs = require("fs");
const path = require("path");
const { free, homefleet, until, verdict, wait } = require("../iobroker");

const work = process.argv[2];
const from = createRequire(path.join(work, "judge.js"));
const { DeviceDiscovery, HomieDeviceManager } = from("node-homie");

async function main() {
  const faults = [];
  const fault = (text) => faults.push(text);
  const port = await free();
  const program = path.join(work, "homefleet");
  const broker = homefleet(program, "broker", "-q", "--listen", `127.0.0.1:${port}`);
  await wait(500);
  fs.writeFileSync(path.join(work, "homie.toml"), `seed = 3\n` + ["light", "thermostat", "plug"].map((k) => `[[device]]\nkind = "${k}"\nid = "my-${k}"\nface = "homie"\ntelemetry = "2s"\n`).join(""));
  const start = () => homefleet(program, "run", path.join(work, "homie.toml"), "-q", "--broker", `mqtt://127.0.0.1:${port}`);
  let fleet = start();

  const devices = new HomieDeviceManager();
  const discovery = new DeviceDiscovery({ url: `mqtt://127.0.0.1:${port}` });
  discovery.events$.subscribe((e) => {
    if (e.type === "add" && !devices.hasDevice(e.deviceId)) devices.add(e.makeDevice()).onInit();
    if (e.type === "remove") devices.removeDevice(e.deviceId)?.onDestroy();
    if (e.type === "error") fault(`discovery: ${e.error}`);
  });
  await discovery.onInit();
  const ids = ["my-light", "my-thermostat", "my-plug"];
  const state = (id) => devices.getDevice(id)?.attributes?.state;
  for (const id of ids) if (!await until(() => state(id) === "ready", 8000)) fault(`${id} is ${state(id)}; want ready`);
  await wait(1500);

  let properties = 0;
  const kinds = { integer: "number", float: "number", boolean: "boolean", string: "string", enum: "string", color: "object" };
  for (const id of ids) {
    for (const node of Object.values(devices.getDevice(id)?.nodes ?? {})) {
      for (const p of Object.values(node.properties)) {
        properties++;
        const { datatype, format, retained } = p.attributes;
        if (process.argv[3] === "show") console.log(p.pointer, datatype, format, retained, JSON.stringify(p.value));
        if (p.value === undefined || p.value === null) fault(`${p.pointer} has no value`);
        if (!(datatype in kinds)) fault(`${p.pointer} is of datatype ${datatype}`);
      }
    }
  }
  if (properties < 15) fault(`${properties} properties; want those of three devices`);

  const set = async (pointer, value, want = value) => {
    const p = devices.getProperty(pointer);
    if (!p) return fault(`there is no ${pointer}`);
    try {
      await new Promise((done, failed) => {
        const sent = p.setCommand$ ? p.setCommand$(String(value)) : undefined;
        if (!sent) return done(p.setCommand(value));
        sent.subscribe({ complete: done, error: failed, next: () => done() });
        setTimeout(done, 500);
      });
    } catch (e) {
      return fault(`${pointer} does not take ${value}: ${e}`);
    }
    if (!await until(() => String(p.value) === String(want), 2000)) fault(`after ${pointer} = ${value} it is ${p.value}; want ${want}`);
  };
  await set("my-light/light/power", true);
  await set("my-light/light/brightness", 40);
  await set("my-light/light/ct", 300);
  await set("my-light/light/color", "rgb,255,0,0");
  await set("my-light/light/color", "hsv,120,100,100", "rgb,0,255,0");
  await set("my-thermostat/thermostat/setpoint", 22.5);
  await set("my-thermostat/thermostat/mode", "off");
  await set("my-plug/plug/power", false);

  // What a power cut, a return and an orderly end are to it.
  await fleet.kill();
  for (const id of ids) if (!await until(() => state(id) === "lost", 5000)) fault(`after a power cut ${id} is ${state(id)}; want lost`);
  fleet = start();
  for (const id of ids) if (!await until(() => state(id) === "ready", 5000)) fault(`after its return ${id} is ${state(id)}; want ready`);
  await fleet.stop();
  for (const id of ids) if (!await until(() => state(id) === "disconnected", 3000)) fault(`after its end ${id} is ${state(id)}; want disconnected`);
  const clear = homefleet(program, "clear", path.join(work, "homie.toml"), "-q", "--broker", `mqtt://127.0.0.1:${port}`);
  if (!await until(() => ids.every((id) => !devices.hasDevice(id)), 8000)) fault(`after clear there are ${ids.filter((id) => devices.hasDevice(id))}`);
  await clear.ended;
  await discovery.onDestroy();
  await broker.stop();
  console.log(`${properties} properties of three devices`);
  verdict(faults, "node-homie understands all of them");
}

main().catch((e) => verdict([e.stack]));
