// A selection in words, "kind=light home=flat-*"; the words are those of ctl, and a word alone is a part of an id.

const KEYS = ["kind", "home", "id", "online"];

function* words(text) {
  for (const word of text.trim().split(/\s+/).filter(Boolean)) {
    if (word.includes("=")) yield word.split(/=(.*)/).slice(0, 2);
    else yield ["id", word.includes("*") ? word : `*${word}*`];
  }
}

/** The words as the target of an order: {kind, home, id, online, share}. What is none of these stays, for the run to refuse. */
export const target = (text) => Object.fromEntries(words(text));

/** What is wrong with the words of a filter, in a sentence; "": nothing. */
export function amiss(text) {
  for (const [key, value] of words(text)) {
    if (key === "share") return "A share is drawn when something happens: it is for incidents, not for a filter.";
    if (!KEYS.includes(key)) return `There is no ${key || "key"}; want ${KEYS.slice(0, -1).join(", ")} or ${KEYS.at(-1)}.`;
    if (key === "online" && !["true", "false", ""].includes(value)) return `online is ${value}; want true or false.`;
  }
  return "";
}

const like = (pattern) => new RegExp("^" + pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*") + "$", "s");

/** The words as a function of a device {kind, home, id, online}; what it does not know of a device, it lets pass. */
export function selection(text) {
  const tests = Object.entries(target(text)).filter(([, value]) => value !== "").map(([key, value]) => {
    if (key === "online") return (d) => d.online === undefined || String(d.online) === value;
    const pattern = like(value);
    return (d) => d[key] === undefined || pattern.test(d[key]);
  });
  return (d) => tests.every((t) => t(d));
}
