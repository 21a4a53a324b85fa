// Measures what the page costs: measure.js city FOLDER, soak FOLDER, run FILE or page FILE. .ci/browser/measure says what each is.

import { spawn } from "node:child_process";
import { open as openFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const [what, to] = process.argv.slice(2);
const seconds = (name, usual) => Number(process.env[name] ?? usual);

/** A run, of which the result goes to a file. */
async function run(scenario, result, ...flags) {
  const ready = join(process.cwd(), "ready.json");
  await rm(ready, { force: true });
  const out = result ? await openFile(result, "w") : null;
  const child = spawn(process.env.HOMEFLEET, ["run", scenario, "-q", "--exit-with-parent", "--ready-file", ready, "--listen", "127.0.0.1:0", "--ui=url", ...flags],
    { stdio: ["ignore", out ? out.fd : "ignore", "inherit"] });
  await out?.close(); // the run has its own
  const ended = new Promise((done) => child.once("exit", (code) => done(code)));
  let at;
  while (!(at = await readFile(ready, "utf8").then(JSON.parse, () => null))) {
    if (child.exitCode !== null) throw new Error("homefleet ended before it was ready");
    await sleep(50);
  }
  const get = async (path) => (await fetch(at.control.url + path, { headers: { authorization: `Bearer ${at.control.token}` } })).text();
  return { pid: child.pid, ended, get, stop: () => (child.kill("SIGINT"), ended), url: `${at.control.url}/#token=${at.control.token}` };
}

const browse = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const viewport = { viewport: { width: 1280, height: 800 } };

/** CPU of a process so far, in seconds. */
async function cpu(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function share(pid, span) {
  const [began, at] = [await cpu(pid), performance.now()];
  await sleep(1000 * span);
  return ((await cpu(pid)) - began) / ((performance.now() - at) / 1000);
}

const percent = (of) => `${(100 * of).toFixed(1)} %`;
const mean = (all) => all.reduce((a, b) => a + b, 0) / all.length;

async function city() {
  const home = await run("city");
  const browser = await browse();
  try {
    while (JSON.parse(await home.get("/readyz")).ready !== true) await sleep(200);
    const span = seconds("SPAN", 30);
    const [alone, seen] = [[], []];
    for (let i = 0; i < 3; i++) {
      alone.push(await share(home.pid, span));
      const page = await browser.newPage(viewport);
      await page.goto(home.url);
      await page.locator("canvas").waitFor();
      await sleep(3000);
      seen.push(await share(home.pid, span));
      await page.close();
      await sleep(2000);
      console.log(`of a core: ${percent(alone.at(-1))} without a viewer, ${percent(seen.at(-1))} with one`);
    }
    console.log(`a viewer costs ${percent(mean(seen) - mean(alone))} of a core; want at most 5 %`);
    await pan(await browser.newPage(viewport), home.url);
  } finally {
    await browser.close();
    await home.stop();
  }
}

async function pan(page, url) {
  await page.goto(url);
  const canvas = page.locator("canvas");
  await canvas.waitFor();
  const box = await canvas.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  for (const zoom of [0, -600, -600]) {
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, zoom);
    await sleep(500);
    await page.evaluate(() => (document.querySelector("canvas").frames.length = 0));
    await page.mouse.down();
    for (let i = 1; i <= 60; i++) await page.mouse.move(x - 3 * i, y - i);
    await page.mouse.up();
    await sleep(300);
    const frames = await page.evaluate(() => document.querySelector("canvas").frames.toSorted((a, b) => a - b));
    console.log(`panning at zoom ${zoom}: ${frames.length} frames, p50 ${frames[frames.length >> 1].toFixed(2)} ms, p95 ${frames[Math.floor(frames.length * 0.95)].toFixed(2)} ms, most ${frames.at(-1).toFixed(2)} ms; want p95 under 16 ms`);
  }
}

async function soak() {
  const home = await run(join(process.cwd(), "soak.toml"), join(to, "soak.json"), "--json");
  const browser = await browse();
  const page = await browser.newPage(viewport);
  await page.goto(home.url);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const each = seconds("EACH", 300);
  const mb = (n) => (n / 1e6).toFixed(1);
  const views = ["messages", "load", "wills", "log", "homes"];
  for (let i = 0, over = false; !over; i++) {
    for (const v of views) { // all of them, and at last the same one, or two moments could not be compared
      await page.evaluate((at) => (location.hash = at), v).catch(() => {});
      await sleep(3000);
    }
    for (let n = 0; n < 3; n++) await devtools.send("HeapProfiler.collectGarbage");
    const all = Object.fromEntries((await devtools.send("Performance.getMetrics")).metrics.map((m) => [m.name, m.value]));
    const rss = Number((await readFile(`/proc/${home.pid}/status`, "utf8").catch(() => "VmRSS: 0")).match(/VmRSS:\s+(\d+)/)?.[1] ?? 0) * 1024;
    const live = Number((await home.get("/metrics").catch(() => "")).match(/^go_gc_heap_live_bytes ([\d.e+]+)/m)?.[1] ?? NaN);
    console.log(`${Math.round(i * each)} s: the tab ${mb(all.JSHeapUsedSize)} MB, ${all.Nodes} nodes, ${all.JSEventListeners} listeners; homefleet ${mb(rss)} MB resident, ${mb(live)} MB live`);
    over = await Promise.race([home.ended.then(() => true), sleep(1000 * each).then(() => false)]);
  }
  console.log(`the run ended with ${await home.ended}; the page says: ${(await page.locator(".banner").first().textContent().catch(() => "nothing")).slice(0, 200)}`);
  await browser.close();
}

async function one(result, looked) {
  const home = await run("request-response", result, "--size", "m", "--json");
  const browser = looked ? await browse() : null;
  if (browser) {
    const page = await browser.newPage(viewport);
    await page.goto(home.url.replace("#", "#load&"));
    await page.evaluate(() => (location.hash = "load"));
  }
  const code = await home.ended;
  await browser?.close();
  const { verdict } = JSON.parse(await readFile(result, "utf8"));
  console.log(`${result}: ${verdict}, exit ${code}`);
}

await { city, soak, run: () => one(to, false), page: () => one(to, true) }[what]();
