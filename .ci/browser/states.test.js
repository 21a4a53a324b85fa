// The states that a page can be in, and the end of a run.

import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { early, flawless, go, group, measured, open, run, scenario, shot, until, way } from "./harness.js";

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
    const silent = createServer((socket) => socket.on("error", () => {})); // somebody listens, and says nothing
    await new Promise((done) => silent.listen(0, "127.0.0.1", done));
    t.after(() => silent.close());
    const home = await early(t, "apartment", "--no-preflight", "--broker", `mqtt://127.0.0.1:${silent.address().port}`);
    const page = await open(t, home.url, { clock: true });
    await page.getByText("Starting 12 devices…").or(page.getByText("No device is up")).waitFor();
    await page.clock.fastForward(5000);
    await page.getByText("No device is up").waitFor();
    await shot(page, "state-nobody");
  });

  test("a broker that goes again: nobody is up, and nobody says that it has let none of them in", async (t) => {
    const between = await way(t, (await run(t, "bedroom")).ready.broker);
    between.cut();
    const home = await early(t, "apartment", "--no-preflight", "--broker", between.url);
    const page = await open(t, home.url);
    await page.getByText("No device is up").waitFor();
    between.open();
    await page.getByText("12 of 12 online").waitFor();
    await page.locator(".banner").waitFor({ state: "detached" });
    between.cut();
    await page.getByText("0 of 12 online", { exact: true }).waitFor();
    await page.locator(".card.off").nth(11).waitFor();
    assert.equal(await page.getByText("let none of them in").count(), 0);
  });

  test("a measured run: the books add up, a pause is seen, a reload shows the past, the end has a verdict and the report", async (t) => {
    const home = await run(t, await scenario(measured(600)));
    const page = await open(t, home.url);
    await go(page, "load");
    await page.getByText("It adds up.").waitFor();
    await go(page, "wills");
    await page.getByText("Nobody audits Will Messages in this run. Add [audit] to the scenario").waitFor();
    await go(page, "load");
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

  test("a run that was looked at before it measured: its moments count from the start of measuring, as after a reload", async (t) => {
    const between = await way(t, (await run(t, "bedroom")).ready.broker);
    between.cut();
    const home = await early(t, await scenario(measured(600).replace("warm_up", 'connect = "10m"\nwarm_up')), "--no-preflight", "--broker", between.url);
    const page = await open(t, home.url);
    await page.locator(".clock", { hasText: /^connecting \d+:\d\d$/ }).waitFor();
    await home.api("/v1/actions/behave", { select: { all: true } });
    await go(page, "load");
    await until(async () => (await home.api("/v1/history")).points.length >= 3, "some seconds go by");
    between.open();
    await page.locator(".clock", { hasText: /^measuring \d+:\d\d$/ }).waitFor();
    await page.locator(".chart .tick").filter({ hasText: /^−\d+:\d\d$/ }).first().waitFor();
    const course = async () => [...(await page.locator(".chart > .line.online").getAttribute("d")).matchAll(/[MH]([\d.]+)/g)].map((m) => Number(m[1]));
    await until(async () => (await course()).length >= 5, "some seconds are drawn");
    const drawn = await course();
    assert.deepEqual(drawn, drawn.toSorted((a, b) => a - b), "it goes back in time");
    await go(page, "log");
    await page.getByRole("row", { name: /^−\d+:\d\d behave/ }).waitFor();
  });

  test("a run that ends while it is asked for something, and answers no more: its end is heard", async (t) => {
    const home = await run(t, await scenario(measured(600)));
    const page = await open(t, home.url);
    await page.getByText("10 of 10 online").waitFor();
    await page.route(/v1\/(homes|kinds)/, (r) => r.abort());
    const asked = page.waitForRequest(/v1\/homes/);
    await home.api("/v1/devices", { kind: "light", id: "guest" });
    await asked; // where the guest belongs
    await home.api("/v1/stop", {});
    await page.getByText(/The run is over; it lasted/).waitFor();
    await page.getByRole("button", { name: "Save the report" }).waitFor();
  });

  test("more viewers than there may be: it is said that there are too many, not that nobody answers", async (t) => {
    const home = await run(t, "bedroom");
    const away = new AbortController();
    t.after(() => away.abort());
    const headers = { authorization: `Bearer ${home.ready.control.token}` };
    const viewers = []; // who are forgotten, go
    for (let i = 0; i < 8; i++) viewers.push(await fetch(home.ready.control.url + "/v1/events", { headers, signal: away.signal }));
    assert.ok(viewers.every((v) => v.ok));
    const page = await open(t, home.url);
    await page.getByText("Too many are looking on").waitFor();
    await page.getByText("8 streams of events are open").waitFor();
    assert.equal(await page.getByText("does not answer").count(), 0);
    away.abort();
    await page.getByRole("switch").waitFor();
    await page.locator(".banner").waitFor({ state: "detached" });
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

  test("a run that nobody can be asked about any more: its last second is there, and all of a short one", async (t) => {
    const home = await run(t, await scenario(measured(600)));
    const page = await open(t, home.url);
    await page.route(/v1\/history/, (r) => r.abort()); // whatever is missing can be asked for no more
    await page.getByText("10 of 10 online").waitFor();
    await until(async () => (await home.api("/v1/history")).points.length >= 2, "a second goes by");
    await home.api("/v1/stop", {});
    await page.getByText(/The run is over; it lasted/).waitFor();
    await go(page, "load");
    await page.getByRole("heading", { name: /^Requests/ }).waitFor();
    await page.getByText("It adds up.").waitFor();
    await page.locator(".chart .line.received").nth(1).waitFor(); // the first is that of the key
    const times = (await page.locator(".chart > .line.online").getAttribute("d")).match(/[MH][\d.]+/g).map((m) => Number(m.slice(1)));
    assert.ok(times.length >= 3, "not every second of it is drawn");
  });

  test("at its end the page has what the result has, whatever was looked at before", async (t) => {
    const file = join(tmpdir(), `homefleet-result-${process.pid}.json`);
    t.after(() => rm(file, { force: true }));
    const home = await run(t, await scenario(measured(600) + `"wills.on_time" = "== 1"\n[audit]\n`), "--result", file);
    const page = await open(t, home.url);
    const { devices } = await home.api("/v1/devices");
    await home.api("/v1/actions/kill", { select: { ids: [devices[0].id] }, way: "cut" });
    await page.getByText("9 of 10 online").waitFor();
    await until(async () => (await home.api("/v1/wills?verdict=on-time")).wills.length === 1, "its Will has come");
    await home.api("/v1/stop", {});
    await home.ended;
    await page.getByText(/The run is over; it lasted/).waitFor();
    const result = JSON.parse(await readFile(file, "utf8"));
    await go(page, "load");
    const [planned, sent, notSent] = (await page.getByRole("heading", { name: /^Requests/ }).textContent()).replaceAll(",", "").match(/\d+/g).map(Number);
    const of = result.ledger;
    assert.deepEqual([planned, sent, notSent], [of.planned, of.sent, of.planned - of.sent]);
    const part = async (name) => Number((await page.locator(".parts li").filter({ hasText: name }).locator("b").textContent()).replaceAll(",", ""));
    assert.deepEqual([await part("Answered"), await part("Lost"), await part("Open at the end")], [of.answered, of.lost, 0]);
    const tile = async (name) => (await page.locator(".tiles > div").filter({ has: page.locator("dt", { hasText: name }) }).locator("dd").allTextContents()).slice(0, 2);
    assert.deepEqual(await tile("Sent"), [of.sent.toLocaleString("en"), `of ${of.planned.toLocaleString("en")} planned`]);
    assert.deepEqual(await tile("Online"), ["9", "of 10, at the end"]);
    assert.equal(await page.getByText("last second").count(), 0, "something is said of now");
    await page.getByText("It adds up.").waitFor();
    const held = result.expectations.filter((e) => e.status === "pass").length;
    await page.getByText(`${held} of ${result.expectations.length} held`).waitFor();
    await go(page, "wills");
    await page.getByRole("region", { name: "Ways and verdicts" }).getByRole("row", { name: /^cut 1 / }).waitFor();
  });

  test("a run that ends just as other devices are to be watched: its end is heard all the same", async (t) => {
    const home = await run(t, "apartment");
    const page = await open(t, home.url);
    await page.getByText("12 of 12 online").waitFor();
    await page.locator(".card").first().waitFor();
    await until(async () => (await page.evaluate(() => performance.getEntriesByType("resource").filter((e) => e.name.includes("/v1/events")).length)) > 0, "the cards are watched");
    let asked = 0;
    await page.route(/v1\/events/, () => asked++); // which are never answered
    await go(page, "load");
    await until(() => asked > 0, "a stream without the cards is asked for");
    await home.api("/v1/actions/command", { select: { ids: ["light-01"] }, attribute: "power", payload: "ON" });
    await home.stop();
    await page.getByText(/The run is over; it lasted/).waitFor();
    await page.getByRole("button", { name: "Save the report" }).waitFor();
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
    await page.locator(".banner").waitFor({ state: "detached" });
  });
});
