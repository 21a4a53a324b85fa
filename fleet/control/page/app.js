// The page: what is on top of every view, which view there is, and which device is looked at.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Banner } from "./banner.js";
import { Homes } from "./homes.js";
import { clock, html, number, span, visible } from "./html.js";
import { Inspector } from "./inspector.js";
import { Load, p99, PauseLoad } from "./load.js";
import { Log } from "./log.js";
import { Messages } from "./messages.js";
import { asOf, can, FEW, goesOn, run, start, useRun, watch } from "./store.js";
import { Running, Strike } from "./strike.js";
import { nextTheme, theme, useTheme } from "./theme.js";
import { Wills } from "./wills.js";

const titles = { homes: "Homes", messages: "Messages", load: "Load", wills: "Wills", log: "Log" };
const here = () => (location.hash.slice(1) in titles ? location.hash.slice(1) : "homes");

function useView() {
  const [view, set] = useState(here());
  useEffect(() => {
    const moved = () => set(here());
    moved(); // it may have, before anybody listened
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return view;
}

/** In which phase the run is, and for how long: the measuring by itself, all else from the start. */
function phase(s) {
  if (run.end) return `over after ${clock(run.end.lasted)}`;
  if (s.phase === "measure" && run.zero !== null) return `measuring ${clock(asOf() - run.zero)}`;
  const named = { connect: "connecting", run: "running", drain: "draining", ended: "over", "warm-up": "warming up" };
  return `${named[s.phase] ?? s.phase} ${clock(asOf() - run.started)}`;
}

/** How many are online or, of a run that is over, were before all were stopped. */
function Count({ total }) {
  const last = run.end && run.final.result?.devices;
  if (last) return html`<span class="count"><i class="quiet"></i>${number(last.online)} of ${number(last.total)} were online</span>`;
  return html`<span class="count"><i class=${run.link.state !== "live" ? "quiet" : run.online >= total ? "ok" : "warn"}></i>${number(run.online)} of ${number(total)} online</span>`;
}

function Top({ strike }) {
  useRun("status", "link", "looks", "second", "load");
  const now = useTheme();
  const s = run.status;
  const total = s ? s.devices.total : 0;
  const goes = goesOn();
  const slow = p99();
  return html`<header class="top">
    <h1>homefleet</h1>
    ${s && html`<span class="what"><bdi>${visible(s.title || s.scenario || "a broker", 60)}</bdi></span><span class="quiet clock">${phase(s)}</span>`}
    <span class="grow"></span>
    ${s && total > 0 && html`<${Count} total=${total} />`}
    ${slow !== undefined && html`<span class="quiet" title=${run.end ? "of all requests" : "of the last second"}>p99 ${span(slow)}</span>`}
    ${can("incidents") && goes && html`<button class="primary" onClick=${strike}>Incident…</button>`}
    ${can("load") && goes && html`<${PauseLoad} />`}
    <button class="theme" aria-label=${`Theme: ${theme(now)}`} title=${`Theme: ${theme(now)}`} onClick=${nextTheme}><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8" /><path d="M12 4a8 8 0 0 1 0 16z" /></svg></button>
  </header>`;
}

/** What has happened that somebody who does not see the page should hear, once a second at most. */
function Told() {
  useRun("incidents", "link");
  const now = [...run.incidents.values()].filter((i) => i.state === "running").at(-1);
  return html`<p class="unseen" role="status">${run.end ? "The run is over" : now ? `${now.kind}, ${now.devices} devices` : ""}</p>`;
}

function Field({ filter, setFilter }) {
  const [text, setText] = useState(filter);
  useEffect(() => {
    const timer = setTimeout(() => setFilter(text), run.kindOf.length > FEW ? 200 : 0);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<search><input id="filter" type="search" placeholder="kind=light home=flat-*" spellcheck=${false} autocomplete="off"
    aria-label="Filter" title="kind=… home=… id=… online=true; a word is a part of an id" value=${text} onInput=${(e) => setText(e.target.value)} /></search>`;
}

function App() {
  useRun("status", "link", "homes");
  const view = useView();
  const [filter, setFilter] = useState("");
  const [home, setHome] = useState(null);
  const [chosen, setChosen] = useState(null); // {id, exchange}
  const [byHand, setByHand] = useState(false);
  const [listed, setListed] = useState(false);
  const [striking, setStriking] = useState(false);
  const choose = (id, exchange) => setChosen(id ? { id, exchange } : null);
  // With a single device, its exchange is what there is to see.
  const alone = view === "homes" && run.kindOf.length === 1 && run.ids[0] !== undefined;
  const open = alone ? { id: run.ids[0] } : view === "load" || view === "log" ? null : chosen;
  useEffect(() => {
    const keys = (e) => {
      if (e.target.closest("input, select, textarea, dialog")) return;
      if (e.key === "/") {
        const field = document.getElementById("filter");
        if (field) e.preventDefault();
        field?.focus();
      } else if (e.key === "Escape") setChosen(null);
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  useEffect(() => {
    if (view !== "homes") watch(open ? [open.id] : []);
  }, [view, open?.id]);
  const name = (v) => (v === "load" && !can("load") ? "History" : titles[v]);
  const filters = (view === "homes" || view === "messages") && run.kindOf.length > 1;
  const inSight = view === "homes" ? filter || (run.homes.length > 1 && home ? `home=${home.replace(/\s/g, "*")}` : "") : "";
  return html`<div class=${`page ${run.link.state}`}>
    <${Top} strike=${() => setStriking(true)} />
    <div class="bar">
      <nav aria-label="Views">${Object.keys(titles).map((v) => html`<a href=${"#" + v} aria-current=${v === view ? "page" : undefined}>${name(v)}</a>`)}</nav>
      <span class="grow"></span>
      ${filters && html`<${Field} filter=${filter} setFilter=${setFilter} />`}
      ${view === "homes" && run.kindOf.length > 1 && html`<button aria-pressed=${listed} onClick=${() => setListed(!listed)}>List</button>`}
    </div>
    <${Banner} />
    <div class=${`content ${alone ? "solo" : open ? "with" : ""}`}>
      <main>
        ${view === "homes" && run.status && html`<${Homes} filter=${filter} chosen=${open?.id} choose=${choose} byHand=${byHand} listed=${listed} home=${home} setHome=${setHome} />`}
        ${view === "messages" && html`<${Messages} filter=${filter} choose=${choose} at=${open?.exchange} />`}
        ${view === "load" && html`<${Load} />`}
        ${view === "wills" && html`<${Wills} choose=${choose} chosen=${open?.id} />`}
        ${view === "log" && html`<${Log} />`}
      </main>
      ${open && html`<${Inspector} id=${open.id} exchange=${open.exchange} close=${() => setChosen(null)} byHand=${byHand} setByHand=${setByHand} alone=${alone} />`}
    </div>
    <${Running} />
    <${Told} />
    ${striking && html`<${Strike} whom=${inSight} close=${() => setStriking(false)} />`}
  </div>`;
}

start();
render(html`<${App} />`, document.getElementById("app"));
