"""Shell completion: a short script for each shell, which asks `orch __complete` at every Tab.

The scripts know nothing but how their shell wants to be told, so they outlive upgrades. What can be typed next is
answered here, without typer: the grammar is a table that is made from typer's own (`table.py`; a test holds the two
equal), and sessions are asked of the daemon, which gives them ready, as its words say.
"""
