"""The page's radio, a module by itself, before a device that does what Web Bluetooth's specification says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from devtools import Browser, Page
from page_site import Site

# A device with two services; operations take as long as the test says, and only one may be under way.
DEVICE = """
class Characteristic extends EventTarget {
    constructor(device, uuid, ...can) {
        super();
        Object.assign(this, {device, uuid, value: null});
        this.properties = Object.fromEntries(can.map(name => [name, true]));
    }
    send(...bytes) {
        this.value = new DataView(Uint8Array.from([0, ...bytes, 0]).buffer, 1, bytes.length);
        this.dispatchEvent(new Event('characteristicvaluechanged'));
    }
    readValue() {
        return this.device.does(`read ${this.uuid}`, () => {
            this.send(7, 8);
            return this.value;
        });
    }
    startNotifications() { return this.device.does(`start ${this.uuid}`); }
    stopNotifications() { return this.device.does(`stop ${this.uuid}`); }
    writeValueWithResponse(data) { return this.device.does(`write ${this.uuid} ${data}`); }
    writeValueWithoutResponse(data) { return this.device.does(`command ${this.uuid} ${data}`); }
}
class Device extends EventTarget {
    constructor() {
        super();
        Object.assign(this, {name: 'strap', log: [], waits: 0, running: null, slow: () => 1});
        this.ecg = new Characteristic(this, 'ecg', 'notify');
        const can = ['read', 'write', 'writeWithoutResponse', 'indicate'];
        this.control = new Characteristic(this, 'control', ...can);
        const none = () => Promise.reject(new DOMException('none', 'NotFoundError'));
        const services = [
            {uuid: 'one', getCharacteristics: async () => [this.ecg, this.control]},
            {uuid: 'none', getCharacteristics: none},
        ];
        this.gatt = {
            connected: false,
            connect: () => this.does('connect', () => {
                this.gatt.connected = true;
                return {getPrimaryServices: async () => services};
            }),
            disconnect: () => {
                this.log.push('disconnect');
                this.running?.reject(new DOMException('gone', 'NetworkError'));
                if (this.gatt.connected) this.gone();
            },
        };
    }
    gone() {
        this.gatt.connected = false;
        this.dispatchEvent(new Event('gattserverdisconnected'));
    }
    does(what, then = () => {}) {
        if (this.running) throw new DOMException('GATT operation already in progress.', 'NetworkError');
        this.log.push(what);
        return new Promise((resolve, reject) => {
            this.running = {reject};
            const end = this.fails?.[what];
            const done = () => end ? reject(new DOMException(end, 'NotSupportedError')) : resolve(then());
            setTimeout(done, this.slow(what));
        }).finally(() => this.running = null);
    }
}
const device = new Device(), told = [], answers = new Map();
const bluetooth = {requestDevice: async () => device};
Object.defineProperty(navigator, 'bluetooth', {configurable: true, value: bluetooth});
const radio = new it.Radio(message => {
    if ('answer' in message) answers.get(message.answer)(message);
    told.push('data' in message ? {...message, data: [...message.data]} : message);
});
let last = 0;
const ask = (what, given = {}) => new Promise(done => {
    answers.set(++last, ({result, error, name}) =>
        done(error === undefined ? result instanceof Uint8Array ? [...result] : result : {error, name}));
    radio.take({ask: last, do: what, ...given});
});
await radio.choose({});
"""


@pytest.fixture(scope="module")
def run(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Runs code with the radio, and returns what it returns."""
    folder: Path = tmp_path_factory.mktemp("radio")
    page = Page(browser)
    with Site(folder).serving() as url:
        page.open(f"{url}manifest.webmanifest")
        yield lambda code: page.evaluate(f"import('/page/bluetooth.js').then(async it => {{{DEVICE}{code}}})")
    page.close()


def test_a_connection_tells_what_there_is_in_the_names_of_the_link(run: Callable[[str], Any]) -> None:
    assert run("return await ask('connect');") == [
        {
            "uuid": "one",
            "characteristics": [
                {"uuid": "ecg", "properties": ["notify"]},
                {"uuid": "control", "properties": ["read", "write-without-response", "write", "indicate"]},
            ],
        },
        {"uuid": "none", "characteristics": []},
    ]


def test_one_operation_at_a_time_in_the_order_in_which_they_were_asked(run: Callable[[str], Any]) -> None:
    code = """device.slow = what => what.startsWith('write') ? 30 : 1;
    const uuid = 'control';
    await Promise.all([ask('connect'), ask('write', {uuid, data: Uint8Array.of(1, 2), response: true}),
        ask('read', {uuid}), ask('write', {uuid, data: Uint8Array.of(3), response: false}),
        ask('subscribe', {uuid: 'ecg'})]);
    return device.log;"""
    assert run(code) == ["connect", "write control 1,2", "read control", "command control 3", "start ecg"]


def test_what_fails_is_told_and_the_next_goes_on(run: Callable[[str], Any]) -> None:
    code = """device.fails = {'write control 1': 'Not today.'};
    await ask('connect');
    return await Promise.all([ask('write', {uuid: 'control', data: Uint8Array.of(1), response: true}),
        ask('read', {uuid: 'nothing'}), ask('dance'), ask('read', {uuid: 'control'})]);"""
    failed, missing, unknown, read = run(code)
    assert failed == {"error": "Not today.", "name": "NotSupportedError"}
    assert missing["name"] == "NotFoundError"
    assert "nothing" in missing["error"]
    assert "dance" in unknown["error"]
    assert read == [7, 8]


def test_values_come_in_order_each_a_copy(run: Callable[[str], Any]) -> None:
    code = """await ask('connect');
    await ask('subscribe', {uuid: 'ecg'});
    await ask('subscribe', {uuid: 'ecg'});
    for (let i = 0; i < 1000; i++) device.ecg.send(i % 256, 9);
    await ask('unsubscribe', {uuid: 'ecg'});
    device.ecg.send(1);
    return told.filter(m => 'notified' in m);"""
    found = run(code)
    assert [message["data"] for message in found] == [[i % 256, 9] for i in range(1000)]


def test_a_value_that_was_read_is_no_notification(run: Callable[[str], Any]) -> None:
    """The event is the same; what is notified while a read is under way comes before its answer."""
    code = """device.slow = what => what.startsWith('read') ? 30 : 1;
    await ask('connect');
    await ask('subscribe', {uuid: 'control'});
    const read = ask('read', {uuid: 'control'});
    await new Promise(done => setTimeout(done, 10));
    device.control.send(1);
    device.control.send(7, 8);
    await read;
    device.control.send(2);
    return told.slice(2).map(m => m.data ?? m.result.length);"""
    assert run(code) == [[1], [7, 8], 2, [2]]


def test_a_value_notified_while_a_read_fails_is_kept(run: Callable[[str], Any]) -> None:
    code = """device.slow = what => what.startsWith('read') ? 30 : 1;
    device.fails = {'read control': 'Not today.'};
    await ask('connect');
    await ask('subscribe', {uuid: 'control'});
    const read = ask('read', {uuid: 'control'});
    await new Promise(done => setTimeout(done, 10));
    device.control.send(1);
    const answer = await read;
    return [answer.error, told.filter(m => 'notified' in m).map(m => m.data)];"""
    assert run(code) == ["Not today.", [[1]]]


def test_a_connection_that_is_lost_is_told_and_can_be_made_again(run: Callable[[str], Any]) -> None:
    code = """await ask('connect');
    await ask('subscribe', {uuid: 'ecg'});
    device.ecg.send(1);
    device.gone();
    device.ecg.send(2);  // of a connection that is no more
    const lost = await ask('read', {uuid: 'control'});
    await ask('connect');
    await ask('subscribe', {uuid: 'ecg'});
    device.ecg.send(3);
    return [lost.name, told.filter(m => !('answer' in m)).map(m => m.disconnected ? 'lost' : m.data)];"""
    assert run(code) == ["NotFoundError", [[1], "lost", [3]]]


def test_to_disconnect_ends_a_connection_that_does_not_come_about(run: Callable[[str], Any]) -> None:
    code = """device.slow = () => 100000;
    const connecting = ask('connect');
    await new Promise(done => setTimeout(done, 10));
    return await Promise.all([connecting, ask('disconnect')]);"""
    connecting, disconnected = run(code)
    assert connecting == {"error": "gone", "name": "NetworkError"}
    assert disconnected is None


def test_a_failed_subscription_leaves_nothing_behind(run: Callable[[str], Any]) -> None:
    code = """device.fails = {'start ecg': 'Not supported.'};
    await ask('connect');
    const answer = await ask('subscribe', {uuid: 'ecg'});
    device.ecg.send(1);
    device.fails = {};
    await ask('subscribe', {uuid: 'ecg'});
    device.ecg.send(2);
    return [answer.error, told.filter(m => 'notified' in m).map(m => m.data)];"""
    assert run(code) == ["Not supported.", [[2]]]
