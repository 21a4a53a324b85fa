"use strict";
// See run. The arguments are a folder with node_modules and the program homefleet, and the
// port of a broker on this machine.
const fs = require("fs");
const path = require("path");
const { spawn } = require("child_process");
const { createRequire } = require("module");

const [work, port] = process.argv.slice(2);
const mqtt = createRequire(path.join(work, "cost.js"))("mqtt");
const url = `mqtt://127.0.0.1:${port}`;
const lights = 300;
const behind = 5; // on a bridge
const rate = 400; // commands a second to each of the two
const settle = 7000, warm = 4000, measure = 14000; // ms

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// cpu is the CPU time of a process in microseconds, at 100 ticks a second.
function cpu(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10000;
}

function start(face, id) {
  const file = path.join(work, `${face}.toml`);
  fs.writeFileSync(file, "seed = 3\n" + (face === "zigbee2mqtt"
    ? `[[device]]\nkind = "bridge"\nhome = "h{h}"\nhomes = ${lights / behind}\nlights = ${behind}\nplugs = 0\nthermostats = 0\n`
    : `[[device]]\nkind = "light"\nid = "${id}-{n}"\ncount = ${lights}\n`) + `telemetry = "0s"\nface = "${face}"\n`);
  return spawn(path.join(work, "homefleet"), ["run", file, "-q", "--broker", url], { stdio: "ignore" });
}

const native = (n) => [`cmnd/native-${n}/power`, "ON"];
// Tasmotas and Shellies are called after their addresses, which their presence tells.
const commands = {
  "home-assistant": () => (n) => [`homefleet/light-${n}/set/power`, "ON"],
  zigbee2mqtt: () => (n) => [`zigbee2mqtt/h${n % (lights / behind) + 1}/light_1/set`, '{"state":"ON"}'],
  homie: () => (n) => [`homie/5/light-${n}/light/power/set`, "true"],
  tasmota: (there) => (n) => [`cmnd/${there[n % there.length].split("/")[1]}/POWER`, "ON"],
  shelly: (there) => (n) => [`${there[n % there.length].split("/")[0]}/rpc`, '{"id":1,"method":"RGBCCT.Set","params":{"id":0,"on":true}}'],
};

async function main() {
  const client = mqtt.connect(url, { protocolVersion: 5 });
  await new Promise((done) => client.on("connect", done));
  const present = new Set();
  client.on("message", (topic) => present.add(topic));
  client.subscribe(["tele/+/LWT", "+/online"]);
  for (const qos of [0, 1]) {
    for (const [face, make] of Object.entries(commands)) {
      present.clear();
      const both = [start("homefleet", "native"), start(face, "light")];
      await wait(settle);
      const command = make([...present]);
      const begun = Date.now();
      let sent = 0, before;
      const elapsed = () => Date.now() - begun;
      while (elapsed() < warm + measure) {
        if (!before && elapsed() >= warm) before = { sent, cpu: both.map((p) => cpu(p.pid)) };
        for (const due = elapsed() * rate / 1000; sent < due; sent++) {
          for (const [topic, payload] of [native(sent % lights + 1), command(sent % lights + 1)]) {
            client.publish(topic, payload, { qos, properties: { responseTopic: "cost/answers", correlationData: Buffer.from("01234567") } });
          }
        }
        await wait(4);
      }
      const [of, to] = both.map((p, i) => (cpu(p.pid) - before.cpu[i]) / (sent - before.sent));
      console.log(`QoS ${qos}  ${face.padEnd(14)}  native ${of.toFixed(1).padStart(5)} us  face ${to.toFixed(1).padStart(5)} us  ${(to / of).toFixed(2)}`);
      for (const p of both) {
        const ended = new Promise((done) => p.on("exit", done));
        p.kill("SIGINT");
        await ended;
      }
    }
  }
  client.end(true);
}

main();
