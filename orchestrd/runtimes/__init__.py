"""Where runs live: adapters of the port `Runtime`, one family of modules each."""
