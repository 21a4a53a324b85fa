// htm bound to Preact, as its own package does, and small words that several views say.

import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);

/** "3 devices", "1 device". */
export const plural = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;

/** Seconds as "0:12" or "1:02:14". */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** A moment of the wall clock to the millisecond. */
export function moment(text) {
  const t = new Date(text);
  return t.toTimeString().slice(0, 8) + "." + String(t.getMilliseconds()).padStart(3, "0");
}
