// An exchange as a ladder: the request, the device, its answer, and who else hears of it. Response Topic and Correlation
// Data are tags of the same colour in all of its rungs, so that the eye finds what belongs together.

import { useState } from "preact/hooks";
import { html, milliseconds, moment, number, visible } from "./html.js";
import { run } from "./store.js";

const bytes = (hex) => hex.replace(/(.{4})/g, "$1 ").trim();

/** Correlation Data as text beside its bytes, where it is one. */
function asText(hex) {
  const text = hex.replace(/../g, (two) => String.fromCharCode(parseInt(two, 16)));
  return /^[\x20-\x7e]{2,64}$/.test(text) ? text : "";
}

export function Tag({ kind, value, lit, light }) {
  const text = kind === "correlation" ? bytes(value.slice(0, 128)) + (value.length > 128 ? "…" : "") : visible(value, 160);
  return html`<span class=${`tag ${kind} ${lit === kind + value ? "lit" : ""}`} tabindex="0" title=${kind === "correlation" ? asText(value) : undefined} onMouseEnter=${() => light(kind + value)}
    onMouseLeave=${() => light("")} onFocus=${() => light(kind + value)} onBlur=${() => light("")}><bdi>${text}</bdi></span>`;
}

/** Whether the bytes of a payload are those of the text that stands for it; of a long one it is not known. */
const isText = (m) => m.cut || new TextEncoder().encode(m.payload).length === m.bytes;

const isJSON = (text) => /^\s*[{[]/.test(text);

/** A PUBLISH with all that MQTT 5 lets it say. */
export function Publish({ m, answers, lit, light, delay }) {
  const [whole, setWhole] = useState(false);
  const details = [`QoS ${m.qos}`, m.retain && "retained", m.dup && "sent again", m.content_type && visible(m.content_type, 40), `${number(m.bytes)} byte${m.bytes === 1 ? "" : "s"}${isText(m) ? "" : ", not UTF-8"}`,
    m.message_expiry !== undefined && `expires after ${number(m.message_expiry)} s`, delay !== undefined && `Will Delay Interval ${number(delay)} s`].filter(Boolean);
  const long = m.payload.length > 160;
  return html`<p>PUBLISH ${answers ? html`<${Tag} kind="topic" value=${m.topic} lit=${lit} light=${light} />` : html`<b><bdi>${visible(m.topic, 200)}</bdi></b>`}
      ${" "}<b class=${`payload ${isJSON(m.payload) ? "json" : ""}`}><bdi>${visible(m.payload, whole ? 4096 : 160) || "(empty)"}</bdi></b>
      ${long && !whole && html` <button class="link" onClick=${() => setWhole(true)}>${m.cut ? "the first 4 KB" : "all of it"}</button>`}</p>
    ${m.response_topic && html`<p>Response Topic <${Tag} kind="topic" value=${m.response_topic} lit=${lit} light=${light} /></p>`}
    ${m.correlation_data && html`<p>Correlation Data <${Tag} kind="correlation" value=${m.correlation_data} lit=${lit} light=${light} /></p>`}
    ${(m.user_properties ?? []).slice(0, 20).map((p) => html`<p>User Property <bdi>${visible(p.key, 80)}</bdi> = <b><bdi>${visible(p.value, 120)}</bdi></b></p>`)}
    <p class="quiet">${details.join(" · ")}</p>`;
}

export const Rung = ({ kind, who, aside, children }) => html`<li class=${kind}><header><b>${who}</b><span>${aside}</span></header>${children}</li>`;

/** A word for a shell. */
function quoted(s) {
  if (/^[\w/.#:+-]+$/.test(s)) return s;
  if (visible(s, Infinity) !== s) return "$'" + visible(s.replace(/[\\']/g, "\\$&"), 4096) + "'";
  return `'${s.replaceAll("'", "'\\''")}'`;
}

/** The line for a shell that asks the same again, or why there is none: {line} or {why}. */
export function asCommand(x, tool) {
  const { topic, payload, qos, response_topic, cut } = x.request;
  if (cut) return { why: "what was sent is longer than what is kept of it" };
  if (!isText(x.request) || payload.includes("\u0000")) return { why: "what was sent is no text that a shell can hand on" };
  const broker = run.status?.brokers[0] ?? "mqtt://127.0.0.1:1883";
  const secret = broker.includes("//...@"); // user and password are not told
  if (tool === "homefleet") {
    if (!response_topic) return { why: "homefleet request names a Response Topic, and this had none" };
    const at = secret ? broker.replace("//...@", "//USER:PASSWORD@") : broker;
    return { line: `homefleet request --broker ${quoted(at)} ${qos === 1 ? "" : `--qos ${qos} `}${payload.startsWith("-") ? "-- " : ""}${quoted(topic)} ${quoted(payload)}` };
  }
  if (/^wss?:/.test(broker)) return { why: "mosquitto_rr speaks no WebSocket" };
  const tls = /^(mqtts|ssl|tls):/.test(broker);
  const url = new URL(broker.replace(/^\w+:/, "http:"));
  const said = [...(response_topic ? ["mosquitto_rr", "-V", "mqttv5"] : ["mosquitto_pub"]), "-h", url.hostname.replace(/^\[|\]$/g, ""), "-p", url.port || (tls ? "8883" : "1883"),
    ...(tls ? ["--tls-use-os-certs"] : []), ...(secret ? ["-u", "USER", "-P", "PASSWORD"] : []), "-q", qos, "-t", quoted(topic), ...(response_topic ? ["-e", quoted(response_topic)] : [])];
  return { line: [...said, ...(payload === "" ? ["-n"] : ["-m", quoted(payload)])].join(" ") };
}

function lesson(x) {
  const answer = x.response;
  if (x.outcome === "dropped") return "The device has obeyed and says nothing: whoever asked waits until the time is up, and cannot tell this from a command that was lost.";
  if (x.outcome === "held") return "The device has obeyed, and its answer waits: whoever asked must know it again by its Correlation Data when it comes late.";
  if (x.outcome === "error" || x.outcome === "refused") return visible(x.why ?? "The device was against it.");
  if (x.outcome === "ignored") return "A retained command is ignored: nobody wants a lamp switched by a message of yesterday.";
  if (!x.request.response_topic) return "There was no Response Topic, as before MQTT 5: the device says on its state topic what it is now, and whoever asked cannot tell whether that is the answer.";
  if (!answer) return x.why ? visible(x.why) : "There is no answer.";
  if (answer.topic !== x.request.response_topic) return "The answer went to another topic than the one that was asked for: whoever asked never hears it.";
  if ((answer.correlation_data ?? "") !== (x.request.correlation_data ?? "")) return "The Correlation Data is not that of the request: a requester that looks must not take this for its answer.";
  if (!x.request.correlation_data) return "Who asked chose where the answer goes. There was no Correlation Data: with two requests under way, it cannot tell which of them this answers.";
  return "Who asked chose where the answer goes, and how to know it again. Nobody else has to listen, and two phones never mix up their answers.";
}

/** What the same would have been in MQTT 3.1.1. */
function before(x) {
  if (!x.request.response_topic) return "This is how it is in MQTT 3.1.1: a command on one topic, and a state on another that everybody shares.";
  const state = x.also?.[0]?.topic;
  return `A PUBLISH has no properties there. The command would be the same bytes on ${visible(x.request.topic, 80)}; the answer would come on ${state ? visible(state, 80) : "a topic agreed beforehand"}, ` +
    "which both phones hear, and neither knows whose it is. An ID in the payload is the usual way out, and every device needs to know its form.";
}

function Copy({ x }) {
  const [tool, setTool] = useState("mosquitto_rr");
  const [copied, setCopied] = useState(false);
  const { line: text, why } = asCommand(x, tool);
  return html`<div class="copy">
    <div class="row"><span class="tabs small" role="group" aria-label="As a command for">
      ${["mosquitto_rr", "homefleet"].map((t) => html`<button aria-pressed=${t === tool} onClick=${() => (setTool(t), setCopied(false))}>${t}</button>`)}</span>
      <button disabled=${!text} onClick=${() => navigator.clipboard?.writeText(text).then(() => setCopied(true), () => {})}>${copied ? "Copied" : "Copy"}</button></div>
    ${text ? html`<code tabindex="0"><bdi>${visible(text, 8192)}</bdi></code>` : html`<p class="quiet">No line asks the same: ${why}.</p>`}
  </div>`;
}

export function Ladder({ x }) {
  const [lit, light] = useState("");
  const took = milliseconds(x.took);
  const same = (m) => m && m.topic === x.request.response_topic && (m.correlation_data ?? "") === (x.request.correlation_data ?? "");
  const verdict = (m) => html`<span class=${same(m) ? "ok" : "bad"}>${same(m) ? "✓ matches" : "✗ does not match"}</span>`;
  return html`<ol class="ladder">
      <${Rung} kind="ask" who="phone → device" aside=${moment(x.time)}><${Publish} m=${x.request} lit=${lit} light=${light} /><//>
      ${x.response
        ? html`<${Rung} kind="answer" who="device → phone" aside=${html`+${took < 1 ? took.toFixed(2) : took.toFixed(1)} ms ${verdict(x.response)}`}><${Publish} m=${x.response} answers lit=${lit} light=${light} /><//>`
        : html`<${Rung} kind="none" who="no answer" aside=${x.outcome}><p>${visible(x.why ?? "")}</p><//>`}
      ${(x.more ?? []).map((m) => html`<${Rung} kind="answer" who="device → phone, again" aside=${verdict(m)}><${Publish} m=${m} answers lit=${lit} light=${light} /><//>`)}
      ${(x.also ?? []).length > 0 && html`<${Rung} kind="also" who="who else hears" aside="whoever subscribes">${x.also.map((m) => html`<${Publish} m=${m} lit=${lit} light=${light} />`)}<//>`}
    </ol>
    <p class="lesson">${lesson(x)}</p>
    <details class="before"><summary>In MQTT 3.1.1</summary><p>${before(x)}</p></details>
    <${Copy} x=${x} />`;
}
