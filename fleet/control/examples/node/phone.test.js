// Four things that go wrong in apps, and that need a device to go wrong first.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Home } from "./home.js";
import { Phone } from "./phone.js";

let home, phone;
before(async () => (home = await Home.start()));
after(() => home?.stop());
beforeEach(async () => {
  await home.reset();
  phone = await Phone.connect("anna", home.broker);
});
afterEach(() => phone.close());

test("switch", async () => {
  assert.equal(await phone.switch("porch", "ON"), "ON");
  await home.wait("porch", { values: { power: "ON" } });
  await phone.shows("porch", "on");
});

test("a device dies, and the app shows it", async () => {
  await home.post("/v1/actions/kill", { select: { id: "porch" }, way: "cut" });
  await phone.shows("porch", "offline");

  await home.post("/v1/actions/revive", { select: { id: "porch" } });
  await phone.shows("porch", "online");
  assert.equal(await phone.switch("porch", "ON"), "ON");
});

test("an answer is lost, and the app asks again", async () => {
  await home.post("/v1/actions/misbehave", { select: { id: "porch" }, drop: "100%" });
  const asking = phone.switch("porch", "ON");
  await home.wait("porch", { values: { power: "ON" } }); // it has obeyed, and does not say so
  await home.post("/v1/actions/behave", { select: { id: "porch" } });

  assert.equal(await asking, "ON");
  assert.ok(phone.sent > 1);
});

test("two apps at once", async () => {
  const other = await Phone.connect("ben", home.broker);
  const dims = async (app, level) => {
    for (let i = 0; i < 50; i++) assert.equal(await app.command("hall", "brightness", level), level);
  };
  // Whose answer it is, Response Topic and Correlation Data say; the last value is not the point.
  await Promise.all([dims(phone, "40"), dims(other, "60")]).finally(() => other.close());
});
