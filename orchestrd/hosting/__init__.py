"""Hosting an agent without a terminal: a small program of ours runs it as its child and speaks its own protocol.

It stands between launcher and agent, and lives as long as the agent does; no daemon need be there. What it tells are no
guesses: the agent itself says when a turn begins and ends, and what it asks.

Only the standard library is imported here, and what of ours imports nothing else, all of it at the start: a host is
started with every hosted run, waits most of its life, and outlives the replacement of these files.
"""
