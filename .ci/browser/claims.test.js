// What the page claims, against what a client that shares nothing with homefleet has seen, where it would be easy to be wrong.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { audited, go, group, listener, measured, open, run, scenario, until, way } from "./harness.js";

const consumed = audited.replace("[audit]", `[[watcher]]\nname = "hub"\nanswers = true\n[audit]`);
// Nobody is lost by a PING that comes late, on a machine that is busy.
const flats = `[connect]\nkeep_alive = "10m"\n[[device]]\nkind = "light"\nhomes = 9\ncount = 12\nhome = "flat-0{h}"\nid = "{home}-light-{n:2}"\n`;
const clockOf = (text) => text.split(":").reduce((sum, n) => 60 * sum + Number(n), 0);

group("claims", () => {
  test("what failed is not shown as done", async (t) => {
    const home = await run(t, "bedroom");
    const page = await open(t, home.url);
    const lamp = page.getByRole("switch");
    await lamp.waitFor();
    await home.api("/v1/actions/misbehave", { select: { all: true }, error: "100%" });
    await page.getByText("error 100%").waitFor();
    await lamp.click();
    await page.locator(".card .against").waitFor();
    assert.equal(await lamp.getAttribute("aria-checked"), "false");
    assert.equal((await home.api("/v1/devices/light-in-bedroom")).values.power, "OFF");
    assert.equal(await page.locator(".inspector .lesson").filter({ hasText: "two phones never mix up" }).count(), 0, "an error is told as an answer like others");
  });

  test("an answer that is lost: the device obeyed, and who asked heard nothing", async (t) => {
    const home = await run(t, "bedroom");
    const { heard } = await listener(t, home.ready.broker);
    const page = await open(t, home.url);
    await home.api("/v1/actions/misbehave", { select: { all: true }, drop: "100%" });
    await page.getByText("drop 100%").waitFor();
    await page.getByRole("switch").click();
    await page.getByText("no answer", { exact: true }).waitFor();
    await page.locator('.switch[aria-checked="true"]').waitFor();
    await until(() => heard.some((m) => m.topic === "state/light-in-bedroom/power" && m.payload === "ON"), "others hear that it is on");
    const request = heard.find((m) => m.topic === "cmnd/light-in-bedroom/power");
    assert.ok(!heard.some((m) => m.topic === request.responseTopic), "there was an answer on the wire");
  });

  for (const way of ["silence", "unplugged", "cut", "orderly"]) {
    test(`a device that goes by ${way} is not shown online`, async (t) => {
      const home = await run(t, "apartment");
      const page = await open(t, home.url);
      await page.getByText("12 of 12 online").waitFor();
      await home.api("/v1/actions/kill", { select: { id: "light-01" }, way });
      await page.getByText("11 of 12 online").waitFor();
      await page.locator('[data-device="light-01"].off').getByText(new RegExp(`Offline \\d+:\\d\\d · ${way}`)).waitFor();
      assert.equal(await page.locator('[data-device="light-01"] .switch').count(), 0, "it can be switched");
      await page.locator("#filter").fill("online=true");
      await page.locator('[data-device="light-01"]').waitFor({ state: "detached" });
      assert.equal((await home.api("/v1/devices?online=true")).total, 11);
    });
  }

  for (const how of ["stop", "cut"]) {
    test(`a stream that is lost (${how}): nothing is claimed of now, and then it is true again`, async (t) => {
      const home = await run(t, await scenario(measured(600)));
      const { devices } = await home.api("/v1/devices");
      const between = await way(t, home.url);
      const page = await open(t, between.url, { clock: true });
      await go(page, "load");
      await page.getByText("It adds up.").waitFor();
      await go(page, "homes");
      await page.locator(".card .switch").first().waitFor();
      between[how]();
      if (how === "stop") await page.clock.fastForward(11e3); // no connection has ended, but a run says something every second
      await page.getByText(/What stands here is as of \d\d:\d\d:\d\d/).waitFor();
      const runs = await page.locator(".clock").textContent();
      await page.clock.fastForward(60e3);
      assert.equal(await page.locator(".clock").textContent(), runs, "the run goes on, although nobody knows");
      assert.equal(await page.locator(".count .ok").count(), 0, "all is well, although nobody knows");
      assert.equal(await page.getByRole("button", { name: /Incident…|Pause load/ }).count(), 0, "something can be done");
      assert.equal(await page.locator(".card .switch:enabled").count(), 0, "something can be switched");
      await home.api("/v1/actions/kill", { select: { ids: [0, 3, 7].map((n) => devices[n].id) }, way: "cut" });
      assert.equal((await home.api("/v1/devices?online=true")).total, 7);
      between.open();
      await page.clock.fastForward(5e3);
      await page.getByText("7 of 10 online").waitFor();
      await page.locator(".banner").waitFor({ state: "detached" });
      await go(page, "log");
      await page.getByText(new RegExp(`^kill · ${devices[0].id}, `)).waitFor();
    });
  }

  test("bytes that are no text, and a line for the shell that asks the same", async (t) => {
    const home = await run(t, "bedroom");
    const { client, heard } = await listener(t, home.ready.broker);
    const page = await open(t, home.url);
    await page.getByRole("switch").waitFor();
    const ask = (payload, correlationData) => client.publishAsync("cmnd/light-in-bedroom/power", payload, { qos: 1, properties: { responseTopic: "odd/answers", correlationData } });
    const odd = Buffer.from([0, 255, 0x80, 10, 0xfe]);
    await ask(Buffer.from([0x4f, 0xff, 0xc3, 0x28, 0x00]), odd);
    await page.locator(".ladder").getByText(/5 bytes, not UTF-8/).waitFor();
    const answer = await until(() => heard.find((m) => m.topic === "odd/answers"), "it is answered");
    assert.deepEqual(answer.correlationData, odd);
    assert.deepEqual(await page.locator(".tag.correlation").allTextContents(), ["00ff 800a fe", "00ff 800a fe"]);
    await page.locator(".copy").getByText(/no text/).waitFor();

    await ask(Buffer.from("\u{fffd}!"), odd); // which is text, and looks the same
    await page.locator(".ladder").getByText(/4 bytes$/).first().waitFor();
    for (const text of ["it's $HOME `id` \"x\" \\n !", "two\nlines\t", "-q ü", "ON"]) {
      await ask(text, odd);
      const shell = page.locator(".copy code");
      await page.locator('.earlier button[aria-pressed="true"]').filter({ hasText: text.slice(0, 3) }).waitFor();
      const line = await shell.textContent();
      const before = heard.length;
      await promisify(execFile)("bash", ["-c", `timeout 20 ${line}`]).catch((e) => assert.equal(e.code, 27, `${line}\n${e.stderr}`)); // 27: no answer in time
      const again = heard.slice(before).find((m) => m.topic === "cmnd/light-in-bedroom/power");
      assert.equal(again?.payload, text, line);
      assert.equal(again.responseTopic, "odd/answers");
    }
  });

  test("the number before an incident is the number of those that it took", async (t) => {
    const home = await run(t, await scenario(flats));
    const { heard } = await listener(t, home.ready.broker, "tele/+/lwt");
    const page = await open(t, home.url);
    await page.locator(".house").nth(8).waitFor();
    await home.api("/v1/actions/kill", { select: { home: "flat-01", kind: "light" }, way: "cut" });
    await page.getByRole("button", { name: "Incident…" }).click();
    await page.getByRole("combobox").selectOption({ label: "Router reboot" });
    await page.getByLabel("Whom").fill("kin=light");
    await page.getByText(/kin.*did you mean|kin.*want/i).waitFor();
    assert.ok(await page.getByRole("button", { name: "Start" }).isDisabled(), "a key that nobody knows means everybody");
    await page.getByLabel("Whom").fill("kind=light share=30% home=flat-0*");
    await page.getByLabel("How long").fill("10m");
    await page.getByRole("button", { name: "Start", disabled: false }).waitFor();
    const said = Number((await page.locator(".affects").textContent()).match(/[\d,]+/)[0].replace(",", ""));
    const lights = (await home.api("/v1/devices?home=flat-01&kind=light")).total;
    const off = () => new Set(heard.filter((m) => m.payload === "Offline").map((m) => m.topic));
    await until(() => off().size === lights, "the lights of flat-01 are off on the wire");
    const [{ incidents: none }, before] = [await home.api("/v1/incidents"), off()];
    assert.equal(none.length, 0, "to ask how many has done it");
    await page.getByRole("button", { name: "Start" }).click();
    await page.locator(".chip").waitFor();
    const [one] = (await home.api("/v1/incidents")).incidents;
    assert.equal(one.devices, said);
    const took = async () => {
      const held = [];
      for (const d of (await home.api("/v1/devices?online=false&limit=1000")).devices) if ((await home.api(`/v1/devices/${d.id}`)).held_by.some((by) => by.startsWith("incident"))) held.push(d.id);
      return held.length === said && held;
    };
    const held = await until(took, `${said} are taken`);
    const [flat01, others] = [held.filter((id) => id.startsWith("flat-01")), held.filter((id) => !id.startsWith("flat-01"))];
    assert.ok(said > 10 && others.length > 0 && flat01.every((id) => before.has(`tele/${id}/lwt`)), "those that were off already are counted, and are not off twice");
    assert.match(await page.locator(".chip").textContent(), new RegExp(`router-reboot.* · ${said} devices`));
    // The broker finds out as they are back: the router knows none of the old connections, and new ones take these over.
    await page.locator(".chip").getByRole("button", { name: "End" }).click();
    await until(() => others.every((id) => off().has(`tele/${id}/lwt`)), "their Wills are on the wire");
    assert.equal(off().size, before.size + others.length);
    await page.getByText(`${108 - lights} of 108 online`).waitFor();
  });

  test("what is left of an incident is right by a clock that is wrong, and after a reload", async (t) => {
    const home = await run(t, "apartment");
    await home.api("/v1/incidents", { kind: "power-cut", target: { id: "light-*" }, for: "1h" });
    const page = await open(t, home.url, { clock: true, ahead: 20 * 60e3 });
    const left = async () => clockOf((await page.locator(".chip").textContent()).match(/([\d:]+) left/)[1]);
    await page.locator(".chip").getByText(/left/).waitFor();
    assert.ok((await left()) > 55 * 60 && (await left()) <= 3600, `${await left()} s left of an hour that has begun`);
    await home.api("/v1/actions/kill", { select: { kind: "plug" }, way: "cut" });
    const gone = page.locator(".card.off").getByText(/Offline [\d:]+ · cut/).first();
    await gone.waitFor();
    assert.ok(clockOf((await gone.textContent()).match(/[\d:]+/)[0]) < 300, "it went before it was there");
  });

  test("a Will that a watcher answers, and whose answer the device finds", async (t) => {
    const home = await run(t, await scenario(consumed));
    const { heard } = await listener(t, home.ready.broker);
    const page = await open(t, home.url);
    await page.locator('[data-device="lamp-1"] .name').click();
    await page.getByRole("button", { name: /^Will/ }).click();
    await page.getByText("nobody has answered").waitFor();
    await page.getByLabel("Kill…").selectOption({ label: "Reset: it breaks with a TCP reset" });
    await page.locator(".ladder li").filter({ hasText: "watcher → device" }).getByText("answered", { exact: true }).waitFor();
    const will = heard.find((m) => m.topic.startsWith("tele/lamp-1/") && m.responseTopic);
    const answer = heard.find((m) => m.topic === will.responseTopic);
    assert.deepEqual(answer.correlationData, will.correlationData);
    assert.equal(await page.getByText("found in its session").count(), 0, "a device that is away has found something");
    await page.locator(".inspector").getByRole("button", { name: "Revive" }).click();
    await page.getByText("found in its session").waitFor();
    await page.getByText(/The whole circle/).waitFor();
    await go(page, "wills");
    await page.getByRole("row", { name: /lamp-1 .*yes, and the device knows/ }).waitFor();
  });

  test("a Will that somebody else answers is answered, too", async (t) => {
    const home = await run(t, await scenario(audited));
    const { client } = await listener(t, home.ready.broker);
    client.on("message", (topic, payload, { properties: p }) => p?.responseTopic?.startsWith("will/seen/") && client.publish(p.responseTopic, "seen", { qos: 1, properties: { correlationData: p.correlationData } }));
    const page = await open(t, home.url);
    await page.locator('[data-device="lamp-2"] .name').click();
    await page.getByLabel("Kill…").selectOption({ label: "Cut: the connection breaks" });
    await page.locator('[data-device="lamp-2"].off').getByText("Will came on time").waitFor();
    await page.locator(".inspector").getByRole("button", { name: "Revive" }).click();
    await page.getByRole("button", { name: /^Will/ }).click();
    await page.getByText("found in its session").waitFor();
    assert.equal(await page.getByText("nobody has answered").count(), 0, "the device has found what nobody has said");
  });

  test("devices that come and go are shown, and what was removed is called so", async (t) => {
    const home = await run(t, "apartment");
    const page = await open(t, home.url);
    await page.locator('[data-device="light-01"] .name').click();
    await home.api("/v1/devices", { kind: "light", id: "guest-{n}", count: 2, home: "apartment" });
    await page.getByText("14 of 14 online").waitFor();
    await page.locator('[data-device="guest-2"] .switch').click();
    await page.getByText("✓ matches").waitFor();
    await home.api("/v1/actions/remove", { select: { id: "guest-2" } });
    await page.getByText("13 of 13 online").waitFor();
    await page.locator('[data-device="guest-2"]').waitFor({ state: "detached" });
    await page.locator(".inspector").getByText("It was removed from the run").waitFor();
    assert.equal(await page.locator(".inspector").getByRole("button", { name: /Revive|Send|By hand/ }).count(), 0, "something can be done to it");
    await page.locator('[data-device="light-02"] .name').click();
    await page.locator('[data-device="light-02"] .switch').click();
    await page.getByText("✓ matches").waitFor();
    assert.equal(await page.locator(".banner").count(), 0);
    await page.reload();
    await page.getByText("13 of 13 online").waitFor();
    await page.locator('[data-device="guest-1"]').waitFor();
    assert.equal(await page.locator('[data-device="guest-2"]').count(), 0);
  });

  test("a share is foretold anew when somebody else has done something", async (t) => {
    const home = await run(t, await scenario(flats));
    const page = await open(t, home.url);
    await page.locator(".house").nth(8).waitFor();
    await page.getByRole("button", { name: "Incident…" }).click();
    await page.getByLabel("Whom").fill("share=50%");
    const foretold = async () => Number((await page.locator(".affects").textContent()).match(/[\d,]+/)?.[0]);
    await page.getByRole("button", { name: "Start", disabled: false }).waitFor();
    const first = await foretold();
    for (let i = 0; (await foretold()) === first; i++) {
      assert.ok(i < 30, `${first} each time, of a share that is drawn anew`);
      await home.api("/v1/incidents", { kind: "slow-link", target: { id: "flat-01-light-01" }, for: "1s", latency: "1ms" }); // by another viewer
      const { incident } = await home.api("/v1/incidents?dry_run=true", { kind: "power-cut", target: { share: "50%" }, for: "10m" });
      await page.getByText(`It will affect ${incident.devices} devices.`).waitFor();
    }
    await page.getByRole("button", { name: "Start", disabled: false }).waitFor();
    const said = await foretold();
    await page.getByRole("button", { name: "Start" }).click();
    await page.locator(".chip").filter({ hasText: "power-cut" }).waitFor();
    assert.deepEqual((await home.api("/v1/incidents")).incidents.filter((i) => i.kind === "power-cut").map((i) => i.devices), [said]);
  });

  test("a device of MQTT 3.1.1: its Will has no properties on the wire, and none is shown", async (t) => {
    const home = await run(t, await scenario(`[connect]\nsession_expiry = "1h"\n[[device]]\nkind = "light"\nid = "old"\nmqtt = "3.1.1"\n[device.will]\nresponse_topic = "will/seen/{id}"\n[[device]]\nkind = "light"\nid = "new"\n[device.will]\nresponse_topic = "will/seen/{id}"\n[audit]\n`));
    const { client, heard } = await listener(t, home.ready.broker);
    const page = await open(t, home.url);
    for (const id of ["old", "new"]) {
      await page.locator(`[data-device="${id}"] .name`).click();
      await page.getByRole("button", { name: /^Will/ }).click();
      await page.getByLabel("Kill…").selectOption({ label: "Cut: the connection breaks" });
      const will = await until(() => heard.find((m) => m.topic === `tele/${id}/lwt` && m.payload === "Offline"), `the Will of ${id}`);
      const rung = page.locator(".ladder .ask");
      await rung.getByText(will.topic).waitFor();
      const text = await rung.textContent();
      for (const [key, value] of Object.entries(will.userProperties ?? {})) assert.ok(text.includes(`User Property ${key} = ${value}`), `${key} = ${value} is not in ${text}`);
      assert.equal(text.includes("Response Topic"), will.responseTopic !== undefined, text);
      assert.equal(text.includes("Will Delay Interval"), id === "new", text);
      assert.equal(will.responseTopic, id === "new" ? "will/seen/new" : undefined);
    }
    await page.locator('[data-device="old"] .name').click();
    await page.getByRole("button", { name: /^Will/ }).click();
    await page.getByText("This device speaks MQTT 3.1.1").waitFor();

    await page.locator(".inspector").getByRole("button", { name: "Revive" }).click();
    await page.locator('[data-device="old"] .switch').waitFor();
    await page.getByRole("button", { name: "Request and answer" }).click();
    await client.publishAsync("cmnd/old/power", "ON", { qos: 1, properties: { responseTopic: "never/heard" } });
    await page.getByText("There was no Response Topic, as before MQTT 5").waitFor();
    const before = heard.length;
    await promisify(execFile)("bash", ["-c", `timeout 20 ${await page.locator(".copy code").textContent()}`]);
    const again = heard.slice(before).find((m) => m.topic === "cmnd/old/power");
    assert.deepEqual([again.payload, again.responseTopic], ["ON", undefined]);
  });

  test("more incidents than there is room for are counted, and two who look on see the same", async (t) => {
    const home = await run(t, await scenario(flats));
    const [one, other] = [await open(t, home.url), await open(t, home.url)];
    for (let i = 1; i <= 8; i++) await home.api("/v1/incidents", { kind: "slow-link", target: { home: `flat-0${i}` }, for: "10m", latency: "1ms" });
    for (const page of [one, other]) {
      await page.getByText("and 2 more", { exact: true }).waitFor();
      assert.equal(await page.locator(".chip").count(), 6);
    }
    await go(other, "log");
    await other.getByText(/^incident · home=flat-08/).waitFor();
    assert.equal(await other.getByRole("row", { name: /incident · home=flat-0\d/ }).count(), 8);
    await one.locator(".chip").nth(2).getByRole("button", { name: "End" }).click();
    for (const page of [one, other]) await page.getByText("and 1 more", { exact: true }).waitFor();
    const { incidents } = await home.api("/v1/incidents");
    assert.deepEqual(incidents.map((i) => i.ended_early ?? false), [false, false, true, false, false, false, false, false]);
    await other.getByText(/^end of incident/).waitFor();
  });

  for (const face of ["home-assistant", "tasmota", "shelly", "homie", "zigbee2mqtt"]) {
    test(`a device that speaks as ${face}: what is shown of a click is what is on the wire`, async (t) => {
      const kind = { shelly: "plug", zigbee2mqtt: "bridge" }[face] ?? "light";
      const home = await run(t, await scenario(`[[device]]\nkind = "${kind}"\nid = "foreign"\nface = "${face}"\n[[device]]\nkind = "plug"\nid = "own"\n`));
      const { heard } = await listener(t, home.ready.broker);
      const page = await open(t, home.url);
      await page.locator('[data-device="foreign"] .name').click();
      await page.getByLabel("Attribute").selectOption("power");
      await page.getByLabel("Payload").fill("OFF");
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator(".ladder .ask").waitFor();
      const topic = await page.locator(".ladder .ask b").nth(1).textContent();
      const request = await until(() => heard.find((m) => m.topic === topic), `a request on ${topic}`);
      assert.equal(await page.locator(".ladder .ask .payload").textContent(), request.payload);
      for (const tag of await page.locator(".ladder .ask .tag.topic").allTextContents()) assert.equal(tag, request.responseTopic);
      for (const said of await page.locator(".ladder .answer, .ladder .also").locator("p").filter({ hasText: "PUBLISH" }).allTextContents()) {
        const at = said.split(/\s+/)[1];
        assert.ok(heard.some((m) => m.topic === at), `${at} is on no wire`);
      }
    });
  }

  test("a filter with a key that nobody knows shows nobody", async (t) => {
    const home = await run(t, "apartment");
    const page = await open(t, home.url);
    await page.locator(".card").first().waitFor();
    await page.locator("#filter").fill("kin=light");
    await page.getByText("There is no kin; want kind, home, id or online.").waitFor();
    assert.equal(await page.locator(".card").count(), 0);
  });

  test("watts are of whatever draws power, and the time of day is that of the homes", async (t) => {
    const home = await run(t, await scenario(`time = "60x"\nstart = "20:00"\n[[device]]\nkind = "light"\nhome = "flat"\ncount = 3\npower = "ON"\n`));
    const page = await open(t, home.url);
    const heading = page.locator(".home h2");
    await heading.getByText(/simulated time 2[0-3]:\d\d, 60 times as fast/).waitFor();
    const watts = async () => {
      let sum = 0;
      for (const d of (await home.api("/v1/devices")).devices) sum += (await home.api(`/v1/devices/${d.id}`)).telemetry.watts;
      return sum;
    };
    assert.ok((await watts()) > 1);
    await until(async () => Math.abs(Number((await heading.textContent()).match(/([\d.,]+) W/)?.[1]) - (await watts())) < 1, "the heading has what the devices say");
  });
});
