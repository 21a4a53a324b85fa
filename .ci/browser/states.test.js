// The states that a page can be in, and the end of a run.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { measured, flawless, go, open, run, scenario, shot, sleep } from "./harness.js";

test("a wrong token is said, and where the right one is", async (t) => {
  const home = await run(t, "bedroom");
  const page = await open(t, home.ready.control.url + "/#token=none");
  await page.getByText("The token is missing or wrong").waitFor();
  await shot(page, "state-token");
  await flawless(page);
});

test("without JavaScript it is said what else there is", async (t) => {
  const home = await run(t, "bedroom");
  const page = await open(t, home.url, { javaScriptEnabled: false });
  const said = page.locator("noscript main"); // by text nothing is found in it
  await said.waitFor();
  assert.match(await said.textContent(), /homefleet ctl ls/);
  await shot(page, "state-no-javascript");
});

test("a run that is gone: what was known stays, as of when", async (t) => {
  const home = await run(t, "apartment");
  const page = await open(t, home.url);
  await page.locator(".card .switch").first().waitFor();
  await home.die();
  await page.getByText(/as of \d\d:\d\d:\d\d/).waitFor();
  assert.equal(await page.locator(".card").count(), 12);
  await shot(page, "state-lost");
  await flawless(page);
});

test("no device is up: it is said what to look at", async (t) => {
  const silent = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1"); // a broker that says nothing
  const port = createServer().listen(0, "127.0.0.1");
  await Promise.all([silent, port].map((s) => new Promise((done) => (s.listening ? done() : s.once("listening", done)))));
  const at = `127.0.0.1:${port.address().port}`;
  await new Promise((done) => port.close(done));
  const one = spawn(process.env.HOMEFLEET, ["run", "apartment", "-q", "--exit-with-parent", "--no-preflight", "--broker", `mqtt://127.0.0.1:${silent.address().port}`, "--control", at],
    { stdio: "ignore", env: { ...process.env, HOMEFLEET_CONTROL_TOKEN: "of-the-test" } });
  t.after(() => (one.kill("SIGKILL"), silent.close()));
  for (let i = 0; i < 200 && !(await fetch(`http://${at}/healthz`).then((r) => r.ok, () => false)); i++) await sleep(25);
  const page = await open(t, `http://${at}/#token=of-the-test`);
  await page.getByText("No device is up").waitFor();
  await shot(page, "state-nobody");
});

test("a measured run: the books add up, a pause is seen, a reload shows the past, the end has a verdict and the report", async (t) => {
  const home = await run(t, await scenario(measured(600)));
  const page = await open(t, home.url);
  await go(page, "load");
  await page.getByText("It adds up.").waitFor();
  await page.getByRole("button", { name: "Pause load" }).click();
  await page.getByRole("button", { name: "Resume load" }).waitFor();
  const paused = async () => (await home.api("/v1/load")).groups[0];
  assert.equal((await paused()).paused, true);
  await page.getByRole("button", { name: "Resume load" }).click();
  await page.getByRole("button", { name: /twice the rate of phones/ }).click();
  await page.getByText("100/s").first().waitFor();
  const seconds = (n) => page.waitForFunction((n) => ([...document.querySelectorAll(".line.online")].at(-1)?.getAttribute("d").match(/H/g) ?? []).length >= n, n);
  await seconds(5);
  await page.reload();
  await seconds(5); // at once: so many have not gone by again
  assert.ok((await page.evaluate(() => performance.now())) < 5000, "the past is back before it could have been seen again");
  await shot(page, "load");
  await home.api("/v1/stop", {});
  assert.notEqual(await home.ended, null, "a run ends although its page is open");
  await page.locator(".banner.over h2").waitFor();
  await shot(page, "state-over");
  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the report" }).click()]);
  const html = await readFile(await saved.path(), "utf8");
  assert.match(saved.suggestedFilename(), /^homefleet-\w+\.html$/);
  assert.match(html, /<h1>A short measurement<\/h1>/);
  await flawless(page);
});
