// What the tests of the page share: a run of homefleet, a page that must be flawless, and scenarios of their own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import mqtt from "mqtt";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.SHOTS; // a folder for pictures
const PATIENCE = Number(process.env.PATIENCE ?? 120) * 1000; // with what is waited for, on a machine that may be busy with other things
let browser, dir;
let files = 0;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "homefleet-"));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser?.close();
  await rm(dir, { recursive: true });
});

/** Tests, some of which wait for what takes its time: a few go on at a time. */
export const group = (name, define) => describe(name, { concurrency: 3, timeout: 10 * PATIENCE }, define);

/** A file with a scenario. */
export async function scenario(text) {
  const file = join(dir, `test-${++files}.toml`);
  await writeFile(file, text);
  return file;
}

const TOKEN = "of-the-tests";

function start(scenario, stderr, ...flags) {
  const args = ["run", scenario, "-q", "--exit-with-parent", ...flags];
  const process_ = spawn(process.env.HOMEFLEET, args, { stdio: ["ignore", "ignore", stderr], env: { ...process.env, XDG_RUNTIME_DIR: dir, HOMEFLEET_CONTROL_TOKEN: TOKEN } });
  return { process_, ended: new Promise((done) => process_.once("exit", done)) };
}

/** Asks a run: a function of a path and, to post it, a body. */
const caller = (url) => async (path, body) => {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const reply = await fetch(url + path, { headers, ...(body && { method: "POST", body: JSON.stringify(body) }) });
  const said = await reply.json();
  assert.ok(reply.ok, `${path}: ${said.detail}`);
  return said;
};

/** A run that answers, of which nobody need be up. */
export async function early(t, scenario, ...flags) {
  const free = createServer();
  await new Promise((done) => free.listen(0, "127.0.0.1", done));
  const at = `127.0.0.1:${free.address().port}`;
  await new Promise((done) => free.close(done));
  const { process_, ended } = start(scenario, "ignore", "--control", at, ...flags);
  t.after(() => (process_.kill("SIGKILL"), ended));
  await until(() => fetch(`http://${at}/healthz`).then((r) => r.ok, () => false), "it answers");
  return { api: caller(`http://${at}`), ended, url: `http://${at}/#token=${TOKEN}` };
}

/** A run of a scenario with its page, which ends with the test. */
export async function run(t, scenario, ...flags) {
  const file = join(dir, `ready-${++files}.json`);
  const { process_, ended } = start(scenario, "inherit", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", file, ...flags);
  t.after(() => (process_.kill("SIGINT"), ended));
  let ready;
  while (!(ready = await readFile(file, "utf8").then(JSON.parse, () => null))) {
    assert.equal(process_.exitCode, null, "homefleet ended before it was ready");
    await sleep(20);
  }
  return { ready, api: caller(ready.control.url), ended, stop: () => (process_.kill("SIGINT"), ended), die: () => (process_.kill("SIGKILL"), ended), url: `${ready.control.url}/#token=${ready.control.token}` };
}

/** A way to a port that can be stopped: nothing passes, and no connection ends; or cut, and nobody answers. */
export async function way(t, to) {
  const target = new URL(to);
  const pairs = new Set();
  let state = "open";
  const server = createServer((near) => {
    const pair = { near, far: null };
    const end = () => (pairs.delete(pair), near.destroy(), pair.far?.destroy());
    near.on("error", end).on("close", end);
    if (state === "cut") return end();
    pairs.add(pair);
    pair.far = connect(target.port, target.hostname).on("error", end).on("close", end);
    near.pipe(pair.far);
    if (state === "open") pair.far.pipe(near);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const all = (what) => [...pairs].forEach(what);
  t.after(() => (server.close(), all((p) => (p.near.destroy(), p.far?.destroy()))));
  return {
    url: to.replace(target.host, `127.0.0.1:${server.address().port}`),
    stop: () => ((state = "stopped"), all((p) => p.far.unpipe(p.near).pause())),
    cut: () => ((state = "cut"), all((p) => p.near.destroy())),
    open: () => ((state = "open"), all((p) => p.far.pipe(p.near))),
  };
}

/** A client that shares nothing with homefleet, and what it has heard of a filter. */
export async function listener(t, broker, filter = "#") {
  const client = await mqtt.connectAsync(broker, { protocolVersion: 5 });
  t.after(() => client.endAsync(true));
  const heard = [];
  client.on("message", (topic, payload, packet) => heard.push({ topic, payload: payload.toString(), bytes: payload, retain: packet.retain, ...packet.properties }));
  await client.subscribeAsync(filter, { qos: 1 });
  return { client, heard };
}

/** Waits until something holds. */
export async function until(holds, what) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(25)) {
    const got = await holds();
    if (got) return got;
  }
  assert.fail(`it did not come about: ${what}`);
}

/** A page that is to have no error, no refused resource and no request to elsewhere. */
export async function open(t, url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(PATIENCE);
  if (options.clock) await page.clock.install({ time: Date.now() + (options.ahead ?? 0) });
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("dialog", (d) => (wrong.push("a dialog: " + d.message()), d.dismiss()));
  page.on("console", (m) => m.type() === "error" && !/status of \d{3}|net::ERR_/.test(m.text()) && wrong.push(m.text()));
  page.on("request", (r) => !["blob:", "data:"].includes(new URL(r.url()).protocol) && new URL(r.url()).host !== new URL(url).host && wrong.push("asked " + r.url()));
  t.after(async () => {
    await shot(page, "end of " + t.name.replace(/[^\w ]/g, "").slice(0, 60)); // which shows what was there, if it has failed
    await page.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(url);
  return page;
}

export const shot = (page, name) => shots && page.screenshot({ path: join(shots, name + ".png"), animations: "disabled" }).catch(() => {});

export async function flawless(page) {
  await page.evaluate(await readFile(axe, "utf8")); // a script of elsewhere, which the policy of the page would refuse as such
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")}`));
  assert.deepEqual(found, []);
}

export const notSideways = async (page) =>
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "it scrolls sideways");

export const go = (page, view) => page.evaluate((v) => (location.hash = v), view);

/** Devices with Wills, audited: two that ask for an answer, and one whose Will comes after half an hour. */
export const audited = `
title = "Lamps"
[connect]
session_expiry = "1h"
[[device]]
kind  = "light"
count = 2
id    = "lamp-{n}"
[device.will]
delay            = "1s"
response_topic   = "will/seen/{id}"
correlation_data = "{id}/{run}"
[[device]]
kind  = "light"
id    = "patient"
[device.will]
delay            = "30m"
[audit]
`;

/** A measured run of a few seconds. */
export const measured = (seconds) => `
title = "A short measurement"
[[device]]
kind  = "light"
count = 10
[[controller]]
name      = "phones"
count     = 2
attribute = "power"
payloads  = ["ON", "OFF"]
rate      = "50/s"
[phases]
warm_up = "0s"
measure = "${seconds}s"
[expect]
"requests.lost" = "== 0"
`;

/** Three homes, audited and under a load that goes on. */
export const street = `
title = "A street under load"
[connect]
session_expiry = "1h"
[[device]]
kind  = "light"
homes = 3
count = 3
[[device]]
kind  = "thermostat"
homes = 3
[[device]]
kind  = "plug"
homes = 3
[[controller]]
name      = "phones"
count     = 2
attribute = "power"
rate      = "20/s"
payloads  = ["ON", "OFF"]
[phases]
measure = "10m"
[expect]
"requests.lost" = "== 0"
[audit]
`;

export { sleep };
