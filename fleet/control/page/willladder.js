// A Will Message as a ladder: a request that a device leaves behind, that the broker makes when it has died, that a watcher
// answers, and whose answer the device finds in its session when it is back.

import { useState } from "preact/hooks";
import { html, milliseconds, offset } from "./html.js";
import { Publish, Rung, Tag } from "./ladder.js";
import { run } from "./store.js";

const ends = {
  pending: ["none", "due"],
  "on-time": ["answer", "on time"],
  early: ["none", "early"],
  late: ["none", "late"],
  missing: ["none", "missing"],
  "not-due": ["also", "not due"],
  unwatched: ["also", "nobody watched"],
  unexpected: ["none", "it was not due"],
};

function published(w) {
  if (!w) return html`<p>When its connection ends without a DISCONNECT, and nothing comes in its place.</p>`;
  const at = w.seen_at ? `It came at ${offset(milliseconds(w.seen_at))}` : w.verdict === "pending" ? "It has not come yet" : "It has not come";
  return html`<p>${w.due ? at : "The device said goodbye: the broker drops its Will"}${w.due && w.due_from ? `, due from ${offset(milliseconds(w.due_from))}` : ""}${w.seen > 1 ? `, ${w.seen} times` : ""}${w.altered ? ", and it was altered" : ""}.</p>`;
}

function lesson(m, w, old) {
  if (old) return "This device speaks MQTT 3.1.1, where a Will is a topic and a payload: it comes as soon as the connection is lost, and nobody can answer it.";
  if (m.response_topic && w?.learned) return "The whole circle: the device died, the broker asked in its name, somebody answered, and the device has read the answer in the session that it left.";
  if (m.response_topic) return "This Will is a request: it names a Response Topic, so that a watcher can answer the dead, and the device finds the answer in its session when it is back.";
  return "This Will is news only: it has no Response Topic, and nobody can answer it.";
}

export function WillLadder({ d }) {
  const [lit, light] = useState("");
  const m = d.will_message;
  const w = d.will;
  const old = d.mqtt === "3.1.1";
  if (!m) return html`<p class="lesson">This device leaves no Will Message: when it dies, nobody is told.</p>`;
  const answered = w?.answered || w?.learned; // by whomever: the device has found it
  const [kind, verdict] = ends[w?.verdict] ?? ["also", ""];
  return html`<ol class="ladder">
      <${Rung} kind="ask" who="device → broker" aside="with its CONNECT"><${Publish} m=${m} lit=${lit} light=${light} delay=${old ? undefined : (m.will_delay ?? 0)} /><//>
      <${Rung} kind=${kind} who="broker → whoever watches" aside=${w ? html`<span class=${kind === "answer" ? "ok" : kind === "none" && w.verdict !== "pending" ? "bad" : ""}>${verdict}</span>` : run.status && !run.status.abilities.includes("wills") ? "not audited" : "not yet"}>${published(w)}<//>
      ${m.response_topic && html`<${Rung} kind=${answered ? "answer" : "also"} who="watcher → device" aside=${answered ? html`<span class="ok">answered</span>` : "nobody has answered"}>
        <p>PUBLISH <${Tag} kind="topic" value=${m.response_topic} lit=${lit} light=${light} /></p>
        ${m.correlation_data && html`<p>Correlation Data <${Tag} kind="correlation" value=${m.correlation_data} lit=${lit} light=${light} /></p>`}<//>
      <${Rung} kind=${w?.learned ? "answer" : "also"} who="device, when it is back" aside=${w?.learned ? html`<span class="ok">found in its session</span>` : "not yet"}><//>`}
    </ol>
    <p class="lesson">${lesson(m, w, old)}</p>
    ${!old && html`<details class="before"><summary>In MQTT 3.1.1</summary><p>A Will there is a topic and a payload. It has no delay, so a device that is back within a second was dead to all; and no Response Topic, so nobody can answer it.</p></details>`}`;
}
