// What the tests of the page share: a run of homefleet, a page that must be flawless, and scenarios of their own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.SHOTS; // a folder for pictures
let browser;
before(async () => (browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] })));
after(() => browser?.close());

/** A file with a scenario. */
export async function scenario(text) {
  const file = join(await mkdtemp(join(tmpdir(), "homefleet-")), "test.toml");
  await writeFile(file, text);
  return file;
}

/** A run of a scenario with its page, which ends with the test. */
export async function run(t, scenario, ...flags) {
  const file = join(await mkdtemp(join(tmpdir(), "homefleet-")), "ready.json");
  const args = ["run", scenario, "-q", "--exit-with-parent", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", file, ...flags];
  const process_ = spawn(process.env.HOMEFLEET, args, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((done) => process_.once("exit", done));
  t.after(() => (process_.kill("SIGINT"), ended));
  let ready;
  while (!(ready = await readFile(file, "utf8").then(JSON.parse, () => null))) {
    assert.equal(process_.exitCode, null, "homefleet ended before it was ready");
    await sleep(20);
  }
  const headers = { authorization: `Bearer ${ready.control.token}`, "content-type": "application/json" };
  const api = async (path, body) => (await fetch(ready.control.url + path, { headers, ...(body && { method: "POST", body: JSON.stringify(body) }) })).json();
  return { ready, api, ended, stop: () => (process_.kill("SIGINT"), ended), die: () => (process_.kill("SIGKILL"), ended), url: `${ready.control.url}/#token=${ready.control.token}` };
}

/** A page that is to have no error, no refused resource and no request to elsewhere. */
export async function open(t, url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("dialog", (d) => (wrong.push("a dialog: " + d.message()), d.dismiss()));
  page.on("console", (m) => m.type() === "error" && !/status of \d{3}|net::ERR_/.test(m.text()) && wrong.push(m.text()));
  page.on("request", (r) => !["blob:", "data:"].includes(new URL(r.url()).protocol) && new URL(r.url()).host !== new URL(url).host && wrong.push("asked " + r.url()));
  t.after(async () => {
    await page.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(url);
  return page;
}

export const shot = (page, name) => shots && page.screenshot({ path: join(shots, name + ".png"), animations: "disabled" });

export async function flawless(page) {
  await page.evaluate(await readFile(axe, "utf8")); // a script of elsewhere, which the policy of the page would refuse as such
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")}`));
  assert.deepEqual(found, []);
}

export const notSideways = async (page) =>
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "it scrolls sideways");

export const go = (page, view) => page.evaluate((v) => (location.hash = v), view);

/** Two devices with Wills that ask for an answer, audited. */
export const audited = `
title = "Two lamps"
[connect]
session_expiry = "1h"
[[device]]
kind  = "light"
count = 2
id    = "lamp-{n}"
[device.will]
delay            = "3s"
response_topic   = "will/seen/{id}"
correlation_data = "{id}/{run}"
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
