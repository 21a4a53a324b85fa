"""Starts one run of homefleet for the suite, and gives each test the home as the scenario has it."""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import pytest

from phone import Phone

HOMEFLEET = os.environ.get("HOMEFLEET", "homefleet")
SCENARIO = pathlib.Path(__file__).parent.parent / "home.toml"


class Home:
    """What a test does to the devices: requests to the control port, which README.md of control lists."""

    def __init__(self, ready):
        self.broker = ready["broker"]
        self._url, self._token = ready["control"]["url"], ready["control"]["token"]

    def post(self, path, **body):
        request = urllib.request.Request(
            self._url + path,
            json.dumps(body).encode(),
            {"Authorization": "Bearer " + self._token, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def wait(self, device, **until):
        waited = self.post("/v1/wait", select={"id": device}, until=until, timeout="5s")
        assert waited["met"], waited


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    ready = tmp_path_factory.mktemp("homefleet") / "ready.json"
    process = subprocess.Popen(
        [HOMEFLEET, "run", SCENARIO, "-q", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-file", ready],
        stdout=subprocess.DEVNULL,
    )
    while not ready.exists():
        assert process.poll() is None, "homefleet ended before it was ready"
        time.sleep(0.01)
    yield Home(json.loads(ready.read_text()))
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0


@pytest.fixture
def home(run):
    run.post("/v1/actions/reset", select={"all": True})
    return run


@pytest.fixture
def phone(home):
    phone = Phone("anna", home.broker)
    yield phone
    phone.close()
