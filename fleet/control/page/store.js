// What the page knows of the run. One object, changed in place by what comes in; whoever shows something of it is told
// what has changed, a few times a second at most.

import { useEffect, useState } from "preact/hooks";
import { follow, get, Problem } from "./api.js";
import { milliseconds } from "./html.js";
import { change, directory, ONLINE, presenceOf } from "./looks.js";

export const FEW = 2000; // devices of which all ids are known here; of more, those of the homes that were opened
const KEPT = 200; // exchanges, and as many devices that have gone

export const run = {
  link: { state: "connecting", since: Date.now(), problem: null }, // connecting, live, lost, refused or over
  status: null,
  started: 0, // by the clock of this machine
  zero: null, // the moment that times of events count from, likewise
  kinds: new Map(), // name -> {doc, attributes}
  homes: [], // {name, label, members: numbers}
  kindNames: [],
  kindOf: new Uint8Array(0), // by number
  homeOf: new Uint32Array(0),
  looks: new Uint32Array(0),
  online: 0,
  ids: [], // by number
  numbers: new Map(), // by id
  details: new Map(), // id -> all that a watched device says of itself
  watts: new Map(), // id -> the last minute of a watched plug
  gone: new Map(), // id -> {since, way, why}
  exchanges: [], // newest last
  notShown: 0,
  incidents: new Map(), // number -> incident
  interventions: [],
  report: null,
  end: null,
};

export const kindAt = (n) => run.kindNames[run.kindOf[n]] ?? "";
export const can = (ability) => run.status?.abilities.includes(ability) ?? false;

const watching = new Set(); // {topics, tell}
const dirty = new Set();
let due = false;
let flushed = 0;

/** Says that something has changed: link, status, homes, looks, details, exchanges, incidents, log or load. */
export function changed(...topics) {
  for (const t of topics) dirty.add(t);
  if (due) return;
  due = true;
  const flush = () => {
    due = false;
    flushed = performance.now();
    const now = new Set(dirty);
    dirty.clear();
    for (const w of [...watching]) if (w.topics.some((t) => now.has(t))) w.tell();
  };
  const wait = 60 - (performance.now() - flushed);
  if (wait > 0) setTimeout(() => requestAnimationFrame(flush), wait);
  else requestAnimationFrame(flush);
}

/** Has a component drawn again as something of the run changes. */
export function useRun(...topics) {
  const [, again] = useState(0);
  useEffect(() => {
    const w = { topics, tell: () => again((n) => n + 1) };
    watching.add(w);
    return () => watching.delete(w);
  }, []);
  return run;
}

/** Calls tell as something changes, until the function that is returned is called. */
export function onChange(topics, tell) {
  const w = { topics, tell };
  watching.add(w);
  return () => watching.delete(w);
}

function name(line) {
  run.ids[line.number] = line.id;
  run.numbers.set(line.id, line.number);
}

/** Fetches the ids of devices of a home from a place on, if they are not known. */
export async function nameHome(home, from, most) {
  const wanted = home.members.slice(from, from + most);
  if (wanted.every((n) => run.ids[n] !== undefined)) return;
  let cursor = home.name ? "" : String(wanted[0]);
  for (let pages = 0; pages < 20 && wanted.some((n) => run.ids[n] === undefined); pages++) {
    const query = new URLSearchParams({ limit: home.name ? 1000 : 200, ...(home.name && { home: home.name }), ...(cursor && { cursor }) });
    const page = await get("/v1/devices?" + query);
    page.devices.forEach(name);
    if (!(cursor = page.next)) break;
  }
  changed("homes");
}

/** Fetches the latest exchanges from the journals of devices, where all keep one. */
export async function lookBack() {
  if (run.exchanges.length > 0 || run.kindOf.length === 0 || run.kindOf.length > 1000) return;
  const { exchanges } = await get("/v1/exchanges?limit=60");
  if (run.exchanges.length === 0) run.exchanges.push(...exchanges);
  changed("exchanges");
}

/** A page of devices, by a filter in words. */
export async function page(target, cursor) {
  const got = await get("/v1/devices?" + new URLSearchParams({ limit: 100, ...target, ...(cursor && { cursor }) }));
  got.devices.forEach(name);
  return got;
}

function remember(map, key, value) {
  map.delete(key);
  map.set(key, value);
  if (map.size > KEPT) map.delete(map.keys().next().value);
}

function take(d) {
  name(d);
  run.details.set(d.id, d);
  if (d.kind === "plug") {
    const watts = run.watts.get(d.id) ?? [];
    const now = Math.floor(Date.now() / 2000);
    if (watts.at(-1)?.[0] === now) watts.at(-1)[1] = d.telemetry?.power ?? 0;
    else watts.push([now, d.telemetry?.power ?? 0]);
    while (watts.length > 0 && watts[0][0] <= now - 30) watts.shift();
    run.watts.set(d.id, watts);
  }
}

let unknown = false;

/** The verdict of a run that is over and still answers. */
function ended() {
  get("/v1/result").then((r) => r.over && over({ verdict: r.result.verdict, why: r.result.sentences }), () => {});
}

function over(e) {
  run.end = { ...e, verdict: e.verdict ?? run.end?.verdict, why: e.why ?? run.end?.why };
  if (run.link.state !== "over") run.link = { state: "over", since: Date.now(), problem: null };
  changed("link", "status");
}

const hear = {
  hello(e) {
    if (run.status && run.status.run !== e.run) return begin();
    if (run.status) Object.assign(run.status, { phase: e.phase, devices: e.devices });
    changed("status");
  },
  map(e) {
    run.looks = change(run.looks, e.changed, (n) => (unknown ||= n >= run.kindOf.length));
    run.online = 0;
    for (const look of run.looks) if (presenceOf(look) === ONLINE) run.online++;
    if (unknown && run.homes.length > 0) begin(); // devices were added
    unknown = false;
    changed("looks");
  },
  device(e) {
    take(e);
    changed("details");
  },
  exchange(e) {
    const before = run.exchanges.findIndex((x) => x.number === e.number);
    if (before >= 0) run.exchanges[before] = e;
    else run.exchanges.push(e);
    if (run.exchanges.length > KEPT) run.exchanges.shift();
    changed("exchanges");
  },
  presence(e) {
    if (e.online) run.gone.delete(e.id);
    else remember(run.gone, e.id, { since: Date.parse(e.time), way: e.way, why: e.why });
    changed("details");
  },
  incident(e) {
    run.incidents.set(e.number, { ...e, heard: Date.now() });
    changed("incidents", "log");
  },
  intervention(e) {
    run.interventions.push(e);
    changed("log");
  },
  phase(e) {
    if (run.status) run.status.phase = e.phase;
    if (e.phase === "ended") ended();
    changed("status");
  },
  gap(e) {
    run.notShown += e.not_shown ?? 0;
    changed("exchanges");
  },
  report(e) {
    run.report = e;
  },
  end: over,
};
hear.refusal = hear.exchange;

/** Further events, by a name and what to do with them. */
export const alsoHear = (type, what) => (hear[type] = what);

function heard(type, e) {
  if (e.time && e.at) run.zero = Date.parse(e.time) - milliseconds(e.at);
  hear[type]?.(e);
}

let beginning = null;

/** Learns of the run what no event says. */
function begin() {
  beginning ??= learn().finally(() => (beginning = null));
  return beginning;
}

let learnt = ""; // homes that are known

async function learn() {
  run.status = await get("/v1");
  run.started = Date.now() - milliseconds(run.status.uptime);
  if (!can("devices")) return changed("status", "link");
  const [{ kinds }, of] = await Promise.all([get("/v1/kinds"), get("/v1/homes")]);
  for (const k of kinds) run.kinds.set(k.kind, k);
  const text = run.status.run + JSON.stringify(of.stretches) + of.homes.length;
  if (text !== learnt) {
    const found = directory(of);
    Object.assign(run, { homes: found.homes, kindNames: found.kinds, kindOf: found.kindOf, homeOf: found.homeOf, ids: [], numbers: new Map() });
    learnt = text;
  }
  changed("status", "homes");
  if (of.devices <= FEW && run.numbers.size < of.devices) for (let cursor = ""; cursor !== undefined; ) cursor = await all(cursor);
  run.interventions = (await get("/v1/interventions")).interventions;
  if (can("incidents")) for (const i of (await get("/v1/incidents")).incidents) run.incidents.set(i.number, { ...i, heard: Date.now() });
  changed("status", "homes", "incidents", "log", "load");
  if (run.status.phase === "ended") ended();
}

async function all(cursor) {
  const got = await get("/v1/devices?" + new URLSearchParams({ limit: 1000, ...(cursor && { cursor }) }));
  got.devices.forEach(name);
  return got.next;
}

let stop = null;
let last = ""; // the event that was heard last
let watched = [];
let again = 0;

function said(state) {
  if (run.end) return;
  if (state === "live") {
    const known = run.link.state === "live" && run.status; // others are watched now, and that is all
    run.link = { state: "live", since: Date.now(), problem: null };
    if (!known) begin().catch((problem) => said(problem));
  } else {
    const what = state.status === 401 ? "refused" : run.status ? "lost" : "connecting";
    if (run.link.state !== what) run.link = { state: what, since: Date.now() };
    run.link.problem = state;
    if (state.status === 404 || state.status === 422) watched = []; // one that is watched is there no more
  }
  changed("link", "status");
}

function query() {
  const types = ["exchange", "refusal", "incident", "intervention", "phase"];
  if (run.looks.length <= FEW) types.push("presence");
  return new URLSearchParams({ types, map: "all", tick: "true", report: "true", ...(watched.length > 0 && { watch: watched }) });
}

function resume() {
  if (stop || document.hidden || run.end) return;
  stop = new AbortController();
  follow(query, heard, said, stop.signal, { get: () => last, set: (id) => (last = id) });
}

function pause() {
  stop?.abort();
  stop = null;
}

/** Has these devices say all of themselves as it changes, and no others. */
export function watch(ids) {
  ids = ids.filter((id) => id && !id.includes(",")).slice(0, 100);
  if (ids.join() === watched.join()) return;
  watched = ids;
  for (const id of run.details.keys()) if (!ids.includes(id)) run.details.delete(id), run.watts.delete(id);
  clearTimeout(again);
  again = setTimeout(() => (pause(), resume()), 20);
}

/** Follows the run for as long as the page is in sight. */
export function start() {
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : resume()));
  setInterval(() => changed("second"), 1000); // for what counts seconds
  resume();
}

export { Problem };
