// The stream of events that the page follows. With other devices to be watched it is another one, which takes the place of
// the first only once it is there: a run may say how it ended between the two, and then never again.

import { follow } from "./api.js";

/** Follows by what query() says: heard(type, data), and state("live" or a Problem) of the stream that is followed. */
export function streams(query, heard, state) {
  let now = null; // the one that is heard
  let next = null; // the one that is to take its place, while there are both
  const last = { epoch: "", number: 0 }; // of the events that were heard

  /** Whether an event is new: both streams have those of the time between. */
  function passed(id) {
    const [epoch, number] = [id.slice(0, id.lastIndexOf(".")), Number(id.slice(id.lastIndexOf(".") + 1))];
    if (epoch === last.epoch && number <= last.number) return false;
    Object.assign(last, { epoch, number });
    return true;
  }

  function said(of, what) {
    if (of === next) {
      // What is refused to it is the other's affair only where that one is in its way, as one of the most there may be.
      if (what !== "live" && what.status !== 503) return what.status === 404 || what.status === 422 ? state(what) : undefined;
      now.abort();
      [now, next] = [next, null];
    } else if (next && what !== "live") {
      now.abort(); // it would try again, as the other does
      [now, next] = [next, null];
    }
    state(what);
  }

  function begin() {
    const it = new AbortController();
    follow(query, heard, (what) => it.signal.aborted || said(it, what), it.signal, { get: () => (last.epoch ? `${last.epoch}.${last.number}` : ""), passed });
    return it;
  }

  return {
    /** Whether one is followed. */
    get on() {
      return now !== null;
    },
    start() {
      now ??= begin();
    },
    stop() {
      now?.abort();
      next?.abort();
      now = next = null;
    },
    /** Asks again: query() says something else. */
    change() {
      if (!now) return;
      next?.abort();
      next = begin();
    },
  };
}
