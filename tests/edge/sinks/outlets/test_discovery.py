"""What Home Assistant is told, against the rules of its own schema; and that it is there, retained.

The rules are those of Home Assistant itself, read in ``homeassistant/components/mqtt`` of its repository
(2024 to 2026): ``schemas.py`` (device, origin, availability), ``sensor.py`` (``_PLATFORM_SCHEMA_BASE`` and
``validate_sensor_state_and_device_class_config``), ``binary_sensor.py``, ``config.py`` (``MQTT_RO_SCHEMA``: a
state topic is required) and ``discovery.py`` (``TOPIC_MATCHER``). Its package cannot be a test's dependency:
it brings some hundred others.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from broker import Broker, Listener, needs_mosquitto

from ecgedge.events import LinkState, Quality
from ecgedge.sinks.outlets.discovery import RHYTHM_STATES, discovery, slug
from ecgedge.sinks.outlets.mqtt import _figures
from ecgedge.sinks.registry import open_outlet
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import STATES

# discovery.py: <prefix>/<component>/[<node>/]<object>/config
TOPIC = re.compile(r"(?P<component>\w+)/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config")
COMMON = {
    "unique_id", "name", "icon", "device", "origin", "availability", "availability_mode",
    "entity_category", "enabled_by_default", "state_topic", "value_template", "qos", "encoding",
    "json_attributes_topic", "json_attributes_template", "object_id", "device_class", "expire_after",
    "force_update",
}  # fmt: skip
OWN = {
    "sensor": {"options", "state_class", "unit_of_measurement", "suggested_display_precision"},
    "binary_sensor": {"payload_on", "payload_off", "off_delay"},
}
DEVICE_CLASSES = {"sensor": {"enum", "battery"}, "binary_sensor": {"connectivity", "problem"}}
UNITS = {"battery": {"%"}}  # sensor.const.DEVICE_CLASS_UNITS
DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "serial_number",
    "sw_version", "via_device", "suggested_area", "configuration_url",
}  # fmt: skip


def is_topic(text: Any) -> bool:
    """valid_subscribe_topic, without wildcards."""
    return isinstance(text, str) and 0 < len(text.encode()) < 65_536 and not set(text) & set("+#\0")


def check(component: str, config: dict[str, Any]) -> None:
    assert not config.keys() - COMMON - OWN[component]
    assert is_topic(config["state_topic"])  # vol.Required in MQTT_RO_SCHEMA
    # Without a unique_id an entity is of no device: discovery's async_setup_entry_helper.
    assert isinstance(config["unique_id"], str)
    device = config["device"]
    assert not device.keys() - DEVICE
    assert device.get("identifiers") or device.get("connections")
    assert all(isinstance(one, str) for one in device["identifiers"])
    assert not config["origin"].keys() - {"name", "sw_version", "support_url"}
    assert isinstance(config["origin"]["name"], str)  # vol.Required
    assert config["availability_mode"] in ("all", "any", "latest")
    for one in config["availability"]:
        assert is_topic(one["topic"])
        assert not one.keys() - {"topic", "payload_available", "payload_not_available", "value_template"}
    assert config.get("entity_category") in (None, "diagnostic", "config")
    assert re.fullmatch(r"[a-z]+:[a-z0-9-]+", config.get("icon", "mdi:x"))  # cv.icon
    assert isinstance(config.get("expire_after", 1), int)
    assert config.get("expire_after", 1) > 0
    device_class = config.get("device_class")
    assert device_class is None or device_class in DEVICE_CLASSES[component]
    if component == "sensor":
        if (options := config.get("options")) is not None:
            assert options
            assert device_class == "enum"
            assert "state_class" not in config
            assert "unit_of_measurement" not in config
        assert config.get("unit_of_measurement") in UNITS.get(
            device_class, {config.get("unit_of_measurement")}
        )
        assert config.get("state_class") in (None, "measurement", "total", "total_increasing")


def test_every_message_follows_its_schema() -> None:
    seen = {}
    for topic, message in discovery("ward/bed 1", "Bett 1 ü", "1.0"):
        match = TOPIC.fullmatch(topic.removeprefix("homeassistant/"))
        assert match is not None
        check(match["component"], config := json.loads(message))
        assert config["state_topic"] == f"ward/bed 1/{match['object']}"
        seen[match["object"]] = (match["component"], config["unique_id"])
    assert {name: component for name, (component, _) in seen.items()} == {
        "heart_rate": "sensor",
        "rhythm": "sensor",
        "battery": "sensor",
        "link": "binary_sensor",
    }
    assert len({unique for _, unique in seen.values()}) == 4


def test_two_wearables_are_two_devices() -> None:
    ids = {
        json.loads(message)["unique_id"]
        for base in ("ecgedge/a", "ecgedge/b")
        for _, message in discovery(base, "x", "1.0")
    }
    assert len(ids) == 8
    assert slug("Ä+#/") == "wearable"


def test_what_is_sent_is_among_what_was_announced(items: list[Item]) -> None:
    noise = Quality(0, 0.0, 1300, 10.0, False, 0.01)
    sent = {topic: text for item in [*items, noise] for topic, text in _figures(item)}
    config = {topic.split("/")[-2]: json.loads(message) for topic, message in discovery("b", "x", "1")}
    assert set(sent) == set(config)
    assert set(config["rhythm"]["options"]) == set(RHYTHM_STATES)
    assert sent["rhythm"] in RHYTHM_STATES
    assert float(sent["heart_rate"])
    assert "streaming" in STATES  # the state that the templates ask for
    assert dict(_figures(LinkState(0, 0.0, "streaming"))) == {"link": "streaming"}


@needs_mosquitto
def test_a_broker_keeps_it_for_a_home_assistant_that_starts_later(tmp_path: Path, items: list[Item]) -> None:
    broker = Broker(tmp_path)
    try:
        for options, count in (("", 4), ("?discovery=", 0)):
            sink = open_outlet(
                f"mqtt://127.0.0.1:{broker.port}/bed{count}{options}", device="Polar H10 A1", tell=print
            )
            sink.take(items)
            time.sleep(0.3)
            sink.close()
            assert sink.missed == 0
            home = Listener(broker.port, f"homeassistant/+/bed{count}/#")
            time.sleep(0.3)
            home.close()
            assert len(home.got) == count
            for topic, text, retained in home.got:
                assert retained
                check(topic.split("/")[1], json.loads(text))
    finally:
        broker.stop()
