// The app under test: a phone that switches lights by MQTT 5 requests, and shows what it knows of them.

import { EventEmitter, once } from "node:events";
import mqtt from "mqtt";

export class Phone {
  #client;
  #answers;
  #number = 0;
  #waiting = new Map(); // Correlation Data -> who is told the answer
  #shown = new Map(); // device -> "on", "off", "online", "offline"
  #news = new EventEmitter();
  sent = 0; // requests, repeats included

  static async connect(name, broker, { answerWithin = 500, tries = 5 } = {}) {
    const phone = new Phone();
    phone.#answers = `phones/${name}/answers`;
    phone.answerWithin = answerWithin; // milliseconds for each try
    phone.tries = tries;
    phone.#client = await mqtt.connectAsync(broker, { clientId: name, protocolVersion: 5 });
    phone.#client.on("message", (topic, payload, packet) => phone.#heard(topic, payload.toString(), packet));
    await phone.#client.subscribeAsync([phone.#answers, "state/+/power", "tele/+/lwt"], { qos: 1 });
    return phone;
  }

  // Switches a light, asks again where no answer comes, and gives what the light says it is now.
  switch(device, to) {
    return this.command(device, "power", to);
  }

  async command(device, attribute, value) {
    for (let tries = 0; tries < this.tries; tries++) {
      // A new number each time: an answer that comes late must not be taken for that of the next try.
      const correlation = String(++this.#number);
      const answer = new Promise((resolve) => {
        this.#waiting.set(correlation, resolve);
        setTimeout(resolve, this.answerWithin, null);
      });
      await this.#client.publishAsync(`cmnd/${device}/${attribute}`, value, {
        qos: 1,
        properties: { responseTopic: this.#answers, correlationData: Buffer.from(correlation) },
      });
      this.sent++;
      const said = await answer;
      this.#waiting.delete(correlation);
      if (said !== null) return said;
    }
    throw new Error(`${device} did not answer ${this.tries} requests`);
  }

  async shows(device, what, within = 5000) {
    const signal = AbortSignal.timeout(within);
    while (this.#shown.get(device) !== what) await once(this.#news, "news", { signal });
  }

  close() {
    return this.#client.endAsync();
  }

  #heard(topic, payload, packet) {
    if (topic === this.#answers) {
      this.#waiting.get(packet.properties?.correlationData?.toString())?.(payload);
      return;
    }
    const [, device, what] = topic.split("/");
    if (what === "power") this.#shown.set(device, payload.toLowerCase());
    else if (payload === "Offline") this.#shown.set(device, "offline");
    else if (this.#shown.get(device) === "offline") this.#shown.set(device, "online");
    this.#news.emit("news");
  }
}
