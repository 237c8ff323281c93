"""`orch demo`: the main job on this machine, in a home that is thrown away, proved and not only shown."""
