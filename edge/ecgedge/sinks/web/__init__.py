"""The live page: ``run --web``, ``demo --web``, ``replay --web``.

One way for the data
--------------------
    stream -> Queued -> Wearable (state, kept signal, timeline)  <-  Viewer (cursors)  ->  WebSocket -> page

A :class:`~ecgedge.sinks.web.wearable.Wearable` is a sink and knows no viewer. A
:class:`~ecgedge.sinks.web.viewer.Viewer` holds nothing but how far it has read, and asks the wearable for
what came since, thirty times a second at most: a slow one bounds itself, and one that is stuck costs
nothing. The server runs in a thread of its own.
"""
