// Messages as they come: each request with its answer in one line.

import { useEffect, useRef, useState } from "preact/hooks";
import { html, milliseconds, moment, plural, span, visible } from "./html.js";
import { ONLINE, presenceOf } from "./looks.js";
import { amiss, selection } from "./selection.js";
import { JOURNALS, lookBack, run, useRun } from "./store.js";

const ROWS = 60;

/** That there is nothing to show, and of how much that is said. */
function nothing(filter) {
  if (filter && run.exchanges.length > 0) return `None of the latest ${plural(run.exchanges.length, "exchange")} is of what the filter names.`;
  const since = run.kindOf.length > JOURNALS ? "since this page was opened" : "so far";
  return `No request has come${filter ? " to what the filter names" : ""} ${since}.${run.end ? "" : " Switch a light, and it stands here with its answer."}`;
}

export function Messages({ filter, choose, at }) {
  useRun("exchanges", "homes");
  const [held, setHeld] = useState(false);
  const kept = useRef([]);
  useEffect(() => void lookBack().catch(() => {}), [run.kindOf.length]);
  if (!held) kept.current = [...run.exchanges];
  const wrong = amiss(filter);
  if (wrong) return html`<p class="empty" role="status">${visible(wrong, 200)}</p>`;
  const match = selection(filter);
  const seen = (x) => ({ kind: x.kind, home: x.home ?? "", id: x.id, online: presenceOf(run.looks[run.numbers.get(x.id)] ?? 0) === ONLINE });
  const shown = kept.current.filter((x) => !filter || match(seen(x))).slice(-ROWS).reverse();
  if (shown.length === 0) return html`<p class="empty">${nothing(filter)}</p>`;
  return html`<div class="row above"><p class="quiet">${plural(shown.length, "exchange")}, the newest first${run.notShown > 0 ? `; ${plural(run.notShown, "exchange")} more came, beyond 50 a second` : ""}.</p>
      <button aria-pressed=${held} onClick=${() => setHeld(!held)}>${held ? "Go on" : "Hold"}</button></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Messages"><table class="messages">
      <thead><tr><th scope="col">when</th><th scope="col">device</th><th scope="col">request</th><th scope="col">answer</th><th scope="col" class="n">took</th></tr></thead>
      <tbody>
        ${shown.map((e) => html`<tr key=${e.number} class=${e.number === at ? "open" : ""}>
          <td class="quiet">${moment(e.time)}</td>
          <td><button class="name" onClick=${() => choose(e.id, e.number)}><bdi>${visible(e.id, 60)}</bdi></button></td>
          <td><code><bdi>${visible(`${e.request.topic.split("/").at(-1)} ${e.request.payload}`, 60)}</bdi></code></td>
          <td>${e.response ? html`<code><bdi>${visible(e.response.payload, 60)}</bdi></code>${e.outcome !== "answered" && html` <span class="warn">${e.outcome}</span>`}` : html`<span class=${e.outcome === "obeyed" ? "quiet" : "warn"}>${e.outcome}</span>`}</td>
          <td class="n">${span(milliseconds(e.took))}</td>
        </tr>`)}
      </tbody>
    </table></div>`;
}
