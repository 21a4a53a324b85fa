// The city: any number of homes on a canvas that can be moved and zoomed, and close by they are houses with windows.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { at, layout, paint, Picture, tone } from "./cityscape.js";
import { html, plural, visible } from "./html.js";
import { ONLINE, presenceOf, words } from "./looks.js";
import { kindAt, nameHome, onChange, run } from "./store.js";

const CLOSE = 11; // pixels a device, from which on houses are drawn
const FAR = 14; // pixels a home, below which it is one cell
const MOST_CELLS = 8000; // that are drawn one by one
const FRAMES = 240;
const WRITTEN = 4096;
const written = new Map(); // colours as a canvas wants them
function rgb(c) {
  const key = (c[0] << 16) | (c[1] << 8) | c[2];
  let text = written.get(key);
  if (!text) {
    if (written.size > WRITTEN) written.clear(); // homes have any mixture of colours
    written.set(key, (text = `rgb(${c.join(" ")})`));
  }
  return text;
}

class Sight {
  constructor(canvas, plan) {
    Object.assign(this, { canvas, plan, picture: new Picture(plan), context: canvas.getContext("2d", { alpha: false }), ring: -1, open: "", over: undefined });
    canvas.frames = []; // what the last frames took, in ms
    this.due = false;
    this.measure();
    this.fit();
  }

  measure() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const dots = Math.min(devicePixelRatio || 1, 2);
    Object.assign(this, { width, height, dots });
    this.canvas.width = Math.round(width * dots);
    this.canvas.height = Math.round(height * dots);
    this.least = Math.min((width - 16) / this.plan.width, (height - 16) / this.plan.height);
  }

  fit() {
    this.scale = this.least;
    this.x = (this.width / this.scale - this.plan.width) / -2;
    this.y = (this.height / this.scale - this.plan.height) / -2;
    this.draw();
  }

  /** Zooms by a factor about a point of the canvas. */
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const scale = Math.max(this.least, Math.min(48, this.scale * factor));
    this.x += x / this.scale - x / scale;
    this.y += y / this.scale - y / scale;
    this.scale = scale;
    this.move(0, 0);
  }

  move(dx, dy) {
    const hold = (v, whole, seen) => (seen >= whole ? (whole - seen) / 2 : Math.max(0, Math.min(whole - seen, v)));
    this.x = hold(this.x - dx / this.scale, this.plan.width, this.width / this.scale);
    this.y = hold(this.y - dy / this.scale, this.plan.height, this.height / this.scale);
    this.draw();
  }

  /** Has a plot be in sight. */
  show(p) {
    const [w, h] = [this.width / this.scale, this.height / this.scale];
    if (p.x < this.x || p.x + p.across > this.x + w) this.x = p.x + p.across / 2 - w / 2;
    if (p.y < this.y || p.y + p.down > this.y + h) this.y = p.y + p.down / 2 - h / 2;
    this.move(0, 0);
  }

  find(event) {
    const box = this.canvas.getBoundingClientRect();
    return at(this.plan, this.x + (event.clientX - box.left) / this.scale, this.y + (event.clientY - box.top) / this.scale);
  }

  draw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      const began = performance.now();
      this.frame();
      this.canvas.frames.push(performance.now() - began);
      if (this.canvas.frames.length > FRAMES) this.canvas.frames.shift();
    });
  }

  frame() {
    const { context: c, scale, picture, plan } = this;
    c.setTransform(this.dots, 0, 0, this.dots, 0, 0);
    c.fillStyle = rgb(picture.colours.bg);
    c.fillRect(0, 0, this.width, this.height);
    const near = scale >= CLOSE;
    const far = plan.plots.length <= MOST_CELLS && (plan.plots[0]?.across ?? 0) * scale < FAR;
    if (!near && !far) {
      c.imageSmoothingEnabled = scale * this.dots < picture.pitch * 1.01;
      c.drawImage(picture.canvas, -this.x * scale, -this.y * scale, plan.width * scale, plan.height * scale);
    }
    const [right, bottom] = [this.x + this.width / scale, this.y + this.height / scale];
    for (const row of plan.rows) {
      if (row.y + row.height < this.y || row.y > bottom) continue;
      for (let i = row.from; i < row.to; i++) {
        const p = plan.plots[i];
        if (p.x + p.across + 1 < this.x || p.x - 1 > right) continue;
        if (near) this.house(p);
        else if (far) this.cell(p);
        if (i === this.ring || p.home.name === this.open) this.mark(p, i === this.ring);
      }
    }
  }

  cell(p) {
    const { context: c, picture } = this;
    const [x, y, w, h] = this.place(p);
    const t = (p.tone ??= tone(p, picture.colours));
    c.fillStyle = rgb(t.amiss ? picture.colours.bad : t.dark ? picture.colours.ground : t.colour);
    c.fillRect(x, y, w, h);
    if (t.off === 0) return;
    c.strokeStyle = rgb(t.dark ? picture.colours.off : picture.colours.warn);
    c.lineWidth = 1;
    c.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
  }

  place(p) {
    return [(p.x - this.x) * this.scale, (p.y - this.y) * this.scale, p.across * this.scale, p.down * this.scale];
  }

  mark(p, ring) {
    const [x, y, w, h] = this.place(p);
    const c = this.context;
    c.strokeStyle = rgb(ring ? this.picture.colours.text : this.picture.colours.draws);
    c.lineWidth = 2;
    const edge = Math.max(3, 0.3 * this.scale);
    c.strokeRect(x - edge, y - edge, w + 2 * edge, h + 2 * edge);
  }

  house(p) {
    const { context: c, scale, picture } = this;
    const [x, y, w, h] = this.place(p);
    c.fillStyle = rgb(picture.colours.ground);
    c.strokeStyle = rgb(picture.colours.line);
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(x - 0.3 * scale, y);
    c.lineTo(x + w / 2, y - 0.62 * scale);
    c.lineTo(x + w + 0.3 * scale, y);
    c.lineTo(x + w + 0.3 * scale, y + h + 0.3 * scale);
    c.lineTo(x - 0.3 * scale, y + h + 0.3 * scale);
    c.closePath();
    c.fill();
    c.stroke();
    const { members } = p.home;
    let dark = 0;
    for (let i = 0; i < members.length; i++) {
      const colour = paint(members[i], picture.colours);
      const left = x + ((i % p.across) + 0.15) * scale;
      const top = y + (Math.floor(i / p.across) + 0.15) * scale;
      if (colour) {
        c.fillStyle = rgb(colour);
        c.fillRect(left, top, scale * 0.7, scale * 0.7);
        continue;
      }
      if (dark++ === 0) c.beginPath();
      c.rect(left + 0.5, top + 0.5, scale * 0.7 - 1, scale * 0.7 - 1);
    }
    if (dark > 0) {
      c.setLineDash([2, 2]);
      c.stroke();
      c.setLineDash([]);
    }
    if (w > 46) {
      c.fillStyle = rgb(picture.colours.text);
      c.font = `${Math.min(12, scale * 0.8)}px system-ui, sans-serif`;
      c.textAlign = "center";
      c.fillText(visible(p.home.label, Math.floor(w / 6)), x + w / 2, y + h + Math.min(1.15 * scale, 0.3 * scale + 12));
    }
  }
}

/** What stands at a place, in a few words. */
function told({ plot, number }) {
  if (!plot) return "";
  const { home } = plot;
  if (number === undefined) {
    const up = home.members.filter((n) => presenceOf(run.looks[n]) === ONLINE).length;
    return `${visible(home.name, 60)}: ${up} of ${plural(home.members.length, "device")} online`;
  }
  const kind = kindAt(number);
  return `${visible(run.ids[number] ?? `${home.name}, a ${kind}`, 80)}: ${words(kind, run.looks[number])}`;
}

export function City({ homes, open, select, choose }) {
  const canvas = useRef(null);
  const sight = useRef(null);
  const tip = useRef(null);
  const [ring, setRing] = useState("");
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const turned = () => setWidth(innerWidth); // not as a bar of a phone's browser comes and goes
    addEventListener("resize", turned);
    return () => removeEventListener("resize", turned);
  }, []);
  const plan = useMemo(() => layout(homes, Math.max(0.5, (width - 40) / Math.max(300, innerHeight * 0.52))), [homes, Math.round(width / 100)]);
  const go = useRef(null);
  go.current = { select, choose };
  useEffect(() => {
    const s = (sight.current = new Sight(canvas.current, plan));
    s.open = open.name;
    const looked = onChange(["looks"], () => s.picture.update() && s.draw());
    const resized = new ResizeObserver(() => {
      const whole = s.scale <= s.least * 1.01;
      s.measure();
      if (whole) s.fit();
      else s.zoom(1);
    });
    resized.observe(canvas.current);
    const repaint = () => (s.picture.repaint(), s.draw());
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", repaint);
    addEventListener("theme", repaint);
    const stop = steer(canvas.current, s, tip.current, go);
    return () => {
      looked();
      resized.disconnect();
      scheme.removeEventListener("change", repaint);
      removeEventListener("theme", repaint);
      stop();
    };
  }, [plan]);
  useEffect(() => {
    sight.current.open = open.name;
    sight.current.draw();
  }, [open.name, plan]);
  const keys = (e) => {
    const s = sight.current;
    const row = plan.rows.findIndex((r) => s.ring >= r.from && s.ring < r.to);
    const beside = (r) => (plan.rows[r] ? Math.min(plan.rows[r].to - 1, plan.rows[r].from + Math.max(0, s.ring - plan.rows[row].from)) : s.ring);
    const to = { ArrowRight: s.ring + 1, ArrowLeft: s.ring - 1, ArrowDown: row < 0 ? 0 : beside(row + 1), ArrowUp: row < 0 ? 0 : beside(row - 1), Home: 0, End: plan.plots.length - 1 }[e.key];
    if (to !== undefined) {
      s.ring = Math.max(0, Math.min(plan.plots.length - 1, to));
      s.show(plan.plots[s.ring]);
      setRing(told({ plot: plan.plots[s.ring] }));
    } else if ((e.key === "Enter" || e.key === " ") && s.ring >= 0) select(plan.plots[s.ring].home.name);
    else if (e.key === "+" || e.key === "=") s.zoom(1.5);
    else if (e.key === "-") s.zoom(1 / 1.5);
    else if (e.key === "0") s.fit();
    else return;
    e.preventDefault();
  };
  return html`<div class="city">
    <canvas ref=${canvas} tabindex="0" role="application" aria-label="City of ${plural(homes.length, "home")}: arrows go from home to home, Enter opens one, plus and minus zoom" onKeyDown=${keys}></canvas>
    <div class="zoom"><button aria-label="Zoom in" onClick=${() => sight.current.zoom(1.7)}>+</button>
      <button aria-label="Zoom out" onClick=${() => sight.current.zoom(1 / 1.7)}>−</button>
      <button aria-label="Show all" onClick=${() => sight.current.fit()}>⤢</button></div>
    <p class="tip" ref=${tip} hidden></p>
    <p class="unseen" role="status">${ring}</p>
  </div>`;
}

/** Pointers: one moves, two zoom, a click opens; the wheel zooms. It returns what undoes it. */
function steer(canvas, s, tip, go) {
  const down = new Map();
  let moved = 0;
  let asked = 0;
  const hover = (e) => {
    const found = s.find(e);
    const text = told(found);
    tip.hidden = !text;
    tip.textContent = text;
    const box = canvas.getBoundingClientRect();
    const left = Math.min(e.clientX - box.left + 14, box.width - tip.offsetWidth - 8);
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, e.clientY - box.top - tip.offsetHeight - 8)}px)`;
    clearTimeout(asked);
    if (found.number !== undefined && run.ids[found.number] === undefined) {
      const home = run.homes[run.homeOf[found.number]];
      asked = setTimeout(() => nameHome({ name: home.name, members: home.members }, home.members.indexOf(found.number), 1).then(() => hover(e), () => {}), 150);
    }
  };
  const on = {
    pointerdown(e) {
      canvas.setPointerCapture(e.pointerId);
      down.set(e.pointerId, [e.clientX, e.clientY]);
      moved = 0;
    },
    pointermove(e) {
      const was = down.get(e.pointerId);
      if (!was) return hover(e);
      const others = [...down].find(([id]) => id !== e.pointerId)?.[1];
      const [dx, dy] = [e.clientX - was[0], e.clientY - was[1]];
      moved += Math.abs(dx) + Math.abs(dy);
      down.set(e.pointerId, [e.clientX, e.clientY]);
      if (!others) return s.move(dx, dy);
      const box = canvas.getBoundingClientRect();
      const far = (p) => Math.hypot(p[0] - others[0], p[1] - others[1]) || 1;
      s.zoom(far([e.clientX, e.clientY]) / far(was), (e.clientX + others[0]) / 2 - box.left, (e.clientY + others[1]) / 2 - box.top);
    },
    async pointerup(e) {
      if (!down.delete(e.pointerId) || moved > 6) return;
      const { plot, number } = s.find(e);
      if (!plot) return;
      go.current.select(plot.home.name);
      if (number === undefined) return;
      const home = run.homes[run.homeOf[number]];
      await nameHome(home, home.members.indexOf(number), 1).catch(() => {});
      if (run.ids[number] !== undefined) go.current.choose(run.ids[number]);
    },
    pointercancel: (e) => down.delete(e.pointerId),
    pointerleave: () => (tip.hidden = true),
    wheel(e) {
      e.preventDefault();
      const box = canvas.getBoundingClientRect();
      s.zoom(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 0.05 : 0.0016)), e.clientX - box.left, e.clientY - box.top);
    },
  };
  for (const [type, what] of Object.entries(on)) canvas.addEventListener(type, what, { passive: false });
  return () => {
    clearTimeout(asked);
    for (const [type, what] of Object.entries(on)) canvas.removeEventListener(type, what);
  };
}
