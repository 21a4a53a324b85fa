// Who is told that something of the run has changed, a few times a second at most.

const EACH = 60; // ms

const watching = new Set(); // {topics, tell}
const dirty = new Set();
let due = false;
let told = 0;

/** Says that something has changed: link, status, homes, looks, details, exchanges, incidents, log or load. */
export function changed(...topics) {
  for (const t of topics) dirty.add(t);
  if (due) return;
  due = true;
  const wait = EACH - (performance.now() - told);
  if (wait > 0) setTimeout(() => requestAnimationFrame(tell), wait);
  else requestAnimationFrame(tell);
}

function tell() {
  due = false;
  told = performance.now();
  const now = new Set(dirty);
  dirty.clear();
  for (const w of [...watching]) if (w.topics.some((t) => now.has(t))) w.tell();
}

/** Calls tell as something changes, until the function that is returned is called. */
export function onChange(topics, tell) {
  const w = { topics, tell };
  watching.add(w);
  return () => void watching.delete(w);
}
