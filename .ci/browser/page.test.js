// The page in Chromium, on the binary that HOMEFLEET names, beside an MQTT client that shares nothing with it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { audited, flawless, go, group, listener, notSideways, open, run, scenario, shot, street } from "./harness.js";

group("what is done", () => {
  test("a click is a request on the wire, and the inspector has its bytes", async (t) => {
    const home = await run(t, "bedroom");
    const { heard } = await listener(t, home.ready.broker);
    const page = await open(t, home.url);
    assert.ok(!page.url().includes("token"), "the token stays in sight");
    await page.getByRole("switch").click();
    await page.getByText("✓ matches").waitFor();
    await shot(page, "bedroom");

    assert.equal((await home.api("/v1/devices/light-in-bedroom")).values.power, "ON");
    const request = heard.find((m) => m.topic === "cmnd/light-in-bedroom/power");
    assert.equal(request.payload, "ON");
    const answer = heard.find((m) => m.topic === request.responseTopic);
    assert.deepEqual(answer.correlationData, request.correlationData);
    const tags = (await page.locator(".tag.correlation").allTextContents()).map((s) => s.replaceAll(" ", ""));
    assert.deepEqual(tags, [request.correlationData.toString("hex"), answer.correlationData.toString("hex")]);
    assert.deepEqual(await page.locator(".tag.topic").allTextContents(), [request.responseTopic, answer.topic]);
  });

  test("a command by hand is on no wire", async (t) => {
    const home = await run(t, "bedroom");
    const { heard } = await listener(t, home.ready.broker, "cmnd/#");
    const page = await open(t, home.url);
    await page.getByRole("button", { name: "By hand" }).click();
    await page.getByRole("switch").click();
    await page.locator('.switch[aria-checked="true"]').waitFor();
    const acts = (await home.api("/v1/interventions")).interventions;
    assert.deepEqual(acts.map((a) => a.request.via), ["hand"]);
    await page.getByRole("button", { name: "By MQTT" }).click();
    await page.getByRole("switch").click();
    await page.locator('.switch[aria-checked="false"]').waitFor();
    await page.getByText("✓ matches").waitFor();
    assert.deepEqual(heard.map((m) => m.payload), ["OFF"]);
  });

  test("a device dies and its card shows it, and it is revived", async (t) => {
    const home = await run(t, "apartment");
    const page = await open(t, home.url);
    await page.locator('[data-device="light-01"] .name').click();
    await page.getByLabel("Kill…").selectOption({ label: "Cut: the connection breaks" });
    const card = page.locator('[data-device="light-01"].off');
    await card.getByText(/Offline \d+:\d\d · cut/).waitFor();
    await page.getByText("11 of 12 online").waitFor();
    await shot(page, "offline");
    await card.getByRole("button", { name: "Revive" }).click();
    await page.getByText("12 of 12 online").waitFor();
  });

  test("an incident is one intervention, and is ended", async (t) => {
    const home = await run(t, "apartment-block");
    const page = await open(t, home.url);
    await page.locator(".house").nth(39).waitFor();
    assert.equal(await page.locator(".house").count(), 40);
    await page.locator("#filter").fill("home=flat-04");
    await page.getByRole("button", { name: "Incident…" }).click();
    await page.getByLabel("How long").fill("5m");
    await page.getByText("It will affect 25 devices.").waitFor();
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("975 of 1,000 online").waitFor();
    await page.locator("#filter").fill("");
    await page.getByRole("button", { name: /flat-04 dark/ }).waitFor();
    await page.locator(".chip").getByText(/power-cut · flat-04 · 25 devices · [45]:\d\d left/).waitFor();
    await shot(page, "street");
    const acts = (await home.api("/v1/interventions")).interventions;
    assert.deepEqual(acts.map((a) => [a.op, a.selected]), [["strike", 25]]);
    await page.getByRole("button", { name: "End" }).click();
    await page.getByText("1,000 of 1,000 online").waitFor();
  });

  test("by keyboard alone", async (t) => {
    const home = await run(t, "bedroom");
    const page = await open(t, home.url);
    await page.getByRole("switch").waitFor();
    for (let i = 0; i < 20 && !(await page.evaluate(() => document.activeElement?.role === "switch")); i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.locator('.switch[aria-checked="true"]').waitFor();
  });

  test("a Will is due, or came on time, and the inspector has what the wire has", async (t) => {
    const home = await run(t, await scenario(audited));
    const { heard } = await listener(t, home.ready.broker, "tele/#");
    const page = await open(t, home.url);
    const kill = async (id) => {
      await page.locator(`[data-device="${id}"] .name`).click();
      await page.getByLabel("Kill…").selectOption({ label: "Cut: the connection breaks" });
    };
    await kill("patient");
    await page.locator('[data-device="patient"].off').getByText(/Will due in (30:00|29:\d\d)/).waitFor();
    await kill("lamp-1");
    await page.locator('[data-device="lamp-1"].off').getByText("Will came on time").waitFor();
    await shot(page, "will-due");
    await page.getByRole("button", { name: /^Will/ }).click();
    const will = heard.find((m) => m.topic.startsWith("tele/lamp-1/") && m.responseTopic);
    assert.deepEqual(await page.locator(".ladder .tag.topic").allTextContents(), [will.responseTopic, will.responseTopic]);
    assert.equal((await page.locator(".ladder .tag.correlation").first().textContent()).replaceAll(" ", ""), will.correlationData.toString("hex"));
    await shot(page, "will");
    await go(page, "wills");
    await page.getByRole("region", { name: "Ways and verdicts" }).getByRole("row", { name: "cut 1 1 2" }).waitFor();
  });

  test("a misbehaving device is shown as one, and a command of one's own is answered", async (t) => {
    const home = await run(t, "apartment");
    const page = await open(t, home.url);
    await page.locator('[data-device="light-01"] .name').click();
    await page.getByLabel("Misbehave…").selectOption({ label: "Wrong Correlation Data" });
    await page.getByText("wrong correlation 100%").waitFor();
    await assert.rejects(home.api("/v1/devices/light-01/command", { attribute: "power", payload: "ON", timeout: "300ms" }), /no answer/);
    await page.getByText("✗ does not match").waitFor();
    await page.getByRole("button", { name: "Behave again" }).click();
    await page.getByLabel("Misbehave…").waitFor();
    await page.getByLabel("Attribute").selectOption("brightness");
    await page.getByLabel("Payload").fill("40");
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("✓ matches").waitFor();
    await page.getByLabel("Payload").fill("bright");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".command .against").getByText(/bright/).waitFor();
    await page.locator('[data-device="light-02"] .name').click();
    await page.getByRole("heading", { name: "light-02" }).waitFor();
    assert.equal(await page.locator(".against").count(), 0, "what one device said stands at another");
    await go(page, "messages");
    await page.getByRole("row", { name: /brightness bright .* error/ }).waitFor();
  });
});

group("nothing bars anybody, in any view", () => {
  for (const [name, options] of [
    ["dark", { colorScheme: "dark" }],
    ["light", { colorScheme: "light" }],
    ["phone", { colorScheme: "dark", viewport: { width: 360, height: 740 }, reducedMotion: "reduce" }],
    ["forced colours", { forcedColors: "active" }],
  ]) {
    test(name, async (t) => {
      const home = await run(t, await scenario(street));
      const page = await open(t, home.url, options);
      await page.locator(".house").nth(1).click();
      await page.locator(".card .switch").first().click();
      await page.locator(".card .name").first().click(); // a switch alone opens nothing on a phone
      await page.getByText("✓ matches").waitFor();
      for (const view of ["homes", "messages", "load", "wills", "log"]) {
        await go(page, view);
        await page.locator(`nav a[href="#${view}"][aria-current]`).waitFor();
        if (view === "load") await page.locator(".chart").waitFor();
        await shot(page, `${view}-${name.replace(" ", "-")}`);
        await notSideways(page);
        await flawless(page);
      }
      await go(page, "homes");
      if (name === "phone") await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("button", { name: "Incident…" }).click();
      await page.getByText(/It will affect/).waitFor();
      await shot(page, `incident-${name.replace(" ", "-")}`);
      await flawless(page);
    });
  }
});
