// Wills: how devices went and what became of their Will Messages, counted, and one by one with the late and missing first.

import { useEffect, useState } from "preact/hooks";
import { get } from "./api.js";
import { html, milliseconds, number, offset, plural, sentence, visible } from "./html.js";
import { run, useRun } from "./store.js";

const order = ["missing", "late", "early", "unexpected", "pending", "on-time", "not-due", "unwatched"];
const wrong = new Set(["missing", "late", "early", "unexpected"]);
const said = (verdict) => verdict.replace("-", " ");
const ROWS = 200;

/** The Wills of the run, asked for again every other second. */
function useWills() {
  const [got, setGot] = useState(null);
  useEffect(() => {
    let timer = 0;
    let over = false;
    const ask = async () => {
      if (run.link.state === "live" || !got) await get("/v1/wills").then((w) => over || setGot(w), (e) => over || (e.status === 409 && setGot({ why: e })));
      if (!over && !run.end) timer = setTimeout(ask, 2000);
    };
    ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [run.status?.run]);
  return run.final.wills ?? got;
}

function Matrix({ counts }) {
  const ways = [...new Set(counts.map((c) => c.way))].sort();
  const verdicts = order.filter((v) => counts.some((c) => c.verdict === v));
  const of = (way, verdict) => counts.filter((c) => (!way || c.way === way) && (!verdict || c.verdict === verdict)).reduce((sum, c) => sum + c.count, 0);
  const cell = (way, v) => html`<td class=${`n ${of(way, v) === 0 ? "quiet" : wrong.has(v) ? "bad" : v === "on-time" ? "ok" : ""}`}>${number(of(way, v))}</td>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Ways and verdicts"><table class="matrix">
    <thead><tr><th scope="col">how they went</th>${verdicts.map((v) => html`<th scope="col" class="n">${said(v)}</th>`)}<th scope="col" class="n">all</th></tr></thead>
    <tbody>${ways.map((w) => html`<tr><th scope="row">${visible(w, 40)}</th>${verdicts.map((v) => cell(w, v))}<td class="n">${number(of(w))}</td></tr>`)}
      ${ways.length > 1 && html`<tr class="sum"><th scope="row">all</th>${verdicts.map((v) => cell("", v))}<td class="n">${number(of())}</td></tr>`}</tbody>
  </table></div>`;
}

export function Wills({ choose, chosen }) {
  useRun("status", "load");
  const got = useWills();
  if (!got) return html`<p class="empty">${run.end ? "The run is over, and what became of its Wills was not asked for before." : "…"}</p>`;
  if (got.why) return html`<p class="empty">${sentence(visible(got.why.message))} ${sentence(visible(got.why.hint ?? ""))}</p>`;
  if (got.counts.length === 0) return html`<p class="empty">${run.end ? "No device went offline: no Will was due." : "No device has gone offline so far: no Will was due. Kill one, and see."}</p>`;
  const wills = [...got.wills].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict) || a.id.localeCompare(b.id));
  const at = (text) => (text ? offset(milliseconds(text)) : "");
  return html`<${Matrix} counts=${got.counts} />
    <div class="scroll" tabindex="0" role="region" aria-label="Wills"><table>
    <thead><tr><th scope="col">device</th><th scope="col">went by</th><th scope="col">its Will</th><th scope="col">due</th><th scope="col">came</th><th scope="col">answered</th></tr></thead>
    <tbody>
      ${wills.slice(0, ROWS).map((w, i) => html`<tr key=${w.id + i} class=${w.id === chosen ? "open" : ""}>
        <td><button class="name" onClick=${() => choose(w.id)}><bdi>${visible(w.id, 60)}</bdi></button></td><td>${visible(w.way, 40)}</td>
        <td class=${w.verdict === "on-time" ? "ok" : wrong.has(w.verdict) ? "bad" : ""}>${said(w.verdict)}${w.altered ? ", altered" : ""}</td>
        <td>${w.due ? at(w.due_from) : "not due"}</td><td>${at(w.seen_at)}</td>
        <td>${w.learned ? "yes, and the device knows" : w.answered ? "yes" : ""}</td>
      </tr>`)}
    </tbody>
  </table></div>
  ${wills.length + (got.left_out ?? 0) > ROWS && html`<p class="quiet">${plural(wills.length + (got.left_out ?? 0) - ROWS, "more outage")}, counted above.</p>`}`;
}
