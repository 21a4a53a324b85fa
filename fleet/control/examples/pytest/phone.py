"""The app under test: a phone that switches lights by MQTT 5 requests, and shows what it knows of them."""

import itertools
import queue
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class NoAnswer(Exception):
    """Nobody answered a request, the last try included."""


class Phone:
    """One instance is one app; its methods may be called from several threads."""

    def __init__(self, name, broker, answer_within=0.5, tries=5):
        self.answers = f"phones/{name}/answers"
        self.answer_within = answer_within  # seconds for each try
        self.tries = tries
        self.sent = 0  # requests, repeats included
        self._numbers = itertools.count(1)
        self._waiting = {}  # Correlation Data -> where the answer goes
        self._shown = {}  # device -> "on", "off", "offline"
        self._news = threading.Condition()

        subscribed = threading.Event()
        self._client = mqtt.Client(name, protocol=mqtt.MQTTv5)
        self._client.on_message = self._heard
        self._client.on_subscribe = lambda *_: subscribed.set()
        host, port = broker.removeprefix("mqtt://").rsplit(":", 1)
        self._client.connect(host, int(port))
        self._client.subscribe([(self.answers, 1), ("state/+/power", 1), ("tele/+/lwt", 1)])
        self._client.loop_start()
        if not subscribed.wait(5):
            raise NoAnswer("the broker did not acknowledge the subscription")

    def switch(self, device, to):
        """Switches a light, asks again where no answer comes, and returns what the light says it is now."""
        return self.command(device, "power", to)

    def command(self, device, attribute, value):
        for _ in range(self.tries):
            # A new number each time: an answer that comes late must not be taken for that of the next try.
            correlation = next(self._numbers).to_bytes(4, "big")
            answer = self._waiting[correlation] = queue.Queue()
            properties = Properties(PacketTypes.PUBLISH)
            properties.ResponseTopic = self.answers
            properties.CorrelationData = correlation
            self._client.publish(f"cmnd/{device}/{attribute}", value, qos=1, properties=properties)
            self.sent += 1
            try:
                return answer.get(timeout=self.answer_within)
            except queue.Empty:
                continue
            finally:
                del self._waiting[correlation]
        raise NoAnswer(f"{device} did not answer {self.tries} requests")

    def shows(self, device):
        with self._news:
            return self._shown.get(device)

    def wait_until_it_shows(self, device, what, within=5):
        with self._news:
            return self._news.wait_for(lambda: self._shown.get(device) == what, within)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def _heard(self, _client, _userdata, message):
        payload = message.payload.decode(errors="replace")
        if message.topic == self.answers:
            waiting = self._waiting.get(getattr(message.properties, "CorrelationData", None))
            if waiting is not None:
                waiting.put(payload)
            return
        _, device, what = message.topic.split("/")
        with self._news:
            if what == "power":
                self._shown[device] = payload.lower()
            elif payload == "Offline":
                self._shown[device] = "offline"
            elif self._shown.get(device) == "offline":
                self._shown[device] = "online"
            self._news.notify_all()
