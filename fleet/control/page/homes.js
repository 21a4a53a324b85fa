// Homes: a street or a city of them, and the cards of the home that is open.

import { useEffect, useMemo, useState } from "preact/hooks";
import { Card } from "./cards.js";
import { City } from "./city.js";
import { html, number, plural, simulated, visible } from "./html.js";
import { List } from "./list.js";
import { ONLINE, presenceOf } from "./looks.js";
import { amiss, selection, target } from "./selection.js";
import { asOf, FEW, kindAt, nameHome, run, useRun, watch, wattsOf } from "./store.js";
import { Street } from "./street.js";

const MOST_HOUSES = 200; // of more, a city is drawn
const MOST_WINDOWS = 6000;
const MOST_CARDS = 60;

/** What a filter is asked about, of a device. */
export const facts = (n) => ({ kind: kindAt(n), home: run.homes[run.homeOf[n]]?.name ?? "", id: run.ids[n], online: presenceOf(run.looks[n]) === ONLINE });

/** The homes with those of their members that a filter lets through. */
function filtered(filter) {
  if (!filter.trim()) return run.homes.filter((h) => h.members.length > 0);
  const match = selection(filter);
  return run.homes.map((h) => ({ ...h, whole: h, members: h.members.filter((n) => match(facts(n))) })).filter((h) => h.members.length > 0);
}

export function Homes({ filter, chosen, choose, byHand, listed, home, setHome }) {
  const { homes: all } = useRun("homes");
  const byState = /(^|\s)online=/.test(filter);
  const [, again] = useState(0);
  useEffect(() => {
    if (!byState) return;
    const timer = setInterval(() => again((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [byState]);
  const homes = useMemo(() => filtered(filter), [filter, all, run.ids.length, byState && Date.now()]);
  if (all.every((h) => h.members.length === 0)) return html`<p class="empty">${all.length === 0 ? "No devices yet." : "All devices were removed."}</p>`;
  const wrong = amiss(filter);
  if (wrong) return html`<p class="empty" role="status">${visible(wrong, 200)}</p>`;
  const many = run.kindOf.length > FEW;
  if (listed || (many && target(filter).id)) return html`<${List} filter=${filter} choose=${choose} chosen=${chosen} />`;
  if (homes.length === 0) return html`<p class="empty">No device matches <code>${visible(filter)}</code>.</p>`;
  const open = homes.find((h) => h.name === home) ?? homes[0];
  const asCity = homes.length > MOST_HOUSES || homes.reduce((sum, h) => sum + h.members.length, 0) > MOST_WINDOWS;
  return html`${homes.length > 1 &&
    (asCity
      ? html`<${City} homes=${homes} open=${open} select=${setHome} choose=${choose} chosen=${chosen} />`
      : html`<${Street} homes=${homes} open=${open} select=${setHome} />`)}
    <${Home} key=${open.name} home=${open} chosen=${chosen} choose=${choose} byHand=${byHand} only=${homes.length === 1} />`;
}

function Home({ home, chosen, choose, byHand, only }) {
  useRun("homes");
  const [from, setFrom] = useState(0);
  const shown = home.members.slice(from, from + MOST_CARDS);
  const ids = shown.map((n) => run.ids[n]);
  useEffect(() => {
    const whole = home.whole ?? home;
    nameHome(home.whole ? { name: whole.name, members: shown } : whole, home.whole ? 0 : from, MOST_CARDS).catch(() => {}); // the stream says that the run does not answer
  }, [home, from]);
  useEffect(() => watch(chosen && !ids.includes(chosen) ? [...ids, chosen] : ids), [ids.join(), chosen]);
  const more = home.members.length - MOST_CARDS;
  return html`<section class="home" aria-label=${home.name || "No home"}>
    <${Heading} home=${home} />
    <div class=${`cards ${only && shown.length < 4 ? "few" : ""}`}>
      ${shown.map((n) => html`<${Card} key=${n} number=${n} id=${run.ids[n]} open=${chosen !== undefined && run.ids[n] === chosen} select=${choose} byHand=${byHand} />`)}
    </div>
    ${more > 0 &&
    html`<p class="pager"><button disabled=${from === 0} onClick=${() => setFrom(Math.max(0, from - MOST_CARDS))}>Back</button>
      <span>${number(from + 1)} to ${number(Math.min(from + MOST_CARDS, home.members.length))} of ${plural(home.members.length, "device")}</span>
      <button disabled=${from + MOST_CARDS >= home.members.length} onClick=${() => setFrom(from + MOST_CARDS)}>Next</button></p>`}
  </section>`;
}

function Heading({ home }) {
  useRun("details", "looks", "second");
  const all = (home.whole ?? home).members.length; // of which a filter has left some
  const said = [home.members.length < all ? `${number(home.members.length)} of ${plural(all, "device")}` : plural(all, "device")];
  const online = home.members.filter((n) => presenceOf(run.looks[n]) === ONLINE).length;
  if (online < home.members.length) said.push(`${number(online)} online`);
  let watts = 0;
  let measured = false;
  let whole = true; // or a sum would be of those alone that are in sight
  const rooms = [];
  for (const n of home.members) {
    const d = run.details.get(run.ids[n]);
    if (!d) whole = false;
    if (!d?.online || !d.telemetry) continue;
    const drawn = wattsOf(d.telemetry);
    if (drawn !== undefined) [watts, measured] = [watts + drawn, true];
    if (d.kind === "thermostat") rooms.push(Number(d.values.temperature));
  }
  if (measured && whole) said.push(`${watts < 10 ? watts.toFixed(1) : number(Math.round(watts))} W`);
  if (rooms.length > 0 && whole) said.push(`${(rooms.reduce((a, b) => a + b) / rooms.length).toFixed(1)} °C`);
  const there = simulated(run.status, asOf() - run.started);
  return html`<h2><bdi>${visible(home.name, 60) || "No home"}</bdi> <small>${said.join(" · ")}${there && html` · <span title="The time of day in the homes, by which they heat and draw power. MQTT keeps to real time.">${there}</span>`}</small></h2>`;
}
