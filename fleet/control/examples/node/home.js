// Starts one run of homefleet for a suite, and asks its control port.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const scenario = new URL("../home.toml", import.meta.url).pathname;

export class Home {
  #process;
  #folder;
  #control;

  static async start() {
    const home = new Home();
    home.#folder = await mkdtemp(join(tmpdir(), "homefleet-"));
    const file = join(home.#folder, "ready.json");
    home.#process = spawn(
      process.env.HOMEFLEET ?? "homefleet",
      ["run", scenario, "-q", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", file],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    let ready;
    while (!(ready = await readFile(file, "utf8").then(JSON.parse, () => null))) {
      assert.equal(home.#process.exitCode, null, "homefleet ended before it was ready");
      await sleep(10);
    }
    home.broker = ready.broker;
    home.#control = ready.control;
    return home;
  }

  async post(path, body) {
    const reply = await fetch(this.#control.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#control.token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await reply.json();
    assert.ok(reply.ok, said.detail);
    return said;
  }

  // As the scenario has it: for tests that share a run.
  reset() {
    return this.post("/v1/actions/reset", { select: { all: true } });
  }

  async wait(device, until) {
    const waited = await this.post("/v1/wait", { select: { id: device }, until, timeout: "5s" });
    assert.ok(waited.met, JSON.stringify(waited));
  }

  async stop() {
    this.#process.kill("SIGINT");
    const [code] = await once(this.#process, "exit");
    await rm(this.#folder, { recursive: true });
    assert.equal(code, 0);
  }
}
