// htm bound to Preact, as its own package does, and how the page writes numbers, times and the texts of others.

import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);

export const number = (n) => n.toLocaleString("en");

/** A text as a sentence. */
export const sentence = (text) => text && `${text[0].toUpperCase()}${text.slice(1)}.`;

/** "3 devices", "1 device". */
export const plural = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;

/** Seconds as "0:12" or "1:02:14". */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** A moment of the run, which may be before the measuring: "0:12" or "−0:03". */
export const offset = (ms) => (ms <= -1000 ? "−" : "") + clock(Math.abs(ms));

/** The time of day in the homes, so long after the start, and how fast it goes; "" where nothing is known of it. */
export function simulated(status, ms) {
  const of = status?.simulated;
  if (!of) return "";
  const s = Math.floor((milliseconds(of.start) + ms * of.factor) / 1000) % 86400;
  const two = (n) => String(n).padStart(2, "0");
  return `simulated time ${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}${of.factor === 1 ? "" : `, ${number(of.factor)} times as fast`}`;
}

/** A moment of the wall clock to the second, and to the millisecond. */
export const second = (when) => new Date(when).toTimeString().slice(0, 8);
export const moment = (when) => second(when) + "." + String(new Date(when).getMilliseconds()).padStart(3, "0");

/** Duration in ms of a text such as "1m2.5s" or "340µs". */
export function milliseconds(text = "") {
  const unit = { h: 3600e3, m: 60e3, s: 1e3, ms: 1, "µs": 1e-3, us: 1e-3, ns: 1e-6 };
  let sum = 0;
  for (const [, n, u] of text.matchAll(/([\d.]+)(h|ms|m|s|µs|us|ns)/g)) sum += n * unit[u];
  return text.startsWith("-") ? -sum : sum;
}

/** Milliseconds with three digits: "0.41 ms", "12.3 ms", "1.20 s". */
export function span(ms) {
  const three = (v) => (v < 10 ? v.toFixed(2) : v < 100 ? v.toFixed(1) : v.toFixed(0));
  return ms < 1000 ? three(ms) + " ms" : three(ms / 1000) + " s";
}

// What a font does not show, or what turns the direction of what follows: it is written as what it is.
const unseen = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A text of elsewhere so that all of it is seen, and no more than so many characters of it. */
export function visible(text, most = 300) {
  const cut = text.length > most ? text.slice(0, most) : text;
  const seen = cut.replace(unseen, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  return cut === text ? seen : seen + "…";
}
