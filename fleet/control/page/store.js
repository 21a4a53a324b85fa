// What the page knows of the run. One object, changed in place by what comes in; whoever shows something of it is told
// what has changed, a few times a second at most.

import { useEffect, useState } from "preact/hooks";
import { get, Problem } from "./api.js";
import { changed, onChange } from "./changes.js";
import { milliseconds } from "./html.js";
import { change, directory, GAVE_UP, ONLINE, presenceOf, REMOVED } from "./looks.js";
import { streams } from "./streams.js";

export const FEW = 2000; // devices of which all ids are known here; of more, those of the homes that were opened
export const JOURNALS = 1000; // devices that keep one: of more, none does before it is asked
const AFTER = 20e3; // that is seen who is back from an incident
const KEPT = 200; // exchanges, and as many devices that have gone
const NOTED = 1000; // interventions, and as many incidents

export const run = {
  link: { state: "connecting", since: Date.now(), problem: null }, // connecting, live, lost, refused or over
  status: null,
  heard: Date.now(), // when the run last said anything
  started: 0, // by the clock of this machine
  zero: null, // the moment that times of events count from, likewise
  skew: 0, // what the clock of this machine is ahead of that of the run
  kinds: new Map(), // name -> {doc, attributes}
  homes: [], // {name, label, members: numbers}
  kindNames: [],
  kindOf: new Uint8Array(0), // by number
  homeOf: new Uint32Array(0),
  looks: new Uint32Array(0),
  online: 0,
  gaveUp: 0,
  seen: false, // somebody has been online
  ids: [], // by number
  numbers: new Map(), // by id
  details: new Map(), // id -> all that a watched device says of itself
  watts: new Map(), // id -> the last minute of a watched device that draws power
  gone: new Map(), // id -> {since, way, why}
  exchanges: [], // newest last
  notShown: 0,
  incidents: new Map(), // number -> incident
  interventions: [],
  report: null,
  end: null,
  final: {}, // result and Wills of a run that is over
  leftOut: 0, // interventions that are kept no more
};

export const kindAt = (n) => run.kindNames[run.kindOf[n]] ?? "";

/** The moment of which the page shows something: now or, where the run says nothing more, when it last did. */
export const asOf = () => (run.link.state === "live" || run.link.state === "connecting" ? Date.now() : run.link.since);

/** Whether something can be done: the run answers, and goes on. */
export function goesOn() {
  return run.link.state === "live" && !run.end && run.status?.phase !== "ended";
}

export const can = (ability) => run.status?.abilities.includes(ability) ?? false;

/** Has a component drawn again as something of the run changes. */
export function useRun(...topics) {
  const [, again] = useState(0);
  useEffect(() => onChange(topics, () => again((n) => n + 1)), []);
  return run;
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
  if (run.exchanges.length > 0 || run.kindOf.length === 0 || run.kindOf.length > JOURNALS) return;
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

/** The watts that a device draws, of all that stands behind it; undefined where it measures none. */
export function wattsOf(telemetry) {
  if (!telemetry || typeof telemetry !== "object") return undefined;
  for (const key of ["watts", "power"]) if (typeof telemetry[key] === "number") return telemetry[key];
  const behind = Object.values(telemetry).map(wattsOf).filter((w) => w !== undefined);
  return behind.length > 0 ? behind.reduce((sum, w) => sum + w, 0) : undefined;
}

function take(d) {
  name(d);
  run.details.set(d.id, d);
  const drawn = wattsOf(d.telemetry);
  if (drawn === undefined) return;
  const watts = run.watts.get(d.id) ?? [];
  const now = Math.floor(Date.now() / 2000);
  if (watts.at(-1)?.[0] === now) watts.at(-1)[1] = drawn;
  else watts.push([now, drawn]);
  while (watts.length > 0 && watts[0][0] <= now - 30) watts.shift();
  run.watts.set(d.id, watts);
}

/** Takes those that were removed out of their homes. */
function prune() {
  const there = (n) => presenceOf(run.looks[n] ?? 0) !== REMOVED;
  if (run.homes.every((h) => h.members.every(there))) return;
  run.homes = run.homes.map((h) => (h.members.every(there) ? h : { ...h, members: h.members.filter(there) }));
  changed("homes");
}

/** A moment of the run by the clock of this machine. */
const local = (time) => Date.parse(time) + run.skew;

let unknown = false;

/** How a run ended that is over and still answers. */
async function ended() {
  const { over: done, result: r } = await get("/v1/result").catch(() => ({}));
  if (!done) return;
  const wills = can("wills") ? await get("/v1/wills").catch(() => undefined) : undefined;
  run.final = { result: r, wills };
  const to = r.phases?.at(-1)?.to;
  const told = r.ran && /^(ran as planned|stopped)$/.test(r.verdict) ? undefined : r.verdict; // of a run that measures nothing, there is none to tell
  over({ verdict: told, why: r.sentences, ...(to && { time: new Date(Date.parse(r.started) + milliseconds(to)) }) });
}

function over(e) {
  const lasted = run.end?.lasted ?? (e.time ? local(e.time) : Date.now()) - run.started;
  run.end = { ...e, verdict: e.verdict ?? run.end?.verdict, why: e.why ?? run.end?.why, lasted };
  if (run.link.state !== "over") run.link = { state: "over", since: Date.now(), problem: null };
  changed("link", "status");
}

function note(incident) {
  run.incidents.set(incident.number, incident);
  if (run.incidents.size > NOTED) run.incidents.delete(run.incidents.keys().next().value);
}

function acts(all) {
  run.leftOut += Math.max(0, all.length - NOTED);
  run.interventions = all.slice(-NOTED);
}

/** Sees, for a while after an incident, who is back from it. */
async function recover(incident) {
  const until = Date.now() + AFTER;
  for (let i = incident; Date.now() < until && goesOn(); ) {
    i = await get(`/v1/incidents/${incident.number}`).catch(() => i);
    run.incidents.set(incident.number, { ...i, seen: until });
    changed("incidents");
    if (!i.recovery || i.recovery.every((r) => r.online >= r.affected)) return;
    await new Promise((done) => setTimeout(done, 1000));
  }
}

const hear = {
  hello(e) {
    if (run.status && run.status.run !== e.run) return location.reload(); // nothing of the one before is true of this one
    if (run.status) Object.assign(run.status, { phase: e.phase, devices: e.devices });
    changed("status");
  },
  map(e) {
    let fewer = false;
    run.looks = change(run.looks, e.changed, (n, look) => {
      unknown ||= n >= run.kindOf.length;
      fewer ||= presenceOf(look) === REMOVED;
    });
    const of = [0, 0, 0, 0, 0, 0, 0, 0];
    for (const look of run.looks) of[presenceOf(look)]++;
    [run.online, run.gaveUp] = [of[ONLINE], of[GAVE_UP]];
    run.seen ||= run.online > 0;
    if (fewer) prune();
    if ((unknown || fewer) && run.homes.length > 0) begin(); // devices have come, or gone for good
    unknown = false;
    changed("looks");
  },
  device(e) {
    if (!watched.includes(e.id)) return; // any more
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
    else remember(run.gone, e.id, { since: local(e.time), way: e.way, why: e.why });
    changed("details");
  },
  incident(e) {
    note(e);
    if (e.state === "over") recover(e);
    changed("incidents", "log");
  },
  intervention(e) {
    if (!run.interventions.some((i) => i.n === e.n)) acts([...run.interventions, e]);
    changed("log");
  },
  phase(e) {
    if (run.status) run.status.phase = e.phase;
    if (e.phase === "ended") ended();
    else begin(); // moments may count from elsewhere now: from the start of measuring
    changed("status");
  },
  gap(e) {
    run.notShown += e.not_shown ?? 0;
    if (e.events || e.at_most) {
      run.gone.clear(); // who came back, and who went, may be among what was left out
      begin();
    }
    changed("exchanges");
  },
  report(e) {
    run.report = e;
    run.final = { result: e.result, wills: e.wills };
    changed("status", "load");
  },
  end: over,
};
hear.refusal = hear.exchange;

/** Further events, by a name and what to do with them. */
export function alsoHear(type, what) {
  const before = hear[type];
  hear[type] = (e) => (before?.(e), what(e));
}

function heard(type, e) {
  run.heard = Date.now();
  if (type === "hello") run.skew = run.heard - Date.parse(e.time);
  if (e.time && e.at) run.zero = local(e.time) - milliseconds(e.at);
  hear[type]?.(e);
}

let live = false;
let beginning = false;
let stale = false; // what is being learnt may be of before something changed

/** Learns of the run what no event says. */
async function begin() {
  stale = true;
  if (beginning) return;
  beginning = true;
  try {
    while (stale) {
      stale = false;
      await learn();
    }
    if (live && run.link.state === "connecting") run.link = { state: "live", since: Date.now(), problem: null };
    changed("link");
  } catch (problem) {
    if (!(problem instanceof Problem)) console.error(problem);
    if (!run.status) run.link = { state: "connecting", since: Date.now(), problem };
    changed("link");
    setTimeout(() => stream.on && !run.end && begin(), 2000); // the stream goes on meanwhile: it has the end of a run that answers no more
  } finally {
    beginning = false;
  }
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
    prune();
  }
  changed("status", "homes");
  if (of.devices <= FEW && run.numbers.size < of.devices) for (let cursor = ""; cursor !== undefined; ) cursor = await all(cursor);
  const { interventions, left_out: more = 0 } = await get("/v1/interventions");
  run.leftOut = more;
  acts(interventions);
  if (can("incidents")) for (const i of (await get("/v1/incidents")).incidents) note(i);
  changed("status", "homes", "incidents", "log", "load");
  if (run.status.phase === "ended") ended();
}

async function all(cursor) {
  const got = await get("/v1/devices?" + new URLSearchParams({ limit: 1000, ...(cursor && { cursor }) }));
  got.devices.forEach(name);
  return got.next;
}

let watched = [];
let again = 0;

function said(state) {
  live = state === "live";
  if (run.end) return stream.stop(); // what stands here is how it ended, whoever answers at its address later
  if (state === "live") {
    run.heard = Date.now();
    const known = run.link.state === "live" && run.status; // others are watched now, and that is all
    run.link = { state: "live", since: Date.now(), problem: null };
    if (!known) begin();
  } else if (watched.length > 0 && (state.status === 404 || state.status === 422)) {
    watched = []; // one of them is there no more
  } else {
    if (state.status === 409) ended(); // it is over, and still answers
    const what = state.status === 401 ? "refused" : run.status ? "lost" : "connecting";
    if (run.link.state !== what) run.link = { state: what, since: run.status ? run.heard : Date.now() };
    run.link.problem = state;
  }
  changed("link", "status");
}

function query() {
  const types = ["exchange", "refusal", "incident", "intervention", "phase"];
  if (run.looks.length <= FEW) types.push("presence");
  return new URLSearchParams({ types, map: "all", tick: "true", report: "true", ...(watched.length > 0 && { watch: watched }) });
}

const stream = streams(query, heard, said);

function resume() {
  if (!document.hidden && !run.end) stream.start();
}

/** Has these devices say all of themselves as it changes, and no others. */
export function watch(ids) {
  if (run.end) return; // nothing more comes, but for the report
  ids = ids.filter((id) => id && !id.includes(",") && presenceOf(run.looks[run.numbers.get(id)] ?? 0) !== REMOVED).slice(0, 100);
  if (ids.join() === watched.join()) return;
  watched = ids;
  for (const id of run.details.keys()) if (!ids.includes(id)) run.details.delete(id), run.watts.delete(id);
  clearTimeout(again);
  again = setTimeout(stream.change, 20);
}

/** Follows the run for as long as the page is in sight. */
export function start() {
  document.addEventListener("visibilitychange", () => (document.hidden ? stream.stop() : resume()));
  setInterval(() => changed("second"), 1000); // for what counts seconds
  resume();
}

export { changed, onChange };
