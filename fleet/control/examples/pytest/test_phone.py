"""Four things that go wrong in apps, and that need a device to go wrong first."""

import threading

from phone import Phone


def test_switch(home, phone):
    assert phone.switch("porch", "ON") == "ON"
    home.wait("porch", values={"power": "ON"})
    assert phone.wait_until_it_shows("porch", "on")


def test_device_dies_and_the_app_shows_it(home, phone):
    home.post("/v1/actions/kill", select={"id": "porch"}, way="cut")
    assert phone.wait_until_it_shows("porch", "offline")

    home.post("/v1/actions/revive", select={"id": "porch"})
    assert phone.wait_until_it_shows("porch", "online")
    assert phone.switch("porch", "ON") == "ON"


def test_answer_lost_and_the_app_asks_again(home, phone):
    home.post("/v1/actions/misbehave", select={"id": "porch"}, drop="100%")
    said = []
    asking = threading.Thread(target=lambda: said.append(phone.switch("porch", "ON")))
    asking.start()
    home.wait("porch", values={"power": "ON"})  # it has obeyed, and does not say so
    home.post("/v1/actions/behave", select={"id": "porch"})
    asking.join(10)

    assert said == ["ON"]
    assert phone.sent > 1


def test_two_apps_at_once(home, phone):
    other = Phone("ben", home.broker)
    try:
        said = {}

        def dims(app, level):
            said[level] = [app.command("hall", "brightness", str(level)) for _ in range(50)]

        both = [threading.Thread(target=dims, args=(app, level)) for app, level in ((phone, 40), (other, 60))]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(20)
        # Whose answer it is, Response Topic and Correlation Data say; the last value is not the point.
        assert said == {40: ["40"] * 50, 60: ["60"] * 50}
    finally:
        other.close()
