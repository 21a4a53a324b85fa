// The load of a run: what was planned and what became of it, how long it took, second by second, and what is expected.

import { useEffect, useState } from "preact/hooks";
import { get, patch } from "./api.js";
import { Charts } from "./charts.js";
import { html, milliseconds, number, plural, span, visible } from "./html.js";
import { alsoHear, can, changed, run, useRun } from "./store.js";

const MOST = 3600; // points, which is an hour
const points = [];
let soFar = null; // what became of requests, those outstanding among them

/** A point of the history as it is drawn, and no more of it: there are many. */
function point(p, before) {
  const { n, devices, commands, messages, requests: of, response: r } = p;
  const at = Math.round(milliseconds(p.at));
  const online = p.phase === "ended" && before ? before.online : p.online; // all are stopped then
  const requests = of && { planned: of.planned, sent: of.sent, late: of.late, lost: of.lost, refused: of.refused };
  return { n, at, from: before?.n === n - 1 ? before.at : at - 1000, devices, online, commands, messages, requests, p50: r?.p50 && milliseconds(r.p50), p99: r?.p99 && milliseconds(r.p99), max: r?.max && milliseconds(r.max) };
}

function add(all) {
  for (const p of all) if (p.n > (points.at(-1)?.n ?? 0)) points.push(point(p, points.at(-1)));
  if (points.length > MOST) points.splice(0, points.length - MOST);
}

let filling = false;
let afresh = false; // moments count from elsewhere now: from the start of measuring

/** Whether a point is not behind the last one, since moments count from elsewhere. */
const earlier = (p) => points.length > 0 && p.n > points.at(-1).n && milliseconds(p.at) < points.at(-1).at;

/**
 * Fetches the points that are missing: those before the page was there, and those of a stream that was lost; or all of
 * them, by the moments of now. Of a run that does not answer, those are kept that there are; the next tick asks again.
 */
async function fill() {
  if (filling) return;
  filling = true;
  for (let more = true; more; more = afresh) {
    const all = afresh;
    afresh = false;
    const got = await get(`/v1/history?after=${all ? 0 : (points.at(-1)?.n ?? 0)}`).catch(() => null);
    if (!got) {
      afresh ||= all;
      break;
    }
    if (all) points.length = 0;
    if (got.points.length > 0 && earlier(got.points[0])) afresh = true;
    else add(got.points);
  }
  filling = false;
  changed("load");
}

alsoHear("tick", (p) => {
  if (p.so_far) soFar = { ...p.so_far, outstanding: p.outstanding ?? 0, interrupted: p.so_far.interrupted ?? 0 };
  const last = points.at(-1)?.n ?? 0;
  if (last > p.n) points.length = 0; // of another run
  afresh ||= earlier(p);
  if (afresh || p.n > last + 1) return fill();
  add([p]);
  changed("load");
});

alsoHear("phase", () => {
  afresh = points.length > 0;
  if (afresh) fill();
});

// With the end comes the last minute: what is missing of it could be asked for no more.
alsoHear("report", ({ history }) => {
  if (!history || history.length === 0) return;
  const before = points.filter((p) => p.n < history[0].n);
  if (before.length > 0 && before.at(-1).at > milliseconds(history[0].at)) before.length = 0;
  points.splice(0, points.length, ...before);
  add(history);
});

/** What became of all requests of a run that is over; null: there were none. */
function atLast({ ledger: of }) {
  if (!of || of.planned === 0) return null;
  return { ...of, not_sent: Object.values(of.not_sent).reduce((sum, n) => sum + n, 0), paused: of.not_sent.paused };
}

/** The latest second in which a request was decided, if it is one of the last few. */
const latest = () => points.slice(-5).findLast((p) => p.p99 !== undefined);

/** The 99th percentile, in ms: of the latest second or, of a run that is over, of all of it; undefined: there is none. */
export function p99() {
  if (!run.end) return latest()?.p99;
  const all = times(run.final.result)?.p99;
  return all && milliseconds(all);
}

const LEDGER = [
  ["answered", "Answered", "ok"],
  ["outstanding", "Outstanding", "accent"],
  ["waiting", "Not sent yet", "control"],
  ["late", "Late", "heat"],
  ["lost", "Lost", "bad"],
  ["refused", "Refused", "will"],
  ["interrupted", "Interrupted", "control"],
  ["not_sent", "Not sent", "faint"],
];

/** What became of all that was planned, as parts; each of them is counted by itself, so that they add up only if all are right. */
export function ledger(r) {
  const of = { ...r, waiting: r.planned - r.sent - r.not_sent };
  return LEDGER.map(([key, name, colour]) => ({ key, name, colour, n: of[key] }));
}

function Ledger({ r }) {
  const parts = ledger(r);
  const shown = parts.filter((p) => p.n > 0);
  const holds = parts.every((p) => p.n >= 0);
  const sum = parts.reduce((s, p) => s + p.n, 0);
  let x = 0;
  return html`<section class="panel" aria-label="Ledger">
    <h2>Requests <small>${number(r.planned)} planned = ${number(r.sent)} sent + ${number(r.not_sent)} not sent${r.paused > 0 ? `, ${number(r.paused)} of these while paused` : ""}</small></h2>
    <svg class="ledger" viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" aria-label=${shown.map((p) => `${p.name} ${p.n}`).join(", ")}>
      <rect class="ground" width="1000" height="20" />
      ${shown.map((p) => {
        const width = Math.max(2, (1000 * p.n) / Math.max(1, sum));
        const bar = html`<rect class=${`f-${p.colour}`} x=${Math.min(x, 998)} width=${width} height="20" />`;
        x += width;
        return bar;
      })}
    </svg>
    <ul class="parts">${parts.filter((p) => p.n !== 0 || !["waiting", "interrupted"].includes(p.key)).map((p) => html`<li class=${p.n === 0 ? "quiet" : ""}><i class=${`b-${p.colour}`}></i>${p.key === "outstanding" && run.end ? "Open at the end" : p.name} <b>${number(p.n)}</b></li>`)}</ul>
    <p class=${sum === r.planned && holds ? "quiet" : "bad"}>${sum === r.planned && holds ? "It adds up." : `It does not add up: ${number(sum)} of ${number(r.planned)}.`}</p>
  </section>`;
}

const signs = { pass: ["ok", "✓"], fail: ["bad", "✗"], undecided: ["warn", "?"], "no data": ["warn", "!"], broken: ["bad", "✗"] };

function Expectations({ of }) {
  const all = of?.expectations ?? [];
  if (all.length === 0) return null;
  const sorted = [...all].sort((a, b) => (a.status === "pass") - (b.status === "pass"));
  const passed = all.filter((e) => e.status === "pass").length;
  return html`<section class="panel" aria-label="Expectations">
    <h2>Expectations <small>${passed} of ${all.length} ${run.end ? "held" : "hold so far"}</small></h2>
    <div class="scroll" tabindex="0" role="region" aria-label="What is expected"><table class="expected">
      <thead><tr><th scope="col">metric</th><th scope="col">wanted</th><th scope="col" class="n">${run.end ? "was" : "so far"}</th><th scope="col">${run.end ? "held" : "holds"}</th></tr></thead>
      <tbody>${sorted.slice(0, 40).map((e) => html`<tr><td><code>${visible(e.metric, 80).split(/(?<=[._])/).map((part) => html`${part}<wbr />`)}</code></td><td>${visible(e.want ?? "", 60)}</td><td class="n">${visible(String(e.actual ?? ""), 40)}</td>
        <td class=${signs[e.status]?.[0] ?? ""}>${signs[e.status]?.[1] ?? ""} <span>${e.status}</span></td></tr>`)}</tbody>
    </table></div>
  </section>`;
}

/** The result so far, asked for again every other second while somebody looks at it, and has something to see in it. */
function useResult() {
  const [got, setGot] = useState(null);
  useEffect(() => {
    let timer = 0;
    let over = false;
    const ask = async () => {
      let more = true;
      if (run.link.state === "live") await get("/v1/result?brief=true").then(({ result: r }) => over || (setGot(r), (more = can("load") || r.expectations?.length > 0)), () => {});
      if (more && !over && !run.end) timer = setTimeout(ask, 2000);
    };
    ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [run.status?.run]);
  return run.final.result ?? got;
}

function useGroups() {
  const [groups, setGroups] = useState([]);
  useRun("load", "log");
  const acts = run.interventions.at(-1)?.n;
  useEffect(() => {
    if (can("load") && !run.end) get("/v1/load").then((l) => setGroups(l.groups), () => {});
  }, [acts, run.status?.run]);
  return [groups, setGroups];
}

/** Pauses all of the load, or lets it go on. */
export function PauseLoad() {
  const [groups, setGroups] = useGroups();
  const paused = groups.length > 0 && groups.every((g) => g.paused);
  return html`<button aria-pressed=${paused} onClick=${() => patch("/v1/load", { paused: !paused }).then((l) => setGroups(l.groups), () => {})}>${paused ? "Resume load" : "Pause load"}</button>`;
}

function Group({ g, took }) {
  const [rate, setRate] = useState("");
  const [said, setSaid] = useState("");
  const change = (body) => patch(`/v1/load/${encodeURIComponent(g.group)}`, body).then((l) => (took(l.groups), setSaid(""), setRate("")), (e) => setSaid(e.message + (e.hint ? `; ${e.hint}` : "")));
  const factor = (f) => change({ factor: Math.round((g.factor ?? 1) * f * 1000) / 1000 });
  return html`<li class="group"><b><bdi>${visible(g.group, 40)}</bdi></b>
    <span class="quiet">${plural(g.controllers, "controller")} · ${visible(g.scenario, 120)}</span>
    <span class="grow"></span>
    ${g.rate && html`<span class="rate">${visible(g.rate, 20)}</span>
      ${g.factor && html`<button aria-label=${`÷ 2, half the rate of ${g.group}`} onClick=${() => factor(0.5)}>÷ 2</button><button aria-label=${`× 2, twice the rate of ${g.group}`} onClick=${() => factor(2)}>× 2</button>`}
      <form onSubmit=${(e) => (e.preventDefault(), change({ rate }))}><input aria-label=${`${g.group}: a new rate`} value=${rate} placeholder="200/s" size="7" onInput=${(e) => setRate(e.target.value)} /><button disabled=${!rate}>Set</button></form>`}
    <button aria-pressed=${g.paused} onClick=${() => change({ paused: !g.paused })}>${g.paused ? "Resume" : "Pause"}</button>
    ${said && html`<p class="against" role="alert">${visible(said)}</p>`}</li>`;
}

function Groups() {
  const [groups, setGroups] = useGroups();
  if (groups.length === 0 || run.end) return null;
  const took = (some) => setGroups((all) => all.map((g) => some.find((s) => s.group === g.group) ?? g));
  return html`<section class="panel" aria-label="Controllers"><h2>Controllers</h2><ul class="groups">${groups.slice(0, 20).map((g) => html`<${Group} key=${g.group} g=${g} took=${took} />`)}</ul></section>`;
}

/** Percentiles of the response time of the whole measuring, as texts, from a result. */
function times(result) {
  const of = result?.series?.find((s) => s.metric === "response"); // the first is that of all requests
  return of?.histogram?.percentiles;
}

function Tiles({ r, result }) {
  const now = points.at(-1);
  const t = times(result);
  const one = (name, value, note, bad) => html`<div class=${bad ? "bad" : ""}><dt>${name}</dt><dd>${value}</dd><dd class="note">${note}</dd></div>`;
  const each = (n) => number(Math.round(((n ?? 0) * 1000) / Math.max(1, now ? now.at - now.from : 1000)));
  const rate = now?.requests ? now.requests.sent : now?.commands;
  const over = run.end !== null;
  const atEnd = over ? run.final.result?.devices : undefined;
  return html`<dl class="tiles">
    ${!over && one("Rate", `${each(rate)}/s`, r ? `sent in the last second, ${each(now?.requests?.planned)} planned` : "commands in the last second")}
    ${over && r && one("Sent", number(r.sent), `of ${number(r.planned)} planned`)}
    ${r && one("Outstanding", number(r.outstanding), over ? "open at the end" : "wait for an answer")}
    ${r && ["p50", "p90", "p99"].map((p) => {
      if (t) return one(p, t[p] ? span(milliseconds(t[p])) : "no answer", over ? "of all" : "of all so far");
      return !over && latest()?.[p] !== undefined && one(p, span(latest()[p]), "of the last second");
    })}
    ${r && one("Failed", number(r.late + r.lost + r.refused), "late, lost or refused", r.late + r.lost + r.refused > 0)}
    ${!over && !r && one("Messages", `${each(now?.messages)}/s`, "published by devices")}
    ${one("Online", number(atEnd?.online ?? now?.online ?? run.online), `of ${number(atEnd?.total ?? run.status?.devices.total ?? 0)}${over ? ", at the end" : ""}`)}
  </dl>`;
}

export function Load() {
  useRun("load", "status", "incidents", "log");
  const result = useResult();
  useEffect(() => void fill(), [run.status?.run, run.end !== null]);
  if (points.length === 0 && !run.end) return html`<p class="empty">The first second is not over yet.</p>`;
  const r = run.final.result ? atLast(run.final.result) : soFar;
  return html`<div class="load">
    <${Tiles} r=${r} result=${result} />
    ${r && html`<${Ledger} r=${r} />`}
    ${points.length > 0 && html`<${Charts} points=${points} incidents=${[...run.incidents.values()]} acts=${run.interventions} load=${r !== null} />`}
    <${Groups} />
    <${Expectations} of=${result} />
  </div>`;
}
