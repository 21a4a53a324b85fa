// The states that a page can be in, and the end of a run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { test } from "node:test";
import { flawless, go, group, measured, open, run, scenario, shot, until, way } from "./harness.js";

/** A port of this machine where somebody listens who says nothing, and one that is free. */
async function ports(t) {
  const silent = createServer((socket) => socket.on("error", () => {}));
  const free = createServer();
  const at = await Promise.all([silent, free].map((s) => new Promise((done) => s.listen(0, "127.0.0.1", () => done(s.address().port)))));
  await new Promise((done) => free.close(done));
  t.after(() => silent.close());
  return at;
}

group("states", () => {
  test("a wrong token is said, and where the right one is; the right address in the same tab helps", async (t) => {
    const home = await run(t, "bedroom");
    const page = await open(t, home.ready.control.url + "/#token=none");
    await page.getByText("The token is missing or wrong").waitFor();
    await shot(page, "state-token");
    await flawless(page);
    await page.evaluate((url) => (location.href = url), home.url); // as if it was pasted: the fragment alone changes
    await page.getByRole("switch").waitFor();
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
    const [silent, free] = await ports(t);
    const at = `127.0.0.1:${free}`;
    const one = spawn(process.env.HOMEFLEET, ["run", "apartment", "-q", "--exit-with-parent", "--no-preflight", "--broker", `mqtt://127.0.0.1:${silent}`, "--control", at],
      { stdio: "ignore", env: { ...process.env, HOMEFLEET_CONTROL_TOKEN: "of-the-test" } });
    t.after(() => one.kill("SIGKILL"));
    await until(() => fetch(`http://${at}/healthz`).then((r) => r.ok, () => false), "it answers");
    const page = await open(t, `http://${at}/#token=of-the-test`, { clock: true });
    await page.getByText("Starting 12 devices…").or(page.getByText("No device is up")).waitFor();
    await page.clock.fastForward(5000);
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
    await until(async () => (await home.api("/v1/history")).points.length >= 4, "four seconds go by");
    const earliest = () => page.locator(".chart .tick").filter({ hasText: /^−?\d+:\d\d$/ }).first().textContent();
    await page.reload();
    await page.locator(".chart").waitFor();
    assert.match(await earliest(), /^(−0:0\d|0:0[01])$/, "the past is not back");
    await shot(page, "load");
    await home.api("/v1/stop", {});
    assert.notEqual(await home.ended, null, "a run ends although its page is open");
    await page.locator(".banner.over h2").waitFor();
    await page.getByText(/The run is over; it lasted \d+:\d\d/).waitFor();
    await shot(page, "state-over");
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the report" }).click()]);
    const html = await readFile(await saved.path(), "utf8");
    assert.match(saved.suggestedFilename(), /^homefleet-\w+\.html$/);
    assert.match(html, /<h1>A short measurement<\/h1>/);
    assert.equal(await page.getByRole("button", { name: "Incident…" }).count(), 0, "something can be done to a run that is over");
    await flawless(page);
  });

  test("a run that ends while the page hears nothing: its verdict is there as soon as it answers", async (t) => {
    const home = await run(t, await scenario(measured(600)), "--metrics", "127.0.0.1:0", "--linger", "10m");
    const between = await way(t, home.url);
    const page = await open(t, between.url);
    await page.getByText("10 of 10 online").waitFor();
    between.cut();
    await page.getByText("The run does not answer").waitFor();
    await home.api("/v1/stop", {});
    await until(async () => (await home.api("/v1/result")).over, "it is over");
    between.open();
    await page.getByText(/The run is over; it lasted/).waitFor();
    const { result } = await home.api("/v1/result");
    assert.equal((await page.locator(".banner.over h2").textContent()).toLowerCase(), result.verdict);
  });

  test("another run at the same address: nothing of the one before is left", async (t) => {
    const first = await run(t, "apartment");
    const port = new URL(first.ready.control.url).port;
    const page = await open(t, first.url);
    await first.api("/v1/actions/kill", { select: { id: "light-01" }, way: "cut" });
    await page.getByText("11 of 12 online").waitFor();
    await first.die();
    await page.getByText(/as of \d\d:\d\d:\d\d/).waitFor();
    await run(t, "bedroom", "--control", `127.0.0.1:${port}`);
    await page.getByText("1 of 1 online").waitFor();
    assert.equal(await page.locator(".card").count(), 1);
    assert.equal(await page.locator(".banner").count(), 0);
  });
});
