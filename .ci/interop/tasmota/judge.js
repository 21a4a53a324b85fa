"use strict";
// See run. The first argument is a folder with node_modules and the program homefleet.
const { createRequire } = require("module");
const fs = require("fs");
const path = require("path");
const { Adapter, free, homefleet, until, verdict, wait } = require("../iobroker");

const work = process.argv[2];
const from = createRequire(path.join(work, "judge.js"));
const { default: MQTTServer } = from("iobroker.sonoff/build/lib/server.js");

async function main() {
  const port = await free();
  const adapter = new Adapter({ name: "sonoff", config: { port, bind: "127.0.0.1", defaultQoS: 0, TELE_SENSOR: true, TELE_STATE: true, STAT_RESULT: true } });
  const fault = (text) => adapter.faults.push(text);
  const server = new MQTTServer(adapter);
  adapter.on("stateChange", (id, state) => server.onStateChange(id, state));
  await wait(200);

  const face = `face = "tasmota"\ntelemetry = "2s"\n`;
  fs.writeFileSync(path.join(work, "tasmota.toml"), `seed = 8\n[broker]\nmqtt = "3.1.1"\n[connect]\nclient_id = "{id}"\n` +
    `[[device]]\nkind = "light"\nid = "bulb"\n${face}[[device]]\nkind = "plug"\nid = "plug"\nload = "lamp"\n${face}[[device]]\nkind = "thermostat"\nid = "radiator"\n${face}`);
  const fleet = homefleet(path.join(work, "homefleet"), "run", path.join(work, "tasmota.toml"), "-q", "--broker", `mqtt://127.0.0.1:${port}`);
  for (const id of ["bulb", "plug", "radiator"]) {
    if (!await until(() => adapter.value(`${id}.alive`) === true, 10000)) fault(`${id} is not alive`);
  }
  await wait(8000); // its first reports, and what the adapter asks for

  // see sends a command, and waits for the states that it makes.
  const see = async (id, value, want) => {
    await adapter.command(id, value);
    for (const [name, v] of Object.entries(want)) {
      const is = () => JSON.stringify(adapter.states.get(adapter.full(name))) === JSON.stringify({ val: v, ack: true });
      if (!await until(is, 3000)) fault(`after ${id} = ${value}, ${name} is ${JSON.stringify(adapter.states.get(adapter.full(name)))}; want ${v}`);
    }
  };
  await adapter.command("bulb.modeReadColors", true);
  server.cachedReadColors["sonoff.0.bulb.modeReadColors"] = true;
  await see("bulb.POWER", true, { "bulb.POWER": true });
  await see("bulb.Dimmer", 40, { "bulb.Dimmer": 40 });
  await see("bulb.CT", 300, { "bulb.CT": 300 });
  await see("bulb.Color", "#00FF00", { "bulb.Color": "#00FF000000", "bulb.Green": 100, "bulb.Red": 0, "bulb.Dimmer": 100 });
  await see("bulb.Dimmer", 20, { "bulb.Dimmer": 20, "bulb.Color": "#0033000000" });
  await see("bulb.HSBColor", "240,100,60", { "bulb.HSBColor": "240,100,60", "bulb.Dimmer": 60 });
  await see("bulb.Scheme", 2, { "bulb.Scheme": 2 });
  await see("bulb.Fade", true, { "bulb.Fade": true });
  await see("bulb.Speed", 7, { "bulb.Speed": 7 });
  await see("bulb.POWER", false, { "bulb.POWER": false });
  await see("plug.POWER", false, { "plug.POWER": false, "plug.ENERGY_Power": 0, "plug.ENERGY_Current": 0 });
  await see("plug.POWER", true, { "plug.POWER": true });
  await until(() => adapter.value("plug.ENERGY_Power") > 0, 5000);

  adapter.check();
  const has = (id, holds) => holds(adapter.value(id)) || fault(`${id} is ${JSON.stringify(adapter.value(id))}`);
  has("plug.ENERGY_Voltage", (v) => v > 200 && v < 260);
  has("plug.ENERGY_Power", (v) => v > 0);
  has("plug.ENERGY_Total", (v) => v >= 0);
  has("radiator.DS18B20_Temperature", (v) => v > 5 && v < 35);
  has("radiator.Thermostat0_TempTargetSet", (v) => v >= 5 && v <= 30);
  for (const id of ["bulb", "plug", "radiator"]) {
    has(`${id}.Wifi_RSSI`, (v) => v > 0 && v <= 100);
    has(`${id}.INFO.Version`, (v) => /^\d+\.\d+\.\d+\(/.test(v));
    has(`${id}.INFO.Mac`, (v) => /^([0-9A-F]{2}:){5}[0-9A-F]{2}$/.test(v));
    has(`${id}.INFO.Info2_IPAddress`, (v) => /^\d+(\.\d+){3}$/.test(v));
  }
  console.log(`${adapter.states.size} states of three devices`);
  if (process.argv[3] === "show") for (const [id, s] of [...adapter.states].sort()) console.log(id, JSON.stringify(s.val));
  await fleet.stop();
  for (const id of ["bulb", "plug", "radiator"]) {
    if (!await until(() => adapter.value(`${id}.alive`) === false, 3000)) fault(`${id} has left, and is alive`);
  }
  verdict(adapter.faults, "iobroker.sonoff understands all three");
}

main().catch((e) => verdict([e.stack]));
