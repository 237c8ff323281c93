"""`orch doctor`: one file a subject: a look at the world, a pure judgement of it, and where that is safe a mending.

A subject knows no other. `orchestrd_cli.doctor.examining` has them looked at side by side, each within its time.
"""
