"""Contract suites: what every adapter promises, to be inherited by the tests of whoever writes one.

They need pytest and hypothesis, which `pip install orchestrd[testing]` brings; nothing else of orchestrd imports them.
"""
