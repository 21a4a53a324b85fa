// The street: a house a home, with a window a device.

import { Component } from "preact";
import { html, visible } from "./html.js";
import { colourOf, grid, isOn, levelOf, ONLINE, presenceOf } from "./looks.js";
import { kindAt, run, useRun } from "./store.js";

const MOST_WINDOWS = 40;

/** The class and the fill of a window. */
function windowOf(n) {
  const look = run.looks[n];
  if (presenceOf(look) !== ONLINE) return ["dark", undefined];
  if (!isOn(look)) return ["", undefined];
  const kind = kindAt(n);
  if (kind === "light") return ["lit", `rgb(${colourOf(look).join(" ")} / ${0.45 + (0.55 * levelOf(look)) / 100})`];
  return [kind === "thermostat" ? "heat" : "draws", undefined];
}

// Drawn again only if a window of it looks different.
class House extends Component {
  shouldComponentUpdate(next) {
    return next.seen !== this.props.seen || next.open !== this.props.open || next.home !== this.props.home;
  }
  render({ home, open, select, off }) {
    const shown = home.members.slice(0, MOST_WINDOWS);
    const [across, down] = grid(shown.length);
    const pitch = Math.min(46 / across, 30 / down, 12);
    const left = 30 - (across * pitch) / 2;
    const top = 39.5 - (down * pitch) / 2;
    const state = off === 0 ? "" : off === home.members.length ? "dark" : `${off} off`;
    return html`<button class=${`house ${open ? "open" : ""}`} aria-pressed=${open} aria-label=${`${visible(home.name, 60) || "no home"}${state && " " + state}`}
      title=${visible(home.name, 60)} onClick=${() => select(home.name)}>
      <svg viewBox="0 0 60 60" aria-hidden="true">
        <path class="walls" d="M4 23.5 30 4l26 19.5V57H4z" />
        ${shown.map((n, i) => {
          const [look, fill] = windowOf(n);
          return html`<rect class=${look} style=${fill && { fill }} x=${left + (i % across) * pitch + pitch * 0.17} y=${top + Math.floor(i / across) * pitch + pitch * 0.17}
            width=${pitch * 0.66} height=${pitch * 0.66} rx=${pitch * 0.12} />`;
        })}
      </svg>
      <span><bdi>${visible(home.label, 24) || "no home"}</bdi>${state && html` <em>${state}</em>`}</span>
    </button>`;
  }
}

/** Houses side by side. Arrows go from one to the next; Tab leaves the street. */
export function Street({ homes, open, select }) {
  useRun("looks", "homes");
  const arrow = (e) => {
    const houses = [...e.currentTarget.querySelectorAll(".house")];
    const at = houses.indexOf(document.activeElement);
    const across = houses.filter((h) => Math.abs(h.offsetTop - houses[0].offsetTop) < 8).length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -houses.length, End: houses.length }[e.key];
    if (at < 0 || !step) return;
    e.preventDefault();
    houses[Math.max(0, Math.min(houses.length - 1, at + step))].focus();
  };
  return html`<nav class="street" aria-label="Homes" onKeyDown=${arrow}>
    ${homes.map((home) => {
      let seen = "";
      let off = 0;
      for (const n of home.members) {
        if (presenceOf(run.looks[n]) !== ONLINE) off++;
        seen += String.fromCharCode(run.looks[n] & 0x1f07, (run.looks[n] >>> 13) & 0x7ff);
      }
      return html`<${House} key=${home.name} home=${home} open=${home.name === open.name} select=${select} off=${off} seen=${seen} />`;
    })}
  </nav>`;
}
