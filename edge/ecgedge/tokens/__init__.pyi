# Written by `python tests/packaging/stubs.py` from the table in __init__.py.

from ecgedge.tokens.coding import Decoded as Decoded
from ecgedge.tokens.coding import decode as decode
from ecgedge.tokens.coding import encode as encode
from ecgedge.tokens.decoder import Fidelity as Fidelity
from ecgedge.tokens.model import WordModel as WordModel
from ecgedge.tokens.sentence import Sentence as Sentence
