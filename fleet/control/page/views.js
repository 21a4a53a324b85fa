// What is listed: messages, Wills, and what somebody has done.

import { useState } from "preact/hooks";
import { clock, html, moment, plural } from "./html.js";
import { Ladder } from "./inspector.js";
import { milliseconds, run } from "./store.js";

export function Messages({ filter, match }) {
  const [at, setAt] = useState(null);
  const shown = run.exchanges.filter((x) => !filter || match(run.devices.get(x.id) ?? { line: x })).slice(-100).reverse();
  if (shown.length === 0) return html`<p class="empty">No request has come${filter ? " to what the filter names" : ""} since this page is open. Switch a light.</p>`;
  const x = shown.find((e) => e.number === at);
  return html`<div class="split">
    <div class="scroll"><table>
      <thead><tr><th>when</th><th>device</th><th>request</th><th>answer</th><th class="n">took</th></tr></thead>
      <tbody>
        ${shown.map((e) => html`<tr key=${e.number} class=${e.number === at ? "open" : ""}>
          <td>${moment(e.time)}</td>
          <td><button class="name" onClick=${() => setAt(e.number)}>${e.id}</button></td>
          <td><code>${e.request.topic.split("/").at(-1)} ${e.request.payload}</code></td>
          <td>${e.response ? html`<code>${e.response.payload}</code>` : html`<span class="warn">${e.outcome}</span>`}</td>
          <td class="n">${e.took}</td>
        </tr>`)}
      </tbody>
    </table>
    ${run.notShown > 0 && html`<p class="quiet">${plural(run.notShown, "exchange")} more were not shown: 50 a second are.</p>`}</div>
    ${x && html`<aside class="inspector"><header><h2>${x.id}</h2><button class="close" aria-label="Close" onClick=${() => setAt(null)}>✕</button></header><${Ladder} x=${x} key=${x.number} /></aside>`}
  </div>`;
}

const first = ["missing", "late", "early", "unexpected", "pending", "on-time", "not-due", "unwatched"];

export function Wills() {
  if (!run.status?.abilities.includes("wills")) {
    return html`<p class="empty">Nobody audits Will Messages in this run: a scenario with <code>[audit]</code> does.</p>`;
  }
  const wills = [...run.wills.values()].sort((a, b) => first.indexOf(a.verdict) - first.indexOf(b.verdict) || a.id.localeCompare(b.id));
  if (wills.length === 0) return html`<p class="empty">Everybody has been online so far: no Will was due.</p>`;
  return html`<div class="scroll"><table>
    <thead><tr><th>device</th><th>went offline by</th><th>its Will</th><th>due</th><th>came</th><th>answered</th></tr></thead>
    <tbody>
      ${wills.slice(0, 500).map((w) => html`<tr key=${w.id}>
        <td>${w.id}</td><td>${w.way}</td>
        <td class=${w.verdict === "on-time" ? "ok" : ["missing", "late", "early", "unexpected"].includes(w.verdict) ? "bad" : ""}>${w.verdict.replace("-", " ")}${w.altered ? ", altered" : ""}</td>
        <td>${w.due ? w.due_from : "not due"}</td><td>${w.seen_at ?? ""}</td>
        <td>${w.answered ? (w.learned ? "yes, and the device knows" : "yes") : ""}</td>
      </tr>`)}
    </tbody>
  </table></div>`;
}

export function Log() {
  const acts = run.interventions.map((i) => ({ at: i.at, text: `${i.op.replaceAll("-", " ")}: ${i.done} of ${plural(i.selected, "device")}`, kind: "by hand" }));
  const incidents = [...run.incidents.values()].map((i) => ({ at: i.from, text: i.text, kind: i.state }));
  const all = [...acts, ...incidents].sort((a, b) => milliseconds(b.at) - milliseconds(a.at));
  if (all.length === 0) return html`<p class="empty">Nothing has happened yet that somebody did, or that the scenario does.</p>`;
  return html`<div class="scroll"><table>
    <thead><tr><th>at</th><th>what</th><th></th></tr></thead>
    <tbody>${all.slice(0, 500).map((l) => html`<tr><td>${clock(milliseconds(l.at))}</td><td>${l.text}</td><td>${l.kind}</td></tr>`)}</tbody>
  </table></div>`;
}
