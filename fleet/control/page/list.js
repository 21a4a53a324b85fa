// The list beside every picture: a hundred devices at a time, as the run itself selects them.

import { useEffect, useState } from "preact/hooks";
import { html, number, plural, visible } from "./html.js";
import { ONLINE, presenceOf, willOf, words } from "./looks.js";
import { target } from "./selection.js";
import { page, run, useRun, watch } from "./store.js";

export function List({ filter, choose, chosen }) {
  useRun("looks");
  const [at, setAt] = useState([""]); // cursors of the pages so far
  const [got, setGot] = useState(null);
  const [wrong, setWrong] = useState("");
  useEffect(() => setAt([""]), [filter]);
  useEffect(() => {
    let late = false;
    const timer = setTimeout(() => {
      page(target(filter), at.at(-1)).then(
        (p) => late || (setGot(p), setWrong("")),
        (e) => late || setWrong(e.message + (e.hint ? `; ${e.hint}` : "")),
      );
    }, 120);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }, [filter, at]);
  useEffect(() => watch(chosen ? [chosen] : []), [chosen]);
  if (wrong) return html`<p class="empty" role="status">${wrong}</p>`;
  if (!got) return html`<p class="empty">…</p>`;
  if (got.total === 0) return html`<p class="empty" role="status">No device matches <code>${visible(filter)}</code>.</p>`;
  const from = (at.length - 1) * 100;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Devices"><table class="list">
    <thead><tr><th scope="col">device</th><th scope="col">kind</th><th scope="col">home</th><th scope="col">state</th><th scope="col">Will</th></tr></thead>
    <tbody>
      ${got.devices.map((d) => {
        const look = run.looks[d.number] ?? 0;
        const up = presenceOf(look) === ONLINE;
        return html`<tr key=${d.number} class=${d.id === chosen ? "open" : ""}>
          <td><button class="name" onClick=${() => choose(d.id)}><bdi>${visible(d.id, 80)}</bdi></button></td>
          <td>${visible(d.kind, 40)}</td><td><bdi>${visible(d.home ?? "", 60)}</bdi></td>
          <td class=${up ? "" : "bad"}>${words(d.kind, look)}</td>
          <td class=${["late", "missing", "early"].includes(willOf(look)) ? "bad" : "quiet"}>${willOf(look).replace("-", " ")}</td>
        </tr>`;
      })}
    </tbody>
  </table></div>
  <p class="pager"><button disabled=${at.length === 1} onClick=${() => setAt(at.slice(0, -1))}>Back</button>
    <span>${number(from + 1)} to ${number(from + got.devices.length)} of ${plural(got.total, "device")}</span>
    <button disabled=${!got.next} onClick=${() => setAt([...at, got.next])}>Next</button></p>`;
}
