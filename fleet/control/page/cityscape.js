// Where each device of a city stands, and a picture of all of them, with 2 by 2 points for each.
// What changes is written into the picture; moving about in it is drawing the picture at another place.

import { tokens } from "./colour.js";
import { colourOf, grid, isOn, levelOf, ONLINE, presenceOf, willOf } from "./looks.js";
import { kindAt, run } from "./store.js";

const GAP = 2; // between homes, in devices
const MOST_POINTS = 12e6;

/** The place of each home, in devices: {width, height, plots: [{home, x, y, across, down}], rows: [{y, height, from, to}]}. */
export function layout(homes, aspect) {
  const sizes = homes.map((h) => {
    const [across, down] = grid(h.members.length);
    return { home: h, across, down };
  });
  const area = sizes.reduce((sum, s) => sum + (s.across + GAP) * (s.down + GAP), 0);
  const widest = Math.max(...sizes.map((s) => s.across)) + GAP;
  const width = Math.max(widest, Math.sqrt(area * aspect));
  const rows = [];
  let row = null;
  let x = width;
  sizes.forEach((s, i) => {
    if (x + s.across + GAP > width + 0.01) {
      row = { y: row ? row.y + row.height : GAP / 2, height: 0, from: i, to: i };
      rows.push(row);
      x = GAP / 2;
    }
    Object.assign(s, { x, y: row.y });
    x += s.across + GAP;
    row.to = i + 1;
    row.height = Math.max(row.height, s.down + GAP);
  });
  return { width: Math.ceil(width), height: Math.ceil(row ? row.y + row.height : 1), plots: sizes, rows };
}

/** The plot at a point, and the number of the device there; undefined where there is none. */
export function at(plan, x, y) {
  const row = plan.rows.find((r) => y >= r.y - GAP / 2 && y < r.y + r.height - GAP / 2);
  if (!row) return {};
  for (let i = row.from; i < row.to; i++) {
    const p = plan.plots[i];
    if (x < p.x - GAP / 2 || x >= p.x + p.across + GAP / 2) continue;
    const [col, line] = [Math.floor(x - p.x), Math.floor(y - p.y)];
    const inside = col >= 0 && col < p.across && line >= 0 && line < p.down;
    return { index: i, plot: p, number: inside ? p.home.members[line * p.across + col] : undefined };
  }
  return {};
}

/** The colours of devices, as the theme has them now. */
export function palette() {
  const [bg, glass, off, heat, draws, ground, line, text, warn, bad] = tokens("bg", "glass", "faint", "heat", "accent", "surface", "control", "muted", "warn", "bad");
  return { bg, glass, off, heat, draws, ground, line, text, warn, bad };
}

/** [red, green, blue] of a device. */
export function paint(n, colours) {
  const look = run.looks[n];
  if (presenceOf(look) !== ONLINE) return null;
  if (!isOn(look)) return colours.glass;
  const kind = kindAt(n);
  const mixed = (colour, part) => colour.map((c, i) => Math.round(c * part + colours.glass[i] * (1 - part)));
  if (kind === "thermostat") return mixed(colours.heat, 0.6);
  if (kind !== "light") return mixed(colours.draws, 0.45);
  return mixed(colourOf(look), 0.5 + levelOf(look) / 200);
}

/** A home from afar: the colour of all of its devices together, whether some are off, and whether a Will is amiss. */
export function tone(plot, colours) {
  const { members } = plot.home;
  const sum = [0, 0, 0];
  let off = 0;
  let amiss = false;
  for (const n of members) {
    const c = paint(n, colours);
    if (c) for (let i = 0; i < 3; i++) sum[i] += c[i];
    else {
      off++;
      for (let i = 0; i < 3; i++) sum[i] += colours.ground[i];
    }
    amiss ||= ["late", "missing"].includes(willOf(run.looks[n]));
  }
  return { colour: sum.map((v) => Math.round(v / members.length)), off, dark: off === members.length, amiss };
}

/** A picture of a plan, that is kept up with the looks of devices. */
export class Picture {
  constructor(plan) {
    this.plan = plan;
    this.pitch = plan.width * plan.height * 4 < MOST_POINTS ? 2 : 1;
    this.canvas = document.createElement("canvas");
    this.canvas.width = plan.width * this.pitch;
    this.canvas.height = plan.height * this.pitch;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.points = new Uint32Array(this.image.data.buffer);
    this.seen = new Uint32Array(0);
    this.repaint();
  }

  /** Draws all anew, in the colours of the theme. */
  repaint() {
    this.colours = palette();
    this.points.fill(this.#word(this.colours.bg));
    this.seen = new Uint32Array(0);
    for (const p of this.plan.plots) this.#ground(p);
    this.update();
  }

  #word([r, g, b]) {
    return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
  }

  #ground(p) {
    const word = this.#word(this.colours.ground);
    const x = Math.max(0, Math.round((p.x - 0.5) * this.pitch));
    const y = Math.max(0, Math.round((p.y - 0.5) * this.pitch));
    const right = Math.min(this.canvas.width, Math.round((p.x + p.across + 0.5) * this.pitch));
    const bottom = Math.min(this.canvas.height, Math.round((p.y + p.down + 0.5) * this.pitch));
    for (let row = y; row < bottom; row++) this.points.fill(word, row * this.canvas.width + x, row * this.canvas.width + right);
  }

  /** Writes down which devices look different now; false: none does. */
  update() {
    if (this.seen.length < run.looks.length) {
      const more = new Uint32Array(run.looks.length).fill(0xffffffff);
      more.set(this.seen);
      this.seen = more;
    }
    const [width, pitch, looks] = [this.canvas.width, this.pitch, run.looks];
    const size = pitch;
    const dark = this.#word(this.colours.ground);
    const off = this.#word(this.colours.off);
    let top = Infinity;
    let bottom = -1;
    for (const p of this.plan.plots) {
      const { members } = p.home;
      for (let i = 0; i < members.length; i++) {
        const n = members[i];
        const plain = looks[n] & 0x00ffffe7; // without what is not seen, such as the count of commands
        if (this.seen[n] === plain) continue;
        this.seen[n] = plain;
        p.tone = null;
        const colour = paint(n, this.colours);
        const word = colour ? this.#word(colour) : dark;
        const x = Math.round((p.x + (i % p.across)) * pitch);
        const y = Math.round((p.y + Math.floor(i / p.across)) * pitch);
        for (let dy = 0; dy < size; dy++) for (let dx = 0; dx < size; dx++) this.points[(y + dy) * width + x + dx] = word;
        if (!colour) this.points[y * width + x] = off; // a point is left of it
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + size);
      }
    }
    if (bottom < 0) return false;
    this.context.putImageData(this.image, 0, 0, 0, top, width, bottom - top);
    return true;
  }
}
