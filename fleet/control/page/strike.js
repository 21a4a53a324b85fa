// Incidents: striking one on what is in sight, and those under way, with the time that they have left.

import { useEffect, useRef, useState } from "preact/hooks";
import { post, remove } from "./api.js";
import { clock, html, plural } from "./html.js";
import { milliseconds, run } from "./store.js";

const kinds = [
  ["power-cut", "Power cut: they fall silent, and their connections end when the broker notices"],
  ["wifi-loss", "Wi-Fi loss: nothing gets through; who outlasts it has lost nothing"],
  ["router-reboot", "Router reboot: every connection breaks at once"],
  ["flapping", "Flapping: up and down, again and again"],
  ["slow-link", "Slow link: 300 ms more for every packet"],
];

const body = (kind, target, span) => ({ kind, target, for: span, ...(kind === "slow-link" && { latency: "300ms" }) });

/** A filter in words as the target of an incident. */
export function target(filter) {
  const t = {};
  for (const word of filter.trim().split(/\s+/).filter(Boolean)) {
    const [key, value] = word.includes("=") ? word.split(/=(.*)/) : ["id", word.includes("*") ? word : `*${word}*`];
    if (["kind", "home", "id", "share"].includes(key)) t[key] = value;
  }
  return t;
}

export function Strike({ filter, close }) {
  const dialog = useRef(null);
  const [kind, setKind] = useState(kinds[0][0]);
  const [whom, setWhom] = useState(filter);
  const [span, setSpan] = useState("20s");
  const [befalls, setBefalls] = useState({ text: "…", ok: false });
  useEffect(() => dialog.current.showModal(), []);
  useEffect(() => {
    let late = false;
    const timer = setTimeout(() => {
      post("/v1/incidents?dry_run=true", body(kind, target(whom), span)).then(
        (s) => late || setBefalls({ text: `befalls ${plural(s.incident.devices, "device")}`, ok: true }),
        (e) => late || setBefalls({ text: e.message + (e.hint ? `; ${e.hint}` : ""), ok: false }),
      );
    }, 200);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [kind, whom, span]);
  const strike = (event) => {
    event.preventDefault();
    post("/v1/incidents", body(kind, target(whom), span)).then(close, (e) => setBefalls({ text: e.message, ok: false }));
  };
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="strike">
    <form onSubmit=${strike}>
      <h2 id="strike">Strike an incident</h2>
      <label>What <select value=${kind} onChange=${(e) => setKind(e.target.value)}>${kinds.map(([k, doc]) => html`<option value=${k}>${doc.split(":")[0]}</option>`)}</select></label>
      <p class="quiet">${kinds.find(([k]) => k === kind)[1].split(": ")[1]}.</p>
      <label>Whom <input value=${whom} placeholder="everybody" spellcheck=${false} onInput=${(e) => setWhom(e.target.value)} /></label>
      <label>How long <input value=${span} onInput=${(e) => setSpan(e.target.value)} /></label>
      <p class=${befalls.ok ? "" : "bad"} role="status">${befalls.text}</p>
      <div class="row"><button type="button" onClick=${close}>Cancel</button><button class="primary" disabled=${!befalls.ok}>Strike</button></div>
    </form>
  </dialog>`;
}

/** Those under way, as chips. */
export function Running() {
  const now = Date.now();
  const under = [...run.incidents.values()].filter((i) => i.state === "running");
  if (under.length === 0) return null;
  return html`<footer class="incidents">
    ${under.map((i) => {
      const left = milliseconds(i.to) - milliseconds(i.from) - (now - i.heard);
      return html`<span class="chip" key=${i.number}>${i.kind} · ${plural(i.devices, "device")}${left > 0 && left < 864e5 ? ` · ${clock(left)} left` : ""}
        <button onClick=${() => remove(`/v1/incidents/${i.number}`).catch(() => {})}>End</button></span>`;
    })}
  </footer>`;
}
