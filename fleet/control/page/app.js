// The page: what is on top of every view, which view there is, and what is to be said of the connection.

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Homes, selection } from "./homes.js";
import { clock, html, plural } from "./html.js";
import { Inspector } from "./inspector.js";
import { start, useRun } from "./store.js";
import { Running, Strike } from "./strike.js";
import { Log, Messages, Wills } from "./views.js";

const views = ["homes", "messages", "wills", "log"];
const title = (word) => word[0].toUpperCase() + word.slice(1);
const here = () => (views.includes(location.hash.slice(1)) ? location.hash.slice(1) : "homes");

function useHash() {
  const [view, set] = useState(here());
  useEffect(() => {
    const moved = () => set(here());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return view;
}

function Link({ run }) {
  const { state, since, problem } = run.link;
  if (state === "live") return null;
  if (state === "over") {
    const verdict = run.end.verdict;
    return html`<p class=${`banner ${verdict === "fail" ? "bad" : ""}`} role="status">The run is over${verdict ? html`: <b>${verdict}</b>` : ""}. ${(run.end.why ?? []).join("; ")} What stands here is how it ended.</p>`;
  }
  if (state === "refused") {
    return html`<p class="banner bad" role="alert">The token is missing or wrong. The address that <code>homefleet run … --ui</code> prints has it, and so has the ready file.</p>`;
  }
  if (state === "connecting" && !problem) return html`<p class="banner" role="status">Connecting…</p>`;
  return html`<p class="banner warn" role="status">${problem?.message ?? "The run does not answer"}. What stands here is as of ${new Date(since).toTimeString().slice(0, 8)}; it is tried again.</p>`;
}

function Top({ run, strike }) {
  const s = run.status;
  return html`<header class="top">
    <h1>homefleet</h1>
    ${s && html`<span class="what">${s.title ?? s.scenario ?? "a broker"}</span><span class="quiet">${run.end ? "over" : s.phase === "run" ? "running" : s.phase} ${clock((run.end ? run.link.since : Date.now()) - run.started)}</span>`}
    <span class="grow"></span>
    ${s && html`<span class="count" role="status"><i class=${s.devices.online === s.devices.total ? "ok" : "warn"}></i>${s.devices.online.toLocaleString("en")} of ${s.devices.total.toLocaleString("en")} online</span>`}
    ${s?.abilities.includes("incidents") && html`<button class="primary" onClick=${strike}>Strike…</button>`}
  </header>`;
}

function App() {
  const run = useRun();
  const view = useHash();
  const [filter, setFilter] = useState("");
  const [chosen, choose] = useState(null);
  const [byHand, setByHand] = useState(false);
  const [listed, setListed] = useState(false);
  const [striking, setStriking] = useState(false);
  // With a single device, its exchange is what there is to see.
  const only = run.devices.size === 1 ? run.devices.keys().next().value : null;
  const open = view === "homes" ? (chosen ?? only) : null;
  useEffect(() => {
    const keys = (e) => {
      if (e.target.closest("input, select, dialog")) return;
      if (e.key === "/") {
        e.preventDefault();
        document.getElementById("filter")?.focus();
      } else if (e.key === "Escape") choose(null);
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);
  return html`<div class=${`page ${run.link.state}`}>
    <${Top} run=${run} strike=${() => setStriking(true)} />
    <div class="bar">
      <nav aria-label="Views">${views.map((v) => html`<a href=${"#" + v} aria-current=${v === view ? "page" : undefined}>${title(v)}</a>`)}</nav>
      <span class="grow"></span>
      ${(view === "homes" || view === "messages") && run.devices.size > 1 && html`<search><input id="filter" type="search" placeholder="kind=light home=flat-*" spellcheck=${false}
        aria-label="Filter" value=${filter} onInput=${(e) => setFilter(e.target.value)} /></search>`}
      ${view === "homes" && html`<button aria-pressed=${listed} onClick=${() => setListed(!listed)}>List</button>`}
    </div>
    <${Link} run=${run} />
    <div class=${`content ${open ? "with" : ""}`}>
      <main>
        ${view === "homes" && run.status && html`<${Homes} filter=${filter} chosen=${open} choose=${choose} byHand=${byHand} listed=${listed} />`}
        ${view === "messages" && html`<${Messages} filter=${filter} match=${selection(filter)} />`}
        ${view === "wills" && html`<${Wills} />`}
        ${view === "log" && html`<${Log} />`}
        ${run.total > run.devices.size && view === "homes" && html`<p class="quiet">${plural(run.total - run.devices.size, "more device")} not shown here.</p>`}
      </main>
      ${open && html`<${Inspector} id=${open} close=${() => choose(null)} byHand=${byHand} setByHand=${setByHand} />`}
    </div>
    <${Running} />
    ${striking && html`<${Strike} filter=${view === "homes" ? filter : ""} close=${() => setStriking(false)} />`}
  </div>`;
}

start();
render(html`<${App} />`, document.getElementById("app"));
