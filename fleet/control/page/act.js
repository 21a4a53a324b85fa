// What somebody does to devices: by a command through the broker, as a phone would, or by hand at the device itself.

import { post, Problem } from "./api.js";
import { kindAt, run } from "./store.js";

/** Gives a command. It resolves to what the device said against it, or "". */
export async function command(id, attribute, payload, byHand) {
  try {
    const said = await post(`/v1/devices/${encodeURIComponent(id)}/command`, { attribute, payload, via: byHand ? "hand" : "mqtt" });
    return said.error ?? "";
  } catch (e) {
    return e instanceof Problem ? e.message : "it could not be sent";
  }
}

/** Does something to one device: kill, revive, misbehave or behave. It resolves to why not, or "". */
export async function act(verb, id, body = {}) {
  try {
    const said = await post("/v1/actions/" + verb, { select: { ids: [id] }, ...body });
    return said.refused?.[0]?.why ?? "";
  } catch (e) {
    return e instanceof Problem ? e.message + (e.hint ? `; ${e.hint}` : "") : "it could not be done";
  }
}

/** The ways to go offline, and what each is like. */
export const ways = [
  ["cut", "Cut: the connection breaks"],
  ["reset", "Reset: it breaks with a TCP reset"],
  ["silence", "Silence: it says nothing more"],
  ["unplugged", "Unplugged: no network, no goodbye"],
  ["exit", "Exit: the program ends"],
  ["with-will", "With Will: DISCONNECT with 0x04"],
  ["orderly", "Orderly: it says goodbye"],
];

/** The ways to answer wrongly. */
export const habits = [
  [{ drop: "100%" }, "Lose answers"],
  [{ late: "100%" }, "Answer 1 to 3 s late"],
  [{ duplicate: "100%" }, "Answer twice"],
  [{ wrong_correlation: "100%" }, "Wrong Correlation Data"],
  [{ no_correlation: "100%" }, "No Correlation Data"],
  [{ wrong_topic: "100%" }, "Answer elsewhere"],
  [{ error: "100%" }, "Answer with an error"],
];

/** The name of a device without that of its home. */
export function shortName(number) {
  const id = run.ids[number] ?? `${kindAt(number)} ${number}`;
  const home = run.homes[run.homeOf[number]]?.name;
  return home && id.startsWith(home) && /^[-_/. ]./.test(id.slice(home.length)) ? id.slice(home.length + 1) : id;
}
