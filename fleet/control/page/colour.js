// Colours: of a light as a screen can show it, and those of the style sheet for what is drawn on a canvas.

/** "rgb(…)" of a light's values: its colour, or the white of its temperature. */
export function lightColour(values, telemetry) {
  if (telemetry?.color_mode && telemetry.color_mode !== "white" && /^#[0-9a-f]{6}$/i.test(values.color)) return values.color;
  return `rgb(${white(1e6 / Number(values.ct || 370)).join(" ")})`;
}

// Points of black bodies in sRGB, 1931 2-degree observer, between which is interpolated.
const whites = [
  [2000, 255, 137, 14],
  [2700, 255, 169, 87],
  [3500, 255, 196, 137],
  [4500, 255, 219, 186],
  [5500, 255, 238, 225],
  [6600, 255, 249, 253],
];

function white(kelvin) {
  const k = Math.min(Math.max(kelvin, whites[0][0]), whites.at(-1)[0]);
  const i = Math.max(1, whites.findIndex((w) => w[0] >= k));
  const [a, b] = [whites[i - 1], whites[i]];
  const part = (k - a[0]) / (b[0] - a[0]);
  return [1, 2, 3].map((c) => Math.round(a[c] + (b[c] - a[c]) * part));
}

/** [red, green, blue] of tokens of the style sheet, as the theme has them now. */
export function tokens(...names) {
  const probe = document.createElement("i");
  document.body.append(probe);
  const found = names.map((name) => {
    probe.className = "t-" + name;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  });
  probe.remove();
  return found;
}
