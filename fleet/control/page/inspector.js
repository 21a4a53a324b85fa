// One device, and what was said between it and whoever commanded it: each exchange as a ladder.

import { useEffect, useState } from "preact/hooks";
import { get, post } from "./api.js";
import { html, moment } from "./html.js";
import { milliseconds, run } from "./store.js";

const bytes = (hex) => hex.replace(/(.{4})/g, "$1 ").trim();

function Tag({ kind, value, lit, light }) {
  return html`<span class=${`tag ${kind} ${lit === kind + value ? "lit" : ""}`} tabindex="0" onMouseEnter=${() => light(kind + value)}
    onMouseLeave=${() => light("")} onFocus=${() => light(kind + value)} onBlur=${() => light("")}>${kind === "correlation" ? bytes(value) : value}</span>`;
}

function Publish({ m, answers, lit, light }) {
  const details = [`QoS ${m.qos}`, m.retain && "retained", m.dup && "sent again", m.content_type, `${m.bytes} byte${m.bytes === 1 ? "" : "s"}`,
    m.message_expiry !== undefined && `expires after ${m.message_expiry} s`].filter(Boolean);
  return html`<p>PUBLISH ${answers ? html`<${Tag} kind="topic" value=${m.topic} lit=${lit} light=${light} />` : html`<b>${m.topic}</b>`} <b class="payload">${m.payload || "(empty)"}</b></p>
    ${m.response_topic && html`<p>Response Topic <${Tag} kind="topic" value=${m.response_topic} lit=${lit} light=${light} /></p>`}
    ${m.correlation_data && html`<p>Correlation Data <${Tag} kind="correlation" value=${m.correlation_data} lit=${lit} light=${light} /></p>`}
    ${(m.user_properties ?? []).map((p) => html`<p>User Property ${p.key} = <b>${p.value}</b></p>`)}
    <p class="quiet">${details.join(" · ")}</p>`;
}

/** The lines for a shell that ask the same again. */
export function asCommand(x) {
  const url = new URL((run.status?.brokers[0] ?? "mqtt://127.0.0.1:1883").replace(/^mqtts?:/, "http:"));
  const quoted = (s) => (/^[\w/.#:+-]+$/.test(s) ? s : `'${s.replaceAll("'", "'\\''")}'`);
  const said = ["mosquitto_rr", "-V", "mqttv5", "-h", url.hostname, "-p", url.port || "1883", "-q", x.request.qos, "-t", quoted(x.request.topic),
    "-e", quoted(x.request.response_topic ?? "my/answers"), "-m", quoted(x.request.payload)];
  return said.join(" ");
}

function lesson(x) {
  const answer = x.response;
  if (x.outcome === "dropped") return "The device has obeyed and says nothing: whoever asked waits until the time is up, and cannot tell this from a command that was lost.";
  if (x.outcome === "ignored") return "A retained command is ignored: nobody wants a lamp switched by a message of yesterday.";
  if (!x.request.response_topic) return "There was no Response Topic, as before MQTT 5: the device says on its state topic what it is now. Whoever asked cannot tell whether that is the answer.";
  if (!answer) return x.why ?? "There is no answer.";
  if ((answer.correlation_data ?? "") !== (x.request.correlation_data ?? "")) return "The Correlation Data is not that of the request: a requester that looks must not take this for its answer.";
  return "Who asked chose where the answer goes, and how to know it again. Nobody else has to listen, and two phones never mix up their answers. In MQTT 3.1.1 both would share one topic, and guess.";
}

export function Ladder({ x }) {
  const [lit, light] = useState("");
  const [copied, setCopied] = useState(false);
  const took = milliseconds(x.took);
  const matches = x.response && x.response.topic === x.request.response_topic && (x.response.correlation_data ?? "") === (x.request.correlation_data ?? "");
  const rung = (who, aside, body, kind) => html`<li class=${kind}><header><b>${who}</b><span>${aside}</span></header>${body}</li>`;
  return html`<ol class="ladder">
      ${rung("requester → device", moment(x.time), html`<${Publish} m=${x.request} lit=${lit} light=${light} />`, "ask")}
      ${x.response
        ? rung("device → requester", html`<span class=${matches ? "ok" : "bad"}>+${took < 1 ? took.toFixed(2) : took.toFixed(1)} ms ${matches ? "✓ matches" : "✗ does not match"}</span>`,
            html`<${Publish} m=${x.response} answers lit=${lit} light=${light} />`, "answer")
        : rung("no answer", x.outcome, html`<p>${x.why}</p>`, "none")}
      ${(x.more ?? []).map((m) => rung("device → requester, again", "", html`<${Publish} m=${m} answers lit=${lit} light=${light} />`, "answer"))}
      ${(x.also ?? []).map((m) => rung("who else hears", "", html`<${Publish} m=${m} lit=${lit} light=${light} />`, "also"))}
    </ol>
    <p class="lesson">${lesson(x)}</p>
    <p class="copy"><code>${asCommand(x)}</code>
      <button onClick=${() => navigator.clipboard?.writeText(asCommand(x)).then(() => setCopied(true))}>${copied ? "Copied" : "Copy"}</button></p>`;
}

const ways = ["cut", "reset", "silence", "unplugged", "exit", "with-will", "orderly"];

export function Inspector({ id, close, byHand, setByHand }) {
  const d = run.devices.get(id);
  const [before, setBefore] = useState([]);
  const [at, setAt] = useState(null);
  const [said, setSaid] = useState("");
  useEffect(() => {
    setBefore([]);
    setAt(null);
    setSaid("");
    get(`/v1/devices/${encodeURIComponent(id)}/journal`).then((j) => setBefore(j.exchanges), () => {});
  }, [id]);
  const own = new Map();
  for (const x of before) own.set(x.number, x);
  for (const x of run.exchanges) if (x.id === id) own.set(x.number, x);
  const exchanges = [...own.values()].sort((a, b) => a.number - b.number);
  const x = own.get(at) ?? exchanges.at(-1);
  const act = (what, body) => post("/v1/actions/" + what, { select: { id }, ...body }).then(
    (r) => setSaid(r.refused?.[0]?.why ?? ""), (e) => setSaid(e.message));
  if (!d) return null;
  const values = d.values ? Object.entries(d.values).filter(([n]) => n !== "transition") : [];
  return html`<aside class="inspector" aria-label=${id}>
    <header>
      <h2>${id}</h2>
      <button class="close" aria-label="Close" onClick=${close}>✕</button>
    </header>
    <p class="quiet"><span class=${d.line.online ? "ok" : "bad"}>${d.line.online ? "online" : "offline"}</span> · ${d.line.kind}${values.map(([n, v]) => ` · ${n} ${v}`)}</p>
    <div class="tools">
      <button aria-pressed=${byHand} onClick=${() => setByHand(!byHand)} title="Clicks act at the device itself, not through the broker">By hand</button>
      ${d.line.online
        ? html`<select aria-label="Take it off" onChange=${(e) => e.target.value && (act("kill", { way: e.target.value }), (e.target.value = ""))}>
            <option value="">Kill…</option>${ways.map((w) => html`<option>${w}</option>`)}
          </select>`
        : html`<button onClick=${() => act("revive", {})}>Revive</button>`}
      ${d.misbehaves
        ? html`<button onClick=${() => act("behave", {})}>Behave</button>`
        : html`<button onClick=${() => act("misbehave", { drop: "100%" })}>Lose answers</button>`}
    </div>
    ${said && html`<p class="against" role="alert">${said}</p>`}
    ${x
      ? html`<${Ladder} x=${x} key=${x.number} />
          ${exchanges.length > 1 &&
          html`<ol class="earlier" aria-label="Exchanges">
            ${exchanges.slice(-12).reverse().map((e) => html`<li><button aria-pressed=${e.number === x.number} onClick=${() => setAt(e.number)}>
              <time>${moment(e.time)}</time> <code>${e.request.topic.split("/").at(-1)} ${e.request.payload}</code> <span class=${e.outcome === "answered" ? "ok" : "warn"}>${e.outcome}</span></button></li>`)}
          </ol>`}`
      : html`<p class="lesson">Switch it, and the request and its answer stand here: a pair that MQTT 5 makes by Response Topic and Correlation Data.</p>`}
  </aside>`;
}
