// What is to be said of the run and of the connection to it, above all views.

import { useEffect, useState } from "preact/hooks";
import { clock, html, plural, second, sentence, visible } from "./html.js";
import { run, useRun } from "./store.js";

/** The colour of a verdict, as the report has it. */
const colour = (verdict = "") => (/^(pass|ran as planned)$/.test(verdict) ? "good" : /^(fail|broken)/.test(verdict) ? "bad" : verdict && "warn");

function Save() {
  if (!run.report) return null;
  const save = () => {
    const at = URL.createObjectURL(new Blob([run.report.html], { type: "text/html" }));
    const a = Object.assign(document.createElement("a"), { href: at, download: run.report.name });
    a.click();
    setTimeout(() => URL.revokeObjectURL(at), 10e3);
  };
  return html`<button class="primary" onClick=${save}>Save the report</button>`;
}

function Over() {
  const { verdict, why = [] } = run.end;
  return html`<section class=${`banner over ${colour(verdict)}`} role="status" aria-label="The end">
    <div><h2>${verdict ? html`${verdict[0].toUpperCase() + verdict.slice(1)}` : "The run is over"}</h2>
      ${why.slice(0, 6).map((w) => html`<p>${visible(/^[a-z]+ /.test(w) ? w[0].toUpperCase() + w.slice(1) : w, 400)}</p>`)}
      <p class="quiet">The run is over; it lasted ${clock(run.end.lasted)}. What stands here is how it ended, at ${second(run.link.since)}.</p></div>
    <${Save} />
  </section>`;
}

// early is how long nobody need be up, in ms.
const early = 5000;

// Nobody is the banner of a run of which no device has come up so far.
function Nobody({ devices, broker }) {
  const [young, setYoung] = useState(() => Date.now() - run.started < early);
  useEffect(() => {
    if (!young) return undefined;
    const due = setTimeout(() => setYoung(false), early - (Date.now() - run.started));
    return () => clearTimeout(due); // nothing else may change until then
  }, [young]);
  const { gaveUp } = run;
  const starting = young && gaveUp === 0;
  return html`<section class=${`banner ${starting ? "" : "warn"}`} role="status"><div><h2>${starting ? `Starting ${plural(devices.total, "device")}…` : "No device is up"}</h2>
    ${!starting && html`<p>${gaveUp > 0 ? `The broker has refused ${plural(gaveUp, "device")} for good.` : "The broker has let none of them in so far."} Does it answer at <code>${visible(broker ?? "")}</code>, and do user and password fit? <code>homefleet run -v</code> says what each of them was told.</p>`}</div></section>`;
}

/** That the stream is not there, in a few words. */
const silence = (problem) => (problem?.status === 503 ? "Too many are looking on" : problem?.status > 0 ? "The run refuses to be looked at" : "The run does not answer");

export function Banner() {
  useRun("link", "status", "looks");
  const { state, since, problem } = run.link;
  const s = run.status;
  switch (state) {
    case "over":
      return html`<${Over} />`;
    case "refused":
      return html`<section class="banner bad" role="alert"><div><h2>${s ? "Another run answers here now" : "The token is missing or wrong"}</h2>
        <p>${s ? "The one that this page has shown is over. " : ""}The address that <code>homefleet run … --ui</code> prints has it, behind <code>#token=</code>; so has the ready file.</p></div></section>`;
    case "lost":
      return html`<section class="banner warn" role="status"><div><h2>${silence(problem)}</h2>
        <p>${sentence(visible(problem?.message ?? ""))} What stands here is as of ${second(since)}; it is tried again.${problem?.status > 0 ? "" : " If the run is over, its result stands where homefleet was started."}</p></div></section>`;
    case "connecting":
      return html`<section class="banner" role="status"><div><h2>${problem ? silence(problem) : "Connecting…"}</h2>${problem && html`<p>${sentence(visible(problem.message))} It is tried again.</p>`}</div></section>`;
  }
  if (!s || !s.devices.total || run.online > 0) return null;
  if ((run.seen || s.devices.seen > 0) && run.gaveUp === 0) return null; // they were, and will be
  return html`<${Nobody} devices=${s.devices} broker=${s.brokers[0]} />`;
}
