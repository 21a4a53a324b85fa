// A card for each device of a home. Kinds that have no drawing of their own get one made from their attributes.

import { useState } from "preact/hooks";
import { act, command, shortName } from "./act.js";
import { lightColour } from "./colour.js";
import { clock, html, milliseconds, visible } from "./html.js";
import { ONLINE, presenceOf, PRESENCE, words } from "./looks.js";
import { asOf, goesOn, kindAt, run, useRun, wattsOf } from "./store.js";

const narrow = matchMedia("(max-width: 900px)");

export function Card({ number, id, open, select, byHand }) {
  useRun("details", "looks", "second", "link");
  const [waits, setWaits] = useState(false);
  const [against, setAgainst] = useState("");
  const look = run.looks[number] ?? 0;
  const d = run.details.get(id);
  const kind = kindAt(number);
  const called = shortName(number);
  const up = presenceOf(look) === ONLINE;
  const bodyOf = { light: Light, thermostat: Thermostat, plug: Plug }[kind] ?? Generic;
  const on = async (event, attribute, payload) => {
    event.stopPropagation();
    if (!narrow.matches) select(id); // where it would cover the cards, a switch opens nothing
    setWaits(true);
    setAgainst(await command(id, attribute, payload, byHand !== event.shiftKey));
    setWaits(false);
  };
  return html`<article class=${`card ${up ? "" : "off"} ${open ? "open" : ""}`} data-device=${id} aria-busy=${waits} onClick=${() => id && select(id)}>
    <header>
      <button class="name" title=${visible(id ?? "")} onClick=${(e) => (e.stopPropagation(), id && select(id))}><bdi>${visible(called, 60)}</bdi></button>
      ${!(called.length > 13 && called.startsWith(kind)) && html`<span class="kind">${visible(kind, 24)}</span>`}
    </header>
    ${!up ? html`<${Gone} id=${id} look=${look} d=${d} />` : d?.values ? html`<${bodyOf} d=${d} act=${on} />` : html`<p class="quiet">${words(kind, look)}</p>`}
    ${against && html`<p class="against" role="alert">${visible(against)}</p>`}
  </article>`;
}

function Switch({ d, act }) {
  const on = d.values.power === "ON";
  return html`<button class="switch" role="switch" aria-checked=${on} aria-label=${`${visible(d.id, 80)}, power`} title="Through the broker; with Shift by hand" disabled=${!goesOn()}
    onClick=${(e) => act(e, "power", on ? "OFF" : "ON")}><span></span></button>`;
}

function Light({ d, act }) {
  const on = d.values.power === "ON";
  const level = Number(d.telemetry?.level ?? d.values.brightness) || 0;
  const mode = d.telemetry?.color_mode === "white" ? `${d.telemetry.kelvin} K` : d.values.color;
  return html`<div class=${`lamp ${level > 0 ? "lit" : ""}`} style=${{ "--light": lightColour(d.values, d.telemetry), "--level": level > 0 ? 0.25 + (0.75 * level) / 100 : 0 }}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M9 18h6M10 21h4M12 3a6 6 0 0 0-3.6 10.8c.7.6 1.1 1.3 1.1 2.2h5c0-.9.4-1.6 1.1-2.2A6 6 0 0 0 12 3z" /></svg>
    </div>
    ${on && html`<input type="range" min="1" max="100" value=${Math.max(1, Math.round(Number(d.values.brightness) || level))} aria-label=${`${visible(d.id, 80)}, brightness`} disabled=${!goesOn()}
      onClick=${(e) => e.stopPropagation()} onChange=${(e) => act(e, "brightness", e.target.value)} />`}
    <div class="row">
      <span><b>${on ? `${Math.round(level)} %` : "off"}</b>${on && html`<small>${visible(String(mode), 12)}</small>`}</span>
      <${Switch} d=${d} act=${act} />
    </div>`;
}

// A dial of 270 degrees from 5 to 30 °C: the arc to what is measured, a tick at what is wanted.
const turn = (t) => Math.min(1, Math.max(0, (t - 5) / 25));
function arc(from, to, r = 17) {
  const at = (part) => {
    const a = (135 + 270 * part) * (Math.PI / 180);
    return `${(22 + r * Math.cos(a)).toFixed(2)} ${(22 + r * Math.sin(a)).toFixed(2)}`;
  };
  return `M${at(from)}A${r} ${r} 0 ${(to - from) * 270 > 180 ? 1 : 0} 1 ${at(to)}`;
}

function Thermostat({ d, act }) {
  const v = d.values;
  const is = Number(v.temperature);
  const target = Number(v.target);
  const step = (way) => html`<button aria-label=${`${visible(d.id, 80)}, half a degree ${way < 0 ? "less" : "more"}`} disabled=${!goesOn()} onClick=${(e) => act(e, "target", way < 0 ? "-0.5" : "+0.5")}>${way < 0 ? "−" : "+"}</button>`;
  return html`<div class="row">
      <span class="large">${is.toFixed(1)}<small>°C</small></span>
      <svg class=${`dial ${v.action === "heating" ? "heating" : ""}`} viewBox="0 0 44 44" aria-hidden="true">
        <path class="track" d=${arc(0, 1)} />
        <path class="is" d=${arc(0, Math.max(0.01, turn(is)))} />
        <path class="target" d=${arc(Math.max(0, turn(target) - 0.012), Math.min(1, turn(target) + 0.012))} />
      </svg>
    </div>
    <p class=${`action ${v.action === "heating" ? "heating" : ""}`}>${visible(String(v.action), 12)}${v.window === "open" ? ", window open" : ""}</p>
    <div class="row steps">${step(-1)}<span>${v.mode === "off" ? "off" : target.toFixed(1)}</span>${step(1)}</div>`;
}

const short = (watts) => (watts < 10 ? watts.toFixed(1).replace(/\.0$/, "") : String(Math.round(watts)));

/** The watts of a device, and how they were in the last minute. */
function Watts({ d }) {
  const watts = wattsOf(d.telemetry) ?? 0;
  const bars = run.watts.get(d.id) ?? [];
  const most = Math.max(1, ...bars.map((b) => b[1]));
  const now = bars.at(-1)?.[0];
  return html`<div class="row"><span class="large">${short(watts)}<small>W</small></span></div>
    <svg class="bars" viewBox="0 0 120 20" preserveAspectRatio="none" aria-hidden="true">
      <path d="M0 19.75h120" />
      ${bars.map(([at, w]) => html`<rect x=${116 - 4 * (now - at)} y=${19.5 - (19 * w) / most} width="3" height=${0.5 + (19 * w) / most} />`)}
    </svg>`;
}

function Plug({ d, act }) {
  return html`<${Watts} d=${d} />
    <div class="row">
      <span>${d.values.load !== undefined && d.values.load !== "none" && !d.id.endsWith(d.values.load) && html`<small>${visible(String(d.values.load), 20)}</small>`}<b>${Number(d.values.energy ?? 0).toFixed(2)} kWh</b></span>
      <${Switch} d=${d} act=${act} />
    </div>`;
}

function Generic({ d, act }) {
  return html`${wattsOf(d.telemetry) !== undefined && html`<${Watts} d=${d} />`}<dl class="values">
    ${Object.entries(d.values).slice(0, 8).map(([name, value]) => html`<div><dt>${visible(name, 24)}</dt><dd>${visible(String(value), 32)}</dd></div>`)}
  </dl>
  ${"power" in d.values && html`<div class="row"><span></span><${Switch} d=${d} act=${act} /></div>`}`;
}

const envelopes = {
  pending: ["due", "Will due"],
  "on-time": ["came", "Will came on time"],
  early: ["wrong", "Will came early"],
  late: ["wrong", "Will came late"],
  missing: ["wrong", "Will is missing"],
  unexpected: ["wrong", "a Will that was not due"],
};

/** What became of a Will, with an envelope: dashed while it is due, with an exclamation mark if something is wrong. */
export function Envelope({ will }) {
  const [kind, text] = envelopes[will?.verdict] ?? [];
  if (!kind) return null;
  const left = kind === "due" && will.due_from && run.zero ? run.zero + milliseconds(will.due_from) - asOf() : 0;
  return html`<p class=${`will ${kind}`}>
    <svg viewBox="0 0 24 16" aria-hidden="true"><path d="M2 2h20v12H2zM2 2l10 7L22 2" /></svg>
    <span>${kind === "wrong" && html`<b>! </b>`}${text}${left > 90e3 ? ` in ${clock(left)}` : left > 1000 ? ` in ${Math.ceil(left / 1000)} s` : ""}${will.answered || will.learned ? ", answered" : ""}</span>
  </p>`;
}

function Gone({ id, look, d }) {
  const gone = run.gone.get(id);
  const never = presenceOf(look) === 0;
  const byHand = d?.held_by?.includes("hand");
  const absent = d?.held_by?.includes("not present");
  return html`<div class="gone">
    <p>${never ? PRESENCE[0] : html`Offline${gone ? ` ${clock(asOf() - gone.since)}` : ""}${` · ${gone?.way ?? (run.end && gone && !gone.why ? "stopped" : PRESENCE[presenceOf(look)])}`}`}</p>
    <${Envelope} will=${d?.will} />
    ${(byHand || absent) && goesOn() && html`<button onClick=${(e) => (e.stopPropagation(), act("revive", id))}>${absent ? "Pair" : "Revive"}</button>`}
  </div>`;
}
