// What the page knows of the run. One object, changed in place by what comes in; whoever shows something of it is told at
// most once a frame.

import { useEffect, useState } from "preact/hooks";
import { follow, get } from "./api.js";

const SHOWN = 2000; // devices whose values are fetched; of more, the page shows presence alone
const AT_ONCE = 6; // requests for them, as a browser sends no more to one server
const KEPT = 200; // exchanges

export const run = {
  link: { state: "connecting", since: Date.now(), problem: null }, // connecting, live, lost, refused or over
  status: null,
  kinds: new Map(), // name -> attributes
  devices: new Map(), // id -> {line, values, telemetry, will, held, seen, power}
  homes: new Map(), // name -> ids
  exchanges: [], // newest last
  notShown: 0,
  incidents: new Map(), // number -> incident
  wills: new Map(), // id of the device -> the latest
  interventions: [],
  end: null,
};

const watching = new Set();
let due = false;

export function changed() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    for (const tell of watching) tell();
  });
}

/** Has a component drawn again as the run changes. */
export function useRun() {
  const [, again] = useState(0);
  useEffect(() => {
    const tell = () => again((n) => n + 1);
    watching.add(tell);
    return () => watching.delete(tell);
  }, []);
  return run;
}

/** Duration in ms of a text such as "1m2.5s" or "340µs". */
export function milliseconds(text = "") {
  const unit = { h: 3600e3, m: 60e3, s: 1e3, ms: 1, "µs": 1e-3, us: 1e-3, ns: 1e-6 };
  let sum = 0;
  for (const [, n, u] of text.matchAll(/([\d.]+)(h|ms|m|s|µs|us|ns)/g)) sum += n * unit[u];
  return sum;
}

const homeOf = (line) => line.home || "";

function place(line) {
  const known = run.devices.get(line.id);
  if (known) return Object.assign(known.line, line), known;
  const d = { line, values: null, telemetry: null, held: [], seen: 0, watts: [] };
  run.devices.set(line.id, d);
  const home = homeOf(line);
  if (!run.homes.has(home)) run.homes.set(home, []);
  run.homes.get(home).push(line.id);
  return d;
}

async function list() {
  let cursor = "";
  do {
    const page = await get(`/v1/devices?limit=1000${cursor && "&cursor=" + encodeURIComponent(cursor)}`);
    page.devices.forEach(place);
    run.total = page.total;
    cursor = page.next;
    changed();
  } while (cursor && run.devices.size < SHOWN);
}

const urgent = new Set(); // ids whose values are to be fetched, as somebody looks at them
const wanted = new Set(); // and those of the others
let fetching = 0;

/** Fetches the values of devices anew, a few at a time. */
export function refresh(ids, into = urgent) {
  for (const id of ids) if (run.devices.has(id)) into.add(id);
  while (fetching < AT_ONCE && urgent.size + wanted.size > 0) {
    const [id] = urgent.size > 0 ? urgent : wanted;
    urgent.delete(id);
    wanted.delete(id);
    fetching++;
    get("/v1/devices/" + encodeURIComponent(id))
      .then((d) => take(d))
      .catch(() => {}) // it is asked again as it changes; that the run does not answer, the stream says
      .finally(() => {
        fetching--;
        refresh([]);
      });
  }
}

function take(d) {
  const known = place({ id: d.id, kind: d.kind, home: d.home, number: d.number, online: d.online });
  known.values = d.values;
  known.telemetry = d.telemetry;
  known.held = d.held_by ?? [];
  known.misbehaves = d.misbehaves;
  known.seen = Date.now();
  if (d.will) run.wills.set(d.id, d.will);
  if (typeof d.telemetry?.voltage === "number") {
    known.watts.push(d.telemetry.power);
    if (known.watts.length > 30) known.watts.shift();
  }
  changed();
}

function heard(type, e) {
  switch (type) {
    case "hello":
      if (run.status) Object.assign(run.status, { phase: e.phase, devices: e.devices });
      break;
    case "exchange":
    case "refusal": {
      const before = run.exchanges.findIndex((x) => x.number === e.number);
      if (before >= 0) run.exchanges[before] = e;
      else run.exchanges.push(e);
      if (run.exchanges.length > KEPT) run.exchanges.shift();
      refresh([e.id]);
      break;
    }
    case "presence": {
      const d = run.devices.get(e.id);
      if (!d) break;
      if (run.status && d.line.online !== e.online) run.status.devices.online += e.online ? 1 : -1;
      d.line.online = e.online;
      d.held = e.held_by ?? [];
      d.gone = e.online ? null : { since: Date.parse(e.time), way: e.way, why: e.why };
      if (e.online) refresh([e.id]);
      break;
    }
    case "incident":
      run.incidents.set(e.number, { ...e, heard: Date.now() });
      break;
    case "will":
      run.wills.set(e.id, e);
      break;
    case "intervention":
      run.interventions.push(e);
      break;
    case "phase":
      if (run.status) run.status.phase = e.phase;
      break;
    case "gap":
      run.notShown += e.not_shown ?? 0;
      break;
    case "end":
      run.end = e;
      run.link = { state: "over", since: Date.now(), problem: null };
      break;
  }
  changed();
}

async function begin() {
  run.status = await get("/v1");
  run.started = Date.now() - milliseconds(run.status.uptime);
  if (run.status.abilities.includes("devices")) {
    const { kinds } = await get("/v1/kinds");
    for (const k of kinds) run.kinds.set(k.kind, k.attributes);
    await list();
    const { interventions } = await get("/v1/interventions");
    run.interventions = interventions;
    if (run.status.abilities.includes("incidents")) {
      for (const i of (await get("/v1/incidents")).incidents) run.incidents.set(i.number, { ...i, heard: Date.now() });
    }
    refresh(run.devices.keys(), wanted);
  }
  changed();
}

/** Follows the run for as long as the page is in sight. */
export function start() {
  let stop = null;
  const resume = () => {
    if (stop || document.hidden || run.end) return;
    stop = new AbortController();
    const said = (state) => {
      if (run.end) return;
      if (state === "live") {
        run.link = { state: "live", since: Date.now(), problem: null };
        begin().catch((problem) => said(problem));
      } else {
        const what = state.status === 401 ? "refused" : run.status ? "lost" : "connecting";
        if (run.link.state !== what) run.link = { state: what, since: Date.now() };
        run.link.problem = state;
      }
      changed();
    };
    follow("types=exchange,refusal,presence,incident,will,intervention,phase", heard, said, stop.signal);
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stop?.abort();
      stop = null;
    } else resume();
  });
  // What changes by itself, as temperatures do, is asked for of what is in sight.
  setInterval(() => {
    if (run.link.state !== "live") return;
    const seen = [...document.querySelectorAll("[data-device]")].map((e) => e.dataset.device);
    refresh(seen.filter((id) => run.devices.get(id)?.line.online).slice(0, 60));
  }, 2000);
  setInterval(changed, 1000); // what counts seconds
  resume();
}
