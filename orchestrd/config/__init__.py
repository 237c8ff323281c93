"""Configuration: layers of text become the values that hold, each with where it came from; nothing is read here.

`effective` folds layers, the nearest last, into an `Effective`: the configuration, every setting with its origin, what
is wrong with a file, line, cause and next command, and what was withheld from a repository that is not trusted. What is
wrong is never applied. `schema` gives the JSON Schema of a file, `KEYS` all there is to say of each key (what reference
pages are made of), `template` the commented file a user begins with. All are made from `orchestrd.model.settings`.
"""

from orchestrd.config.keys import KEYS, NAMED, SECTIONS, Key, key_of
from orchestrd.config.layers import Effective, effective
from orchestrd.config.reactions import packaged, reactions_of
from orchestrd.config.reading import Layer, is_variable
from orchestrd.config.schema import schema
from orchestrd.config.template import template
from orchestrd.config.writing import written

__all__ = [
    "KEYS",
    "NAMED",
    "SECTIONS",
    "Effective",
    "Key",
    "Layer",
    "effective",
    "is_variable",
    "key_of",
    "packaged",
    "reactions_of",
    "schema",
    "template",
    "written",
]
