// The log: what somebody has done to the run, and what the scenario does.

import { html, milliseconds, offset, plural, visible } from "./html.js";
import { run, useRun } from "./store.js";

const ROWS = 300;
const LISTED = 200; // incidents that a run lists: of more, it has the last
const names = { "command-device": "command", strike: "incident", "end-incident": "end of incident", "load-group": "load" };

/** What an intervention was, in words. */
function words(i) {
  const of = i.request ?? {};
  const select = of.select ?? of.target ?? {};
  const whom = select.all ? "everybody" : Object.entries(select).map(([k, v]) => (k === "ids" ? [].concat(v).join(", ") : `${k}=${v}`)).join(" ");
  const rest = Object.entries(of).filter(([k]) => !["select", "target", "id"].includes(k)).map(([k, v]) => `${k.replaceAll("_", " ")} ${typeof v === "object" ? JSON.stringify(v) : v}`).join(", ");
  const [op, ...id] = i.op.split(" ");
  return visible([names[op] ?? op.replaceAll("-", " "), id.join(" ") || of.id || whom, rest].filter(Boolean).join(" · "), 160);
}

export function Log() {
  useRun("log", "incidents");
  const acts = run.interventions.map((i) => ({ at: i.at, text: words(i), kind: i.selected > 0 ? `somebody: ${i.done} of ${plural(i.selected, i.op.startsWith("load") ? "group" : "device")}` : "somebody", hand: true }));
  const incidents = [...run.incidents.values()].map((i) => ({ at: i.from, text: visible(i.text, 200), kind: i.state + (i.ended_early ? ", ended early" : "") }));
  const all = [...acts, ...incidents].sort((a, b) => milliseconds(b.at) - milliseconds(a.at));
  if (all.length === 0) return html`<p class="empty">Nothing has happened yet that somebody did, or that the scenario does.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Log"><table>
    <thead><tr><th scope="col">at</th><th scope="col">what</th><th scope="col">how it went</th></tr></thead>
    <tbody>${all.slice(0, ROWS).map((l) => html`<tr><td class="quiet">${offset(milliseconds(l.at))}</td><td><bdi>${l.text}</bdi></td><td class=${l.hand ? "accent" : "warn"}>${l.kind}</td></tr>`)}</tbody>
  </table></div>
  ${(all.length > ROWS || run.leftOut > 0 || incidents.length >= LISTED) && html`<p class="quiet">These are the latest; there may be earlier ones.</p>`}
  ${acts.length > 0 && html`<p class="quiet">What somebody did stands in the result of the run, and <code>run --replay</code> does it again.</p>`}`;
}
