"""The phone app: what runs in its worker, between Bluetooth and screen; ``serve/`` hands the app out.

One way for the data
--------------------
    page -> WebRadio -> Wearable (the link) -> Recording -> Session -> Monitor -> Hub, Viewer -> page

The link, the sessions of every wearable, the captures, the monitor and what a live page is sent are the
product's own; nothing is written a second time here. A :class:`~ecgedge.phone.companion.Companion` answers
the page's calls, a :class:`~ecgedge.phone.connection.Connection` is one wearable from its choice to its end,
``recordings.py`` keeps captures where a browser keeps files, ``replaying.py`` shows and lists them, and
``browser.py`` is the one place that knows how JavaScript passes values. JavaScript carries out what it is
asked, and knows no byte of any protocol.

The page's calls
----------------
Each is answered with its result, or with a sentence::

    start()                       -> {version, python, numpy, seconds}; loads the models
    chooser(everything=False)     -> what navigator.bluetooth.requestDevice takes
    explain(name, message)        -> a sentence for a DOMException of the page's own
    addProfile(text)              -> {name, fs}; a device that a TOML text describes, until the page is closed
    connect(name, record, extras) -> {name, recording}, once it measures; until disconnect()
    mark(text)                    marks this moment
    strip(start_s, seconds)       -> a stretch of signal as the live page takes it; null if not in memory
    now()                         the page was hidden: it is sent what is now
    recordings()                  -> [{name, bytes, start_unix_s, seconds, device, open, words}], newest first
    take(name), open(name, file)  -> the file; the name under which a file from elsewhere is kept
    events(name)                  -> what `ecgedge replay NAME --json` prints
    replay(name, speed)           shows it, times real time or as fast as it goes; until disconnect()
    remove(name), removeAll()

The page is sent what a live page is, see :mod:`ecgedge.sinks.web`: each stream begins with a ``hello`` of
its own. Two texts are the phone's: ``{type: "recording", name, words}`` when a recording begins (its name) or
ends (null; words where it ended by itself), and ``{type: "ended", words}`` when a connection or a replay is
over (words where it failed for good).

Rules of the room
-----------------
1. A notification is on the disk before anything of it is shown: what a person saw is in the recording.
2. Nothing keeps the event loop for longer than a window of the models takes.
3. Whatever goes wrong reaches the page as a sentence that ends with what to do.
"""
