// The street: a house a home with a window a device, and the cards of the home that is open.

import { Component } from "preact";
import { useState } from "preact/hooks";
import { Card } from "./cards.js";
import { lightColour } from "./colour.js";
import { html, plural } from "./html.js";
import { run } from "./store.js";

const MOST_CARDS = 200;
const MOST_WINDOWS = 30;

/** A selection in words, "kind=light home=flat-*", as a function of a device; the words are those of ctl. */
export function selection(text) {
  const tests = text.trim().split(/\s+/).filter(Boolean).map((word) => {
    const [key, value] = word.includes("=") ? word.split(/=(.*)/) : ["id", word.includes("*") ? word : `*${word}*`];
    const like = new RegExp("^" + value.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*") + "$");
    if (key === "online") return (d) => String(d.line.online) === value;
    return (d) => like.test(d.line[key] ?? "");
  });
  return (d) => tests.every((t) => t(d));
}

function windowOf(d) {
  if (!d.line.online) return ["dark", ""];
  if (d.values?.power !== "ON") return ["", ""];
  if (d.line.kind === "light") return ["lit", lightColour(d.values, d.telemetry)];
  if (d.line.kind === "thermostat") return [d.values.action === "heating" ? "heat" : "", ""];
  return [(d.telemetry?.power ?? 0) > 1 ? "draws" : "", ""];
}

// Drawn again only if a window of it looks different.
class House extends Component {
  shouldComponentUpdate(next) {
    return next.looks !== this.props.looks || next.open !== this.props.open;
  }
  render({ name, ids, open, select, dark }) {
    return html`<button class=${`house ${open ? "open" : ""}`} aria-pressed=${open} onClick=${() => select(name)}>
      <svg viewBox="0 0 60 58" aria-hidden="true">
        <path class="walls" d="M3 22 30 4l27 18v33H3z" />
        ${ids.slice(0, MOST_WINDOWS).map((id, i) => {
          const [look, fill] = windowOf(run.devices.get(id));
          return html`<rect class=${look} style=${{ fill }} x=${10 + (i % 5) * 8.4} y=${23 + Math.floor(i / 5) * 5.2} width="5.6" height="3.6" rx=".6" />`;
        })}
      </svg>
      <span>${name || "no home"}${dark ? html` <em>${dark === ids.length ? "dark" : `${dark} off`}</em>` : ""}</span>
    </button>`;
  }
}

export function Homes({ filter, chosen, choose, byHand, listed }) {
  const [home, setHome] = useState(null);
  const match = selection(filter);
  const homes = [...run.homes]
    .map(([name, ids]) => [name, filter ? ids.filter((id) => match(run.devices.get(id))) : ids])
    .filter(([, ids]) => ids.length > 0);
  if (homes.length === 0) {
    return html`<p class="empty">${run.devices.size === 0 ? "No devices yet." : html`No device matches <code>${filter}</code>.`}</p>`;
  }
  if (listed) return html`<${List} ids=${homes.flatMap(([, ids]) => ids)} choose=${choose} />`;
  const [name, ids] = homes.find(([n]) => n === home) ?? homes[0];
  return html`${homes.length > 1 &&
    html`<nav class="street" aria-label="Homes">
      ${homes.map(([n, own]) => {
        const devices = own.map((id) => run.devices.get(id));
        return html`<${House} key=${n} name=${n} ids=${own} open=${n === name} select=${setHome}
          dark=${devices.filter((d) => !d.line.online).length} looks=${devices.slice(0, MOST_WINDOWS).map((d) => windowOf(d).join("")).join("|")} />`;
      })}
    </nav>`}
    <section class="home">
      <h2>${name || "No home"} <small>${facts(ids)}</small></h2>
      <div class="cards">
        ${ids.slice(0, MOST_CARDS).map((id) => html`<${Card} key=${id} id=${id} open=${id === chosen} select=${choose} byHand=${byHand} />`)}
      </div>
      ${ids.length > MOST_CARDS && html`<p class="quiet">${plural(ids.length - MOST_CARDS, "more device")}: a filter such as <code>kind=light</code> shows fewer.</p>`}
    </section>`;
}

function facts(ids) {
  const devices = ids.map((id) => run.devices.get(id));
  const said = [plural(ids.length, "device")];
  const online = devices.filter((d) => d.line.online).length;
  if (online < ids.length) said.push(`${online} online`);
  const watts = devices.reduce((sum, d) => sum + (d.line.online ? (d.telemetry?.power ?? 0) : 0) * (d.line.kind === "plug" ? 1 : 0), 0);
  if (watts > 0) said.push(`${Math.round(watts)} W`);
  return said.join(" · ");
}

const MOST_ROWS = 500;

function List({ ids, choose }) {
  return html`<div class="scroll"><table>
    <thead><tr><th>device</th><th>kind</th><th>home</th><th>state</th><th>values</th></tr></thead>
    <tbody>
      ${ids.slice(0, MOST_ROWS).map((id) => {
        const d = run.devices.get(id);
        return html`<tr key=${id}>
          <td><button class="name" onClick=${() => choose(id)}>${id}</button></td>
          <td>${d.line.kind}</td><td>${d.line.home ?? ""}</td>
          <td class=${d.line.online ? "ok" : "bad"}>${d.line.online ? "online" : "offline"}</td>
          <td><code>${d.values && Object.entries(d.values).map(([n, v]) => `${n} ${v}`).join("  ")}</code></td>
        </tr>`;
      })}
    </tbody>
  </table></div>
  ${ids.length > MOST_ROWS && html`<p class="quiet">${plural(ids.length - MOST_ROWS, "more device")}</p>`}`;
}
