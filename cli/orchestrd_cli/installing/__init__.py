"""The daemon as a service of the system: what is written for it, how it is put there, taken away and asked."""
