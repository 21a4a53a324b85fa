// The control port, as the page uses it: requests with the token of the run, and its stream of events.

import { createParser } from "eventsource-parser";

const KEPT = "homefleet-token";
const PATIENCE = 60e3; // for an answer
const SILENT = 10e3; // of a stream that has something to say every second

// The token comes in the fragment, which no server sees, and moves out of sight at once.
function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname + "#homes");
  }
  return sessionStorage.getItem(KEPT) ?? "";
}

const token = takeToken();
// An address that is pasted into a tab that has the page already changes nothing but the fragment.
addEventListener("hashchange", () => new URLSearchParams(location.hash.slice(1)).get("token") && (takeToken(), location.reload()));

/** A problem document (RFC 9457), or that nobody answers: then status is 0. */
export class Problem extends Error {
  constructor(status, detail, hint = "") {
    super(detail);
    this.status = status;
    this.hint = hint;
  }
}

async function ask(method, path, body) {
  const headers = { Authorization: "Bearer " + token };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const signal = AbortSignal.timeout(PATIENCE);
  const reply = await fetch(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => {
    throw new Problem(0, "the run does not answer");
  });
  if (reply.ok) return reply;
  const said = await reply.json().catch(() => ({}));
  throw new Problem(reply.status, said.detail ?? reply.statusText, said.hint);
}

export const get = (path) => ask("GET", path).then((r) => r.json());
export const post = (path, body = {}) => ask("POST", path, body).then((r) => r.json());
export const patch = (path, body) => ask("PATCH", path, body).then((r) => r.json());
export const remove = (path) => ask("DELETE", path).then((r) => r.json());

/**
 * Follows the events until the signal ends it: heard(type, data), state("live" or a Problem). It tries again for ever.
 * query is called for each try, which begins behind the event last.get(); last.passed(ID) is whether one is heard that has an ID.
 * Who says nothing for a while has gone, although no connection ended: a process that was stopped, a tunnel that hangs.
 */
export async function follow(query, heard, state, signal, last) {
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, 5000)) {
    const silent = new AbortController();
    let due = 0;
    const patient = () => {
      clearTimeout(due);
      due = setTimeout(() => silent.abort(), SILENT);
    };
    try {
      const headers = { Authorization: "Bearer " + token };
      const behind = last.get();
      if (behind) headers["Last-Event-ID"] = behind;
      patient();
      const reply = await fetch("/v1/events?" + query(), { headers, signal: AbortSignal.any([signal, silent.signal]) });
      if (!reply.ok) {
        const said = await reply.json().catch(() => ({}));
        throw new Problem(reply.status, said.detail ?? reply.statusText, said.hint);
      }
      state("live");
      wait = 500;
      const parser = createParser({
        onEvent(e) {
          if (!e.id || last.passed(e.id) || e.event === "hello") heard(e.event ?? "message", JSON.parse(e.data));
        },
      });
      const text = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await text.read();
        if (done) break;
        patient();
        parser.feed(value);
      }
      throw new Problem(0, "the stream of events has ended");
    } catch (e) {
      if (signal.aborted) return;
      if (!(e instanceof Problem || e instanceof TypeError || silent.signal.aborted)) console.error(e);
      state(e instanceof Problem ? e : new Problem(0, silent.signal.aborted ? `it has said nothing for ${SILENT / 1000} s` : "nobody answers at its address"));
      if (e.status === 401) return;
    } finally {
      clearTimeout(due);
    }
    await new Promise((done) => setTimeout(done, wait));
  }
}
