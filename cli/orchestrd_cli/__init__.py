"""The command `orch`: a thin face over `orchestrd.client`."""
