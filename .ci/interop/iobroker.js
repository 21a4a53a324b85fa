"use strict";
// What the judges of ioBroker's adapters share: an adapter's world without an ioBroker. Objects
// and states are kept in memory; a state that is set without "ack" is a command, and the
// adapter hears of it. What the adapter warns of is a fault of who it heard.
const { EventEmitter } = require("events");
const { spawn } = require("child_process");
const { createServer } = require("net");

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const until = async (holds, ms) => {
  for (const end = Date.now() + ms; Date.now() < end; await wait(50)) if (holds()) return true;
  return holds();
};

class Adapter extends EventEmitter {
  constructor(options) {
    super();
    this.name = options.name;
    this.instance = 0;
    this.namespace = options.name + ".0";
    this.config = options.config ?? {};
    this.objects = new Map();
    this.states = new Map();
    this.faults = [];
    const complain = (text) => {
      const words = text instanceof Error ? text.stack : String(text);
      if (!Adapter.expected?.(words)) this.faults.push(`${this.name}: ${words}`);
    };
    this.log = { debug: () => {}, silly: () => {}, info: () => {}, warn: complain, error: complain, level: "info" };
    for (const name of Object.getOwnPropertyNames(Adapter.prototype)) {
      if (/^(get|set|del|extend|subscribe|unsubscribe)/.test(name) && !name.endsWith("Async")) this[name + "Async"] ??= this[name].bind(this);
    }
  }
  full(id) {
    return id.startsWith(this.namespace + ".") ? id : `${this.namespace}.${id}`;
  }
  answer(value, callback) {
    if (typeof callback === "function") callback(null, value);
    return Promise.resolve(value);
  }
  getObject(id, callback) { return this.answer(this.objects.get(this.full(id)) ?? null, callback); }
  getForeignObject(id, callback) { return this.getObject(id, callback); }
  getForeignObjects(pattern, callback) { return this.answer(Object.fromEntries(this.like(pattern, this.objects)), callback); }
  getDevices(callback) { return this.answer([...this.objects].filter(([, o]) => o.type === "device").map(([_id, o]) => ({ _id, ...o })), callback); }
  getAdapterObjects(callback) { return this.answer(Object.fromEntries(this.objects), callback); }
  getState(id, callback) { return this.answer(this.states.get(this.full(id)) ?? null, callback); }
  getForeignState(id, callback) { return this.getState(id, callback); }
  getStates(pattern, callback) {
    return this.answer(Object.fromEntries(this.like(pattern, this.states)), callback);
  }
  like(pattern, of) {
    const wanted = new RegExp("^" + this.full(pattern).replace(/\./g, "\\.").replace(/\*/g, ".*") + "$");
    return [...of].filter(([id]) => wanted.test(id));
  }
  setObject(id, object, callback) {
    this.objects.set(this.full(id), object);
    return this.answer(null, callback);
  }
  setForeignObject(id, object, callback) { return this.setObject(id, object, callback); }
  setObjectNotExists(id, object, callback) { return this.objects.has(this.full(id)) ? this.answer(null, callback) : this.setObject(id, object, callback); }
  extendObject(id, object, callback) {
    const old = this.objects.get(this.full(id)) ?? {};
    return this.setObject(id, { ...old, ...object, common: { ...old.common, ...object.common } }, callback);
  }
  delObject(id, callback) {
    this.objects.delete(this.full(id));
    return this.answer(null, callback);
  }
  delForeignObject(id, callback) { return this.delObject(id, callback); }
  setState(id, value, ack, callback) {
    const state = value !== null && typeof value === "object" && "val" in value ? { ...value } : { val: value };
    state.ack ??= ack === true;
    this.states.set(this.full(id), state);
    if (!state.ack) setImmediate(() => this.emit("stateChange", this.full(id), { ...state }));
    return this.answer(null, typeof ack === "function" ? ack : callback);
  }
  setForeignState(id, value, ack, callback) { return this.setState(id, value, ack, callback); }
  setStateChanged(id, value, ack, callback) { return this.setState(id, value, ack, callback); }
  subscribeStates() { return Promise.resolve(); }
  unsubscribeStates() { return Promise.resolve(); }
  setTimeout(f, ms, ...rest) { return setTimeout(f, ms, ...rest); }
  clearTimeout(t) { clearTimeout(t); }
  setInterval(f, ms, ...rest) { return setInterval(f, ms, ...rest); }
  clearInterval(t) { clearInterval(t); }
  delay(ms) { return wait(ms); }
  sendTo() {}
  // value is that of a state, and undefined if there is none.
  value(id) { return this.states.get(this.full(id))?.val; }
  // command is what a user does.
  command(id, value) { return this.setState(id, value, false); }
  // check holds all states against what the adapter says of them.
  check(skip = () => false) {
    for (const [id, { val }] of this.states) {
      const common = this.objects.get(id)?.common;
      if (!common || val === null || val === undefined || skip(id)) continue;
      if (common.type && common.type !== "mixed" && common.type !== typeof val || Number.isNaN(val)) this.faults.push(`${id} is ${JSON.stringify(val)}; want a ${common.type}`);
      if (val < common.min || val > common.max) this.faults.push(`${id} is ${val}, beyond ${common.min} to ${common.max}`);
      if (common.states && typeof common.states === "object" && !Array.isArray(common.states) && !(val in common.states)) this.faults.push(`${id} is ${JSON.stringify(val)}, none of ${Object.keys(common.states)}`);
    }
  }
}

// homefleet starts the program; stop ends it in order, as Ctrl-C does, and kill as a power cut.
function homefleet(program, ...args) {
  const run = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
  const ended = new Promise((done) => run.on("exit", done));
  return { ended, stop: () => (run.kill("SIGINT"), ended), kill: () => (run.kill("SIGKILL"), ended) };
}

// free is a port that nobody has.
const free = () => new Promise((done) => {
  const s = createServer().listen(0, "127.0.0.1", () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});

// verdict prints what was found, and ends the process.
function verdict(faults, well) {
  for (const text of faults) console.error("fault: " + text);
  console.log(faults.length ? `${faults.length} faults` : well);
  process.exit(faults.length ? 1 : 0);
}

module.exports = { Adapter, free, homefleet, until, verdict, wait };
