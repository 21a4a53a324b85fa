// A card for each device of a home. Kinds that have no drawing of their own get one made from their attributes.

import { useState } from "preact/hooks";
import { post, Problem } from "./api.js";
import { lightColour } from "./colour.js";
import { clock, html } from "./html.js";
import { run } from "./store.js";

const short = (line) => (line.home && line.id.startsWith(line.home + "-") ? line.id.slice(line.home.length + 1) : line.id);

/** Sends a command as a phone would, through the broker, or by hand. It resolves to what the device said against it, or "". */
async function command(id, attribute, payload, byHand) {
  try {
    const said = await post(`/v1/devices/${encodeURIComponent(id)}/command`, { attribute, payload, via: byHand ? "hand" : "mqtt" });
    return said.error ?? "";
  } catch (e) {
    return e instanceof Problem ? e.message : "it could not be sent";
  }
}

export function Card({ id, open, select, byHand }) {
  const d = run.devices.get(id);
  const [waits, setWaits] = useState(false);
  const [against, setAgainst] = useState("");
  const act = async (event, attribute, payload) => {
    event.stopPropagation();
    select(id);
    setWaits(true);
    setAgainst(await command(id, attribute, payload, byHand !== event.shiftKey));
    setWaits(false);
  };
  const Body = bodies[d.line.kind] ?? Generic;
  return html`<article class=${`card ${d.line.online ? "" : "off"} ${open ? "open" : ""}`} data-device=${id} aria-busy=${waits}
    onClick=${() => select(id)}>
    <header>
      <button class="name" title=${id} onClick=${() => select(id)}>${short(d.line)}</button>
      <span class="kind">${d.line.kind}</span>
    </header>
    ${d.line.online || d.values === null
      ? d.values === null
        ? html`<p class="quiet">…</p>`
        : html`<${Body} d=${d} act=${act} />`
      : html`<${Gone} d=${d} />`}
    ${against && html`<p class="against" role="alert">${against}</p>`}
  </article>`;
}

function Switch({ on, label, act }) {
  return html`<button class="switch" role="switch" aria-checked=${on} aria-label=${label} onClick=${(e) => act(e, "power", on ? "OFF" : "ON")}>
    <span></span>
  </button>`;
}

function Light({ d, act }) {
  const on = d.values.power === "ON";
  const level = Number(d.telemetry?.brightness ?? d.values.brightness);
  const colour = lightColour(d.values, d.telemetry);
  const mode = d.telemetry?.color_mode === "white" ? `${d.telemetry.kelvin} K` : d.values.color;
  return html`<div class="lamp" style=${{ "--light": colour, "--level": on ? 0.25 + (0.75 * level) / 100 : 0 }}>
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M9 18h6M10 21h4M12 3a6 6 0 0 0-3.6 10.8c.7.6 1.1 1.3 1.1 2.2h5c0-.9.4-1.6 1.1-2.2A6 6 0 0 0 12 3z" /></svg>
    </div>
    <div class="row">
      <span><b>${on ? `${level} %` : "off"}</b>${on && html`<small>${mode}</small>`}</span>
      <${Switch} on=${on} label=${`${d.line.id}, power`} act=${act} />
    </div>
    ${on &&
    html`<input type="range" min="1" max="100" value=${level} aria-label=${`${d.line.id}, brightness`} onClick=${(e) => e.stopPropagation()}
      onChange=${(e) => act(e, "brightness", e.target.value)} />`}`;
}

// An arc of 270 degrees, 5 to 30 degrees Celsius.
const turn = (celsius) => Math.min(1, Math.max(0, (celsius - 5) / 25));
function arc(from, to) {
  const at = (t) => {
    const a = ((135 + 270 * t) * Math.PI) / 180;
    return `${(20 + 16 * Math.cos(a)).toFixed(2)} ${(20 + 16 * Math.sin(a)).toFixed(2)}`;
  };
  return `M${at(from)}A16 16 0 ${(to - from) * 270 > 180 ? 1 : 0} 1 ${at(to)}`;
}

function Thermostat({ d, act }) {
  const v = d.values;
  const [is, target] = [Number(v.temperature), Number(v.target)];
  return html`<div class="row">
      <span class="large">${v.temperature}<small>°C</small></span>
      <svg class=${`dial ${v.action}`} viewBox="0 0 40 40" aria-hidden="true">
        <path class="track" d=${arc(0, 1)} />
        <path class="is" d=${arc(0, Math.max(0.01, turn(is)))} />
        <path class="target" d=${arc(Math.max(0, turn(target) - 0.012), Math.min(1, turn(target) + 0.012))} />
      </svg>
    </div>
    <div class="row steps">
      <button aria-label=${`${d.line.id}, half a degree less`} onClick=${(e) => act(e, "target", "-0.5")}>−</button>
      <span>${v.mode === "off" ? "off" : target.toFixed(1)}</span>
      <button aria-label=${`${d.line.id}, half a degree more`} onClick=${(e) => act(e, "target", "+0.5")}>+</button>
    </div>
    <p class=${`action ${v.action}`}>${v.action}${v.window === "open" ? ", window open" : ""}</p>`;
}

function Plug({ d, act }) {
  const watts = d.telemetry?.power ?? 0;
  const most = Math.max(1, ...d.watts);
  return html`<div class="row"><span class="large">${watts < 10 ? watts.toFixed(1).replace(/\.0$/, "") : Math.round(watts)}<small>W</small></span></div>
    <svg class="bars" viewBox="0 0 120 20" preserveAspectRatio="none" aria-hidden="true">
      ${d.watts.map((w, i) => html`<rect x=${120 - 4 * (d.watts.length - i)} y=${19.5 - (19 * w) / most} width="3" height=${0.5 + (19 * w) / most} />`)}
    </svg>
    <div class="row">
      <span><small>${d.values.load === short(d.line) ? "" : d.values.load}</small><b>${Number(d.values.energy).toFixed(2)} kWh</b></span>
      <${Switch} on=${d.values.power === "ON"} label=${`${d.line.id}, power`} act=${act} />
    </div>`;
}

function Generic({ d, act }) {
  return html`<dl class="values">
    ${Object.entries(d.values).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
  </dl>
  ${"power" in d.values && html`<div class="row"><span></span><${Switch} on=${d.values.power === "ON"} label=${`${d.line.id}, power`} act=${act} /></div>`}`;
}

const bodies = { light: Light, thermostat: Thermostat, plug: Plug };

const envelopes = {
  pending: ["due", "Will due"],
  "on-time": ["came", "Will came on time"],
  early: ["wrong", "Will came early"],
  late: ["wrong", "Will came late"],
  missing: ["wrong", "Will is missing"],
  unexpected: ["wrong", "a Will that was not due"],
};

function Gone({ d }) {
  const will = run.wills.get(d.line.id);
  const [kind, text] = envelopes[will?.verdict] ?? [];
  return html`<div class="gone">
    <p>offline${d.gone ? ` ${clock(Date.now() - d.gone.since)}` : ""}${d.gone?.way ? `, ${d.gone.way}` : ""}</p>
    ${kind &&
    html`<p class=${`will ${kind}`}>
      <svg viewBox="0 0 24 16" aria-hidden="true"><path d="M2 2h20v12H2zM2 2l10 7L22 2" /></svg>${text}${will.answered ? ", answered" : ""}
    </p>`}
    <button onClick=${(e) => (e.stopPropagation(), post("/v1/actions/revive", { select: { id: d.line.id } }).catch(() => {}))}
      disabled=${!d.held.includes("hand")}>Revive</button>
  </div>`;
}
