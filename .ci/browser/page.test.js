// The page in Chromium, on the binary that HOMEFLEET names, beside an MQTT client that shares nothing with it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import mqtt from "mqtt";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.SHOTS; // a folder for pictures
let browser;
before(async () => (browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] })));
after(() => browser?.close());

/** A run of a scenario with its page, which ends with the test. */
async function run(t, scenario, ...flags) {
  const file = join(await mkdtemp(join(tmpdir(), "homefleet-")), "ready.json");
  const args = ["run", scenario, "-q", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", file, ...flags];
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
  return { ready, api, stop: () => (process_.kill("SIGINT"), ended), url: `${ready.control.url}/#token=${ready.control.token}` };
}

/** A page that is to have no error, no refused resource and no request to elsewhere. */
async function open(t, url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  const wrong = [];
  page.on("pageerror", (e) => wrong.push(String(e)));
  page.on("console", (m) => m.type() === "error" && !/40[139]|net::ERR_/.test(m.text()) && wrong.push(m.text()));
  page.on("request", (r) => new URL(r.url()).host !== new URL(url).host && wrong.push("asked " + r.url()));
  t.after(async () => {
    await page.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(url);
  return page;
}

const shot = (page, name) => shots && page.screenshot({ path: join(shots, name + ".png"), animations: "disabled" });

async function flawless(page) {
  await page.evaluate(await readFile(axe, "utf8")); // a script of elsewhere, which the policy of the page would refuse as such
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`));
  assert.deepEqual(found, []);
}

test("a click is a request on the wire, and the inspector has its bytes", async (t) => {
  const home = await run(t, "bedroom");
  const wire = [];
  const other = await mqtt.connectAsync(home.ready.broker, { protocolVersion: 5 });
  t.after(() => other.endAsync());
  other.on("message", (topic, payload, packet) => wire.push({ topic, payload: payload.toString(), ...packet.properties }));
  await other.subscribeAsync("#", { qos: 1 });

  const page = await open(t, home.url);
  assert.ok(!page.url().includes("token"), "the token stays in sight");
  await page.getByRole("switch").click();
  await page.getByText("✓ matches").waitFor();
  await shot(page, "bedroom");

  assert.equal((await home.api("/v1/devices/light-in-bedroom")).values.power, "ON");
  const request = wire.find((m) => m.topic === "cmnd/light-in-bedroom/power");
  assert.equal(request.payload, "ON");
  const answer = wire.find((m) => m.topic === request.responseTopic);
  assert.deepEqual(answer.correlationData, request.correlationData);
  const tags = (await page.locator(".tag.correlation").allTextContents()).map((s) => s.replaceAll(" ", ""));
  assert.deepEqual(tags, [request.correlationData.toString("hex"), answer.correlationData.toString("hex")]);
  assert.deepEqual(await page.locator(".tag.topic").allTextContents(), [request.responseTopic, answer.topic]);
});

test("a command by hand is on no wire", async (t) => {
  const home = await run(t, "bedroom");
  const page = await open(t, home.url);
  await page.getByRole("button", { name: "By hand" }).click();
  await page.getByRole("switch").click();
  await page.locator('.switch[aria-checked="true"]').waitFor();
  const acts = (await home.api("/v1/interventions")).interventions;
  assert.equal(acts.length, 1);
  assert.equal(acts[0].request.via ?? "mqtt", "hand");
});

test("a device dies and its card shows it, and it is revived", async (t) => {
  const home = await run(t, "apartment");
  const page = await open(t, home.url);
  await page.locator('[data-device="light-01"] .name').click();
  await page.getByLabel("Kill…").selectOption({ label: "Cut: the connection breaks" });
  const card = page.locator('[data-device="light-01"].off');
  await card.getByText(/Offline 0:0\d · cut/).waitFor();
  await page.getByText("11 of 12 online").waitFor();
  await shot(page, "offline");
  await card.getByRole("button", { name: "Revive" }).click();
  await page.getByText("12 of 12 online").waitFor();
});

test("one strike is one intervention, and says beforehand whom it befalls", async (t) => {
  const home = await run(t, "apartment-block");
  const page = await open(t, home.url);
  await page.locator(".house").nth(39).waitFor();
  assert.equal(await page.locator(".house").count(), 40);
  await page.locator("#filter").fill("home=flat-04");
  await page.getByRole("button", { name: "Strike…" }).click();
  await page.getByLabel("How long").fill("5m");
  await page.getByText("befalls 25 devices").waitFor();
  await page.getByRole("button", { name: "Strike", exact: true }).click();
  await page.getByText("975 of 1,000 online").waitFor();
  await page.locator("#filter").fill("");
  await page.getByRole("button", { name: /flat-04 dark/ }).waitFor();
  await shot(page, "street");
  const acts = (await home.api("/v1/interventions")).interventions;
  assert.deepEqual(acts.map((a) => [a.op, a.selected]), [["strike", 25]]);
  await page.getByRole("button", { name: "End" }).click();
  await page.getByText("1,000 of 1,000 online").waitFor();
});

test("a wrong token, and a run that ends, are said", async (t) => {
  const home = await run(t, "bedroom");
  const wrong = await open(t, home.ready.control.url + "/#token=none");
  await wrong.getByText("The token is missing or wrong").waitFor();
  const page = await open(t, home.url);
  await page.getByRole("switch").waitFor();
  await home.stop();
  await page.getByRole("heading", { name: /Ran|The run is over/ }).waitFor();
  await page.locator(".card").waitFor(); // what was known stays
});

test("by keyboard alone", async (t) => {
  const home = await run(t, "bedroom");
  const page = await open(t, home.url);
  await page.getByRole("switch").waitFor();
  for (let i = 0; i < 20 && !(await page.evaluate(() => document.activeElement?.role === "switch")); i++) await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.locator('.switch[aria-checked="true"]').waitFor();
});

for (const [name, options] of [
  ["dark", { colorScheme: "dark" }],
  ["light", { colorScheme: "light" }],
  ["phone", { colorScheme: "dark", viewport: { width: 360, height: 740 }, reducedMotion: "reduce" }],
]) {
  test(`nothing bars anybody: ${name}`, async (t) => {
    const home = await run(t, "apartment");
    const page = await open(t, home.url, options);
    await page.locator('[data-device="light-01"] .switch').click();
    await page.locator('[data-device="light-01"] .name').click(); // a switch alone opens nothing on a phone
    await page.getByText("✓ matches").waitFor();
    await shot(page, name);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, "it scrolls sideways");
    await flawless(page);
  });
}
