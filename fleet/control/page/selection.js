// A selection in words, "kind=light home=flat-*"; the words are those of ctl, and a word alone is a part of an id.

/** The words as the target of an order: {kind, home, id, online, share}. */
export function target(text) {
  const t = {};
  for (const word of text.trim().split(/\s+/).filter(Boolean)) {
    const [key, value] = word.includes("=") ? word.split(/=(.*)/) : ["id", word.includes("*") ? word : `*${word}*`];
    if (["kind", "home", "id", "share", "online"].includes(key)) t[key] = value;
  }
  return t;
}

const like = (pattern) => new RegExp("^" + pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*") + "$", "s");

/** The words as a function of a device {kind, home, id, online}; what it does not know of a device, it lets pass. */
export function selection(text) {
  const tests = Object.entries(target(text)).filter(([key]) => key !== "share").map(([key, value]) => {
    if (key === "online") return (d) => d.online === undefined || String(d.online) === value;
    const pattern = like(value);
    return (d) => d[key] === undefined || pattern.test(d[key]);
  });
  return (d) => tests.every((t) => t(d));
}
