"""ECG paper and charts as SVG text: pure functions, values in, ``str`` out.

The rules of the room:

1. One unit of a drawing is one millimetre of paper; width and height say so, so that print is to scale.
2. Every drawing is complete in itself, in the colours of print: they stand in attributes. A page that has
   ``style.CSS`` gets dark mode and may set colours of its own (``--ecg-NAME``): CSS goes before attributes.
3. No element has an id: any number of drawings fit into one page.
4. Nothing is told by colour alone: a beat has its letter, a rhythm its row, a refused stretch its hatching.
5. Points are bounded by the width of the paper, however long the recording.
"""
