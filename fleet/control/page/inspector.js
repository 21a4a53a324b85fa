// One device: what it is, what can be done to it, the exchanges that it had, and its Will.

import { useEffect, useState } from "preact/hooks";
import { act, command, habits, ways } from "./act.js";
import { get } from "./api.js";
import { Envelope } from "./cards.js";
import { html, moment, visible } from "./html.js";
import { Ladder } from "./ladder.js";
import { actsOf, ONLINE, presenceOf, PRESENCE, REMOVED, words } from "./looks.js";
import { can, goesOn, kindAt, run, useRun, wattsOf } from "./store.js";
import { WillLadder } from "./willladder.js";

const KEPT = 64;

/** The exchanges of a device from its journal, which has all of them, and those that the stream has shown. */
function useExchanges(id, acts, gone) {
  const [kept, setKept] = useState({ id, list: [], why: "" });
  useEffect(() => {
    let late = false;
    const known = kept.id === id ? kept.list : [];
    const last = known.at(-1)?.number ?? 0;
    if (gone) return undefined; // its journal went with it
    const timer = setTimeout(() => {
      get(`/v1/devices/${encodeURIComponent(id)}/journal${last ? `?after=${last}` : ""}`).then(
        (j) => late || setKept((now) => ({ id, list: [...(now.id === id ? now.list.filter((x) => x.number <= last) : []), ...j.exchanges].slice(-KEPT), why: "" })),
        (e) => late || setKept({ id, list: known, why: e.message }),
      );
    }, kept.id === id ? 120 : 0);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [id, acts, gone]);
  const all = new Map((kept.id === id ? kept.list : []).map((x) => [x.number, x]));
  for (const x of run.exchanges) if (x.id === id && (all.has(x.number) || x.number > (kept.list.at(-1)?.number ?? 0))) all.set(x.number, x);
  return [[...all.values()].sort((a, b) => a.number - b.number), kept.why];
}

function Menu({ label, items, pick }) {
  return html`<select aria-label=${label} onChange=${(e) => {
    const at = e.target.value;
    e.target.value = "";
    if (at !== "") pick(items[Number(at)][0]);
  }}><option value="">${label}</option>${items.map(([, text], i) => html`<option value=${i}>${text}</option>`)}</select>`;
}

function Tools({ id, d, up, byHand, setByHand }) {
  const [said, setSaid] = useState("");
  const run_ = (verb, body) => act(verb, id, body).then(setSaid);
  const wrong = d?.misbehaves && Object.keys(d.misbehaves).length > 0;
  return html`<div class="tools">
      <span class="via" role="group" aria-label="How commands reach the device">
        <button aria-pressed=${!byHand} onClick=${() => setByHand(false)} title="As a request through the broker, as a phone would">By MQTT</button>
        <button aria-pressed=${byHand} onClick=${() => setByHand(true)} title="At the device itself, as a finger would: no message is sent to it. Shift does it once.">By hand</button>
      </span>
      ${up ? html`<${Menu} label="Kill…" items=${ways} pick=${(way) => run_("kill", { way })} />` : html`<button onClick=${() => run_("revive")}>Revive</button>`}
      ${wrong ? html`<button onClick=${() => run_("behave")}>Behave again</button>` : html`<${Menu} label="Misbehave…" items=${habits} pick=${(keys) => run_("misbehave", keys)} />`}
    </div>
    ${wrong && html`<p class="warn">It misbehaves: ${Object.entries(d.misbehaves).map(([k, v]) => `${k.replaceAll("_", " ")} ${v}`).join(", ")}</p>`}
    ${said && html`<p class="against" role="alert">${visible(said)}</p>`}`;
}

function Command({ id, kind, byHand }) {
  const attributes = run.kinds.get(kind)?.attributes ?? [];
  const [attribute, setAttribute] = useState("");
  const [payload, setPayload] = useState("");
  const [said, setSaid] = useState("");
  const now = attributes.find((a) => a.name === attribute) ?? attributes[0];
  if (!now) return null;
  const send = async (e) => {
    e.preventDefault();
    setSaid("…");
    setSaid((await command(id, now.name, payload, byHand)) || "");
  };
  return html`<form class="command" onSubmit=${send}>
    <select aria-label="Attribute" value=${now.name} onChange=${(e) => setAttribute(e.target.value)}>${attributes.map((a) => html`<option value=${a.name}>${a.name}</option>`)}</select>
    <input aria-label="Payload" value=${payload} placeholder=${now.accepts} title=${now.accepts} spellcheck=${false} autocomplete="off" onInput=${(e) => setPayload(e.target.value)} />
    <button>Send</button>
    ${said && html`<p class="against" role="alert">${visible(said)}</p>`}
  </form>`;
}

export function Inspector({ id, close, byHand, setByHand, exchange, alone }) {
  useRun("details", "looks", "exchanges", "second");
  const n = run.numbers.get(id);
  const look = run.looks[n] ?? 0;
  const d = run.details.get(id);
  const up = presenceOf(look) === ONLINE;
  const gone = presenceOf(look) === REMOVED;
  const kind = d?.kind ?? kindAt(n);
  const [exchanges, why] = useExchanges(id, actsOf(look), gone);
  const [at, setAt] = useState(null);
  const [tab, setTab] = useState("exchange");
  useEffect(() => {
    setAt(exchange ?? null);
    setTab("exchange");
  }, [id, exchange]);
  const x = exchanges.find((e) => e.number === at) ?? exchanges.at(-1);
  const values = d?.values ? Object.entries(d.values).filter(([name]) => name !== "transition").sort(([a], [b]) => (b === "power") - (a === "power")).slice(0, 8) : [];
  return html`<aside class=${`inspector ${alone ? "alone" : ""}`} aria-label=${`Device ${visible(id, 80)}`}>
    <header>
      <h2><bdi>${visible(id, 80)}</bdi></h2>
      ${!alone && html`<button class="close" aria-label="Close" onClick=${close}>✕</button>`}
    </header>
    <p class="quiet"><span class=${up ? "ok" : "bad"}>${up ? "online" : PRESENCE[presenceOf(look)]}</span> · ${visible(kind, 40)}${values.length > 0
      ? values.map(([name, v]) => html` · ${visible(name, 24)} <b>${visible(String(v), 24)}</b>`)
      : up && ` · ${words(kind, look)}`}${up && kind !== "plug" && wattsOf(d?.telemetry) > 0 && html` · <b>${wattsOf(d.telemetry).toFixed(1)} W</b>`}</p>
    ${gone ? html`<p class="lesson">It was removed from the run: it has said goodbye, and nothing of it comes any more.</p>`
      : goesOn() && html`<${Tools} key=${id} id=${id} d=${d} up=${up} byHand=${byHand} setByHand=${setByHand} /><${Command} key=${"to " + id} id=${id} kind=${kind} byHand=${byHand} />`}
    <div class="tabs" role="group" aria-label="What to look at">
      <button aria-pressed=${tab === "exchange"} onClick=${() => setTab("exchange")}>Request and answer</button>
      <button aria-pressed=${tab === "will"} onClick=${() => setTab("will")}>Will${d?.will && d.will.verdict !== "not-due" ? ` · ${d.will.verdict.replace("-", " ")}` : ""}</button>
    </div>
    ${tab === "will"
      ? d ? html`<${Envelope} will=${d.will} /><${WillLadder} d=${d} />` : html`<p class="quiet">${run.end ? "The run is over, and its Will was not asked for before." : "…"}</p>`
      : html`${x
          ? html`<${Ladder} x=${x} key=${x.number} />`
          : html`<p class="lesson">${why ? visible(why) : "Switch it, and the request and its answer stand here: a pair that MQTT 5 makes by Response Topic and Correlation Data."}</p>`}
        ${exchanges.length > 1 &&
        html`<ol class="earlier" aria-label="Exchanges">
          ${exchanges.slice(-12).reverse().map((e) => html`<li key=${e.number}><button aria-pressed=${e.number === x.number} onClick=${() => setAt(e.number)}>
            <time>${moment(e.time)}</time> <code><bdi>${visible(`${e.request.topic.split("/").at(-1)} ${e.request.payload}`, 40)}</bdi></code> <span class=${e.outcome === "answered" || e.outcome === "obeyed" ? "ok" : "warn"}>${e.outcome}</span></button></li>`)}
        </ol>`}`}
    ${!up && !can("wills") && d?.will_message && tab === "exchange" && html`<p class="quiet">It is offline; its Will stands behind the other tab.</p>`}
  </aside>`;
}
