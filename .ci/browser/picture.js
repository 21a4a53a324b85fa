// The picture of the page in README.md: picture.js URL TOKEN FILE, of a run of apartment-block.

import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const [url, token, file] = process.argv.slice(2);
const post = async (path, body) => {
  const reply = await fetch(url + path, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${path}: ${await reply.text()}`);
};
const lights = (share, attribute, payload) => post("/v1/actions/command", { select: { kind: "light", share }, attribute, payload, via: "hand" });
await lights("45%", "power", "ON");
for (const [share, colour] of [["12%", "#ff5ad1"], ["12%", "#5ad1ff"], ["10%", "#8cff8c"]]) await lights(share, "color", colour);
await lights("30%", "brightness", "60");
await post("/v1/incidents", { kind: "power-cut", target: { home: "flat-04" }, for: "10m" });

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "dark" });
await page.goto(`${url}/#token=${token}`);
await page.getByRole("button", { name: "flat-07" }).click();
await page.getByRole("heading", { name: /flat-07/ }).waitFor();
const lamp = page.locator('[data-device="flat-07-light-03"] .switch');
if ((await lamp.getAttribute("aria-checked")) === "true") await lamp.click();
await page.locator('[data-device="flat-07-light-03"] .switch[aria-checked="false"]').waitFor();
await lamp.click();
await page.locator(".inspector").getByText("✓ matches").waitFor();
await page.locator('[data-device="flat-07-light-03"] .switch[aria-checked="true"]').waitFor();
await page.getByRole("button", { name: "flat-04 dark" }).waitFor();
await page.evaluate(() => scrollTo(0, 0));
await page.mouse.move(640, 70); // away from what it would light up
await sleep(1500);
await page.screenshot({ path: file });
await browser.close();
