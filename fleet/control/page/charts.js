// The course of a run on one axis of time, drawn as the report draws it: rate, response time and devices online, with
// incidents shaded and what was done by hand as ticks.

import { useEffect, useRef, useState } from "preact/hooks";
import { html, milliseconds, number, offset, span, visible } from "./html.js";

const BUCKETS = 240;
const HEIGHT = 110;

/** Neighbours merged until there are few: sums of what is counted, the slowest of what took time. */
export function buckets(points, most = BUCKETS) {
  const size = Math.ceil(points.length / most);
  const all = [];
  for (let i = 0; i < points.length; i += size) {
    const some = points.slice(i, i + size);
    const seconds = Math.max(1, some.at(-1).at - some[0].from) / 1000;
    const sum = (of) => some.reduce((s, p) => s + (of(p) ?? 0), 0) / seconds;
    const worst = (key) => some.reduce((m, p) => (p[key] === undefined ? m : Math.max(m ?? 0, p[key])), undefined);
    all.push({
      from: some[0].from, to: some.at(-1).at, planned: sum((p) => p.requests?.planned), sent: sum((p) => p.requests?.sent ?? p.commands), messages: sum((p) => p.messages),
      failed: sum((p) => (p.requests ? p.requests.late + p.requests.lost + p.requests.refused : 0)),
      p50: worst("p50"), p99: worst("p99"), max: worst("max"), online: Math.min(...some.map((p) => p.online)), devices: some.at(-1).devices,
    });
  }
  return all;
}

/** Round steps from 0 to beyond a value. */
function steps(most, count = 3) {
  const raw = Math.max(most, 1) / count;
  const ten = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((f) => f * ten).find((s) => s >= raw);
  return Array.from({ length: Math.ceil(Math.max(most, 1) / step) + 1 }, (_, i) => i * step);
}

/** Moments on the axis of time that are whole seconds, minutes or hours. */
function moments(from, to, count) {
  const each = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map((s) => s * 1000).find((s) => (to - from) / s <= count) ?? 7200e3;
  const all = [];
  for (let t = Math.ceil(from / each) * each; t <= to; t += each) all.push(t);
  return all;
}

/** A line of levels, with gaps where there is none. */
function stepped(all, x, y, of) {
  let d = "";
  let down = false;
  let end = 0;
  for (const b of all) {
    const v = of(b);
    down &&= v !== undefined && b.from <= end;
    if (v === undefined) continue;
    end = b.to;
    d += `${down ? "V" + y(v).toFixed(1) : `M${x(b.from).toFixed(1)} ${y(v).toFixed(1)}`}H${x(b.to).toFixed(1)}`;
    down = true;
  }
  return d;
}

/** A logarithmic axis of milliseconds. */
function logarithmic(all, bottom, top) {
  const values = all.flatMap((b) => [b.p50, b.p99, b.max]).filter((v) => v > 0);
  const low = Math.floor(Math.log10(Math.min(...values, 1)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values, 1))));
  const y = (ms) => bottom - ((Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low)) * (bottom - top);
  return { y, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) };
}

function linear(most, bottom, top) {
  const ticks = steps(most);
  return { y: (v) => bottom - (v / ticks.at(-1)) * (bottom - top), ticks };
}

const milli = (ms) => (ms >= 1000 ? `${ms / 1000} s` : ms >= 1 ? `${ms} ms` : `${ms * 1000} µs`);
const short = (n) => (n >= 1e6 ? `${n / 1e6}M` : n >= 1e4 ? `${n / 1e3}k` : number(n));

export function Charts({ points, incidents, acts, load }) {
  const svg = useRef(null);
  const [over, setOver] = useState(null);
  const all = buckets(points);
  const [width, setWidth] = useState(900); // as wide as it is shown, so that its text has the size of all text
  useEffect(() => {
    const seen = new ResizeObserver(() => svg.current && setWidth(Math.max(280, Math.round(svg.current.clientWidth))));
    seen.observe(svg.current);
    return () => seen.disconnect();
  }, []);
  const narrow = width < 560;
  const left = narrow ? 46 : 64;
  const [from, to] = [all[0].from, Math.max(all.at(-1).to, all[0].from + 10e3)];
  const x = (t) => left + ((Math.min(Math.max(t, from), to) - from) / (to - from)) * (width - left);
  const drawn = []; // panels, one below the other
  const most = (of) => all.reduce((m, b) => Math.max(m, of(b) ?? 0), 0);
  let top = 26;
  const add = (title, axis, write, lines) => {
    const { y, ticks } = axis(top + HEIGHT, top);
    drawn.push([title, y, ticks, write, lines, top]);
    top += HEIGHT + 44;
  };
  add(narrow ? (load ? "Requests/s" : "Messages/s") : load ? "Requests a second" : "Messages a second", (b, t) => linear(most((k) => Math.max(k.planned ?? 0, k.sent, load ? 0 : k.messages)), b, t), short,
    load ? [["planned", "planned", (b) => b.planned], ["received", "sent", (b) => b.sent], ...(most((b) => b.failed) > 0 ? [["bad", "failed", (b) => b.failed]] : [])]
      : [["received", "commands", (b) => b.sent], ["p90", "messages", (b) => b.messages]]);
  if (load && all.some((b) => b.max !== undefined)) {
    add("Response time", (b, t) => logarithmic(all, b, t), milli, [["max", "slowest", (b) => b.max], ["p99", "p99", (b) => b.p99], ["p50", "p50", (b) => b.p50]]);
  }
  add("Devices online", (b, t) => linear(all.at(-1).devices, b, t), short, [["online", "online", (b) => b.online]]);
  const height = top - 14;
  const end = (i) => (i.state === "running" ? to : milliseconds(i.to));
  const spans = incidents.filter((i) => i.state !== "planned" && end(i) > from && milliseconds(i.from) < to);
  const hover = (e) => {
    const box = svg.current.getBoundingClientRect();
    const t = from + (((e.clientX - box.left) / box.width) * width - left) / (width - left) * (to - from);
    setOver(all.findLast((b) => b.from <= t) ?? null);
  };
  const told = over && [offset(over.from), load && `${number(Math.round(over.planned))}/s planned, ${number(Math.round(over.sent))}/s sent`, !load && `${number(Math.round(over.messages))} messages/s`,
    over.p50 !== undefined && `p50 ${span(over.p50)}`, over.p99 !== undefined && `p99 ${span(over.p99)}`, over.max !== undefined && `slowest ${span(over.max)}`, `${number(over.online)} online`].filter(Boolean).join(" · ");
  return html`<section class="panel" aria-label="Course">
    <svg ref=${svg} class="chart" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label="The course of the run, of which the figures stand above" onPointerMove=${hover} onPointerLeave=${() => setOver(null)}>
      ${drawn.map(([title, y, ticks, write, lines, at]) => html`
        ${spans.map((i) => html`<rect class="span" x=${x(milliseconds(i.from))} y=${at} width=${Math.max(2, x(end(i)) - x(milliseconds(i.from)))} height=${HEIGHT} />`)}
        <g transform=${`translate(0 ${at - 26})`}><text class="title" x="0" y="14">${title}</text>
          ${lines.map(([cls, text], i) => html`<g transform=${`translate(${width - lines.slice(i).reduce((s, k) => s + k[1].length * 7.4 + 40, 0) + 12} 10)`}><path class=${`line ${cls}`} d="M0 0h18" /><text class="key" x="24" y="4">${text}</text></g>`)}</g>
        ${ticks.map((t) => html`<path class="grid" d=${`M${left} ${y(t).toFixed(1)}H${width}`} /><text class="tick" x=${left - 8} y=${(y(t) + 4).toFixed(1)} text-anchor="end">${write(t)}</text>`)}
        ${lines.map(([cls, , of]) => html`<path class=${`line ${cls}`} d=${stepped(all, x, y, of)} />`)}
        ${moments(from, to, narrow ? 4 : 10).map((t) => html`<path class="axis" d=${`M${x(t).toFixed(1)} ${at + HEIGHT}v4`} />`)}`)}
      ${spans.map((i) => html`<text class="what" x=${Math.min(x(milliseconds(i.from)) + 4, width - 80)} y=${drawn[0][5] + 12}>${visible(i.kind, 20)}</text>`)}
      ${acts.slice(-200).filter((a) => milliseconds(a.at) >= from).map((a) => html`<path class="act" d=${`M${x(milliseconds(a.at)).toFixed(1)} ${drawn.at(-1)[5] + HEIGHT}v-8`}><title>${visible(a.op, 40)}</title></path>`)}
      ${moments(from, to, narrow ? 4 : 10).map((t) => html`<text class="tick" x=${x(t).toFixed(1)} y=${height - 12} text-anchor=${x(t) > width - 16 ? "end" : "middle"}>${offset(t)}</text>`)}
      ${over && html`<path class="cursor" d=${`M${x((over.from + over.to) / 2).toFixed(1)} ${drawn[0][5]}V${drawn.at(-1)[5] + HEIGHT}`} />`}
    </svg>
    <p class="readout quiet">${told ?? "Point at the course for its figures."}${" "}</p>
  </section>`;
}
