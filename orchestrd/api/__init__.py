"""Floor 4, the HTTP face: one ASGI app over the Service port, and the server that shows it on the unix socket."""
