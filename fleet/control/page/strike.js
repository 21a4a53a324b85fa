// Incidents: having one happen to what is in sight, and those under way, with the time that they have left.

import { useEffect, useRef, useState } from "preact/hooks";
import { post, remove } from "./api.js";
import { clock, html, milliseconds, number, plural, visible } from "./html.js";
import { target } from "./selection.js";
import { asOf, can, goesOn, run, useRun } from "./store.js";

const kinds = [
  ["power-cut", "Power cut", "They are gone without a word, and start anew when power is back"],
  ["wifi-loss", "Wi-Fi loss", "They run on without a network; who has it back in time keeps its connection"],
  ["router-reboot", "Router reboot", "They run on without a network; the router that is back knows none of their connections"],
  ["flapping", "Flapping", "They come and go by themselves"],
  ["slow-link", "Slow link", "300 ms more for every packet"],
];
const SURE = 1000; // devices, beyond which it is asked again

const body = (kind, whom, span) => ({ kind, target: target(whom), for: span, ...(kind === "slow-link" && { latency: "300ms" }) });

export function Strike({ whom: first, close }) {
  const dialog = useRef(null);
  const [kind, setKind] = useState(kinds[0][0]);
  const [whom, setWhom] = useState(first);
  const [span, setSpan] = useState("20s");
  const [sure, setSure] = useState(false);
  const [affects, setAffects] = useState({ text: "…", ok: false, devices: 0 });
  const { incidents, homes } = useRun("incidents", "homes", "looks");
  const before = [...incidents.keys()].at(-1); // a share is drawn anew after each
  const online = /(^|\s)online=/.test(whom) && run.online;
  useEffect(() => dialog.current.showModal(), []);
  useEffect(() => {
    let late = false;
    setAffects((b) => ({ ...b, ok: false }));
    const timer = setTimeout(() => {
      post("/v1/incidents?dry_run=true", body(kind, whom, span)).then(
        (s) => late || setAffects({ text: `It will affect ${plural(s.incident.devices, "device")}.`, ok: true, devices: s.incident.devices }),
        (e) => late || setAffects({ text: e.message + (e.hint ? `; ${e.hint}` : ""), ok: false, devices: 0 }),
      );
    }, 150);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [kind, whom, span, before, homes, online]);
  const strike = (event) => {
    event.preventDefault();
    setAffects({ ...affects, ok: false }); // once
    post("/v1/incidents", body(kind, whom, span)).then(close, (e) => setAffects({ text: e.message, ok: false, devices: 0 }));
  };
  const measured = can("load");
  const ask = affects.ok && (affects.devices > SURE || measured);
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="strike">
    <form onSubmit=${strike}>
      <h2 id="strike">Start an incident</h2>
      <label>What <select value=${kind} onChange=${(e) => setKind(e.target.value)}>${kinds.map(([k, name]) => html`<option value=${k}>${name}</option>`)}</select></label>
      <p class="quiet">${kinds.find(([k]) => k === kind)[2]}.</p>
      <label>Whom <input value=${whom} placeholder="everybody" spellcheck=${false} onInput=${(e) => setWhom(e.target.value)} /></label>
      <label>How long <input value=${span} onInput=${(e) => setSpan(e.target.value)} /></label>
      <p class=${affects.text.startsWith("It will affect") ? "affects" : "bad"} role="status">${visible(affects.text)}</p>
      ${ask && html`<label class="check"><input type="checkbox" checked=${sure} onChange=${(e) => setSure(e.target.checked)} />
        <span>${measured ? "This run is measured, and its result will say that somebody intervened. Start it all the same" : "So many at once: yes"}</span></label>`}
      <div class="row"><button type="button" onClick=${close}>Cancel</button><button class="primary" disabled=${!affects.ok || (ask && !sure)}>Start</button></div>
    </form>
  </dialog>`;
}

/** The home on which somebody has had an incident happen; "" if it is not known, or might be that of another. */
function whom(i) {
  const late = (v) => milliseconds(i.from) - milliseconds(v.at) - milliseconds(v.request?.at ?? "");
  const of = run.interventions.filter((v) => v.op === "strike" && v.request?.kind === i.kind && late(v) > -10 && late(v) < 2000);
  return (i.by_hand && of.length === 1 && of[0].request.target?.home) || "";
}

const sum = (of, key) => of.reduce((n, r) => n + r[key], 0);

/** Those under way, as chips, and for a while how many of those that one has affected are back. */
export function Running() {
  useRun("incidents", "second", "looks", "link");
  const now = asOf();
  const all = [...run.incidents.values()];
  const under = all.filter((i) => i.state === "running");
  const over = all.filter((i) => i.state === "over" && now < i.seen);
  if (run.end || under.length + over.length === 0) return null;
  return html`<footer class="incidents" aria-label="Incidents">
    ${under.slice(0, 6).map((i) => {
      const left = run.zero === null ? 0 : run.zero + milliseconds(i.to) - now;
      return html`<span class="chip" key=${i.number} title=${visible(i.text, 200)}>${visible(i.kind, 30)}${whom(i) && ` · ${visible(whom(i), 30)}`} · ${plural(i.devices, "device")}${left > 0 && left < 864e5 ? ` · ${clock(left)} left` : ""}
        ${goesOn() && html`<button onClick=${() => remove(`/v1/incidents/${i.number}`).catch(() => {})}>End</button>`}</span>`;
    })}
    ${under.length > 6 && html`<span class="quiet">and ${under.length - 6} more</span>`}
    ${over.map((i) => html`<span class="quiet" key=${i.number}>${visible(i.kind, 30)} is over${i.recovery && `: ${number(sum(i.recovery, "online"))} of ${plural(sum(i.recovery, "affected"), "device")} back`}</span>`)}
  </footer>`;
}
