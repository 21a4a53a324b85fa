// What devices are like at a glance: a word of bits for each, as the document of /v1/map has it.

export const PRESENCE = ["not online yet", "online", "kept off", "no network", "connection lost", "silent", "given up", "removed"];
const WILLS = ["", "pending", "on-time", "early", "late", "missing", "unwatched", "not-due"];
export const ONLINE = 1;
export const GAVE_UP = 6;
export const REMOVED = 7;

export const presenceOf = (look) => look & 7;
export const isOn = (look) => (look >>> 8) & 1;
export const willOf = (look) => WILLS[(look >>> 5) & 7];
export const levelOf = (look) => (look >>> 9) & 127;
export const actsOf = (look) => (look >>> 24) & 15;

/** [red, green, blue] of a light, 0 to 255. White is that of a lamp, which is seen on white, too. */
export function colourOf(look) {
  const [red, green, blue] = [(look >>> 21) & 7, (look >>> 18) & 7, (look >>> 16) & 3];
  if (red === 7 && green === 7 && blue === 3) return [255, 206, 120];
  return [Math.round(red * 36.43), Math.round(green * 36.43), blue * 85];
}

/** What a device is like in a few words. */
export function words(kind, look) {
  const presence = presenceOf(look);
  if (presence !== ONLINE) return PRESENCE[presence] ?? "";
  if (kind === "light") return isOn(look) ? `on, ${levelOf(look)} %` : "off";
  if (kind === "thermostat") return `${isOn(look) ? "heating" : "idle"}, target ${(levelOf(look) / 2).toFixed(1)} °C`;
  return isOn(look) ? "on" : "off";
}

/** How many windows of a house are side by side, and one above the other: a little wider than high, with few places left over. */
export function grid(n) {
  let best = [1, n];
  let least = Infinity;
  for (let across = Math.ceil(Math.sqrt(n)); across <= Math.ceil(Math.sqrt(n * 1.7)); across++) {
    const down = Math.ceil(n / across);
    if (across * down - n < least) [best, least] = [[across, down], across * down - n];
  }
  return best;
}

/** The bytes of base64. */
export function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Puts changes into looks, and calls seen with the number and the look of each; looks grows as it has to, and is returned. */
export function change(looks, base64, seen) {
  const b = bytesOf(base64);
  for (let at = 0; at + 7 <= b.length; at += 7) {
    const n = b[at] | (b[at + 1] << 8) | (b[at + 2] << 16);
    if (n >= looks.length) {
      const more = new Uint32Array(Math.max(n + 1, 2 * looks.length));
      more.set(looks);
      looks = more;
    }
    looks[n] = (b[at + 3] | (b[at + 4] << 8) | (b[at + 5] << 16) | (b[at + 6] << 24)) >>> 0;
    seen(n, looks[n]);
  }
  return looks;
}

/** The homes of /v1/homes with their members, and of each device its kind and home, by number. */
export function directory(of) {
  const homes = of.homes.map((name) => ({ name, label: name, members: [] }));
  const kinds = [];
  const kindOf = new Uint8Array(of.devices);
  const homeOf = new Uint32Array(of.devices);
  let n = 0;
  for (const s of of.stretches) {
    if (!kinds.includes(s.kind)) kinds.push(s.kind);
    const kind = kinds.indexOf(s.kind);
    for (let h = s.first; h < s.first + s.homes; h++) {
      for (let i = 0; i < s.each; i++, n++) {
        kindOf[n] = kind;
        homeOf[n] = h;
        homes[h].members.push(n);
      }
    }
  }
  shorten(homes);
  return { homes, kinds, kindOf, homeOf };
}

// What all names begin with need not stand below every house: flat-01 is 01.
function shorten(homes) {
  if (homes.length < 2) return;
  let common = homes[0].name;
  for (const { name } of homes) while (!name.startsWith(common)) common = common.slice(0, -1);
  common = common.replace(/[^-_ ]*$/, "");
  for (const h of homes) h.label = h.name.slice(common.length) || h.name;
}
