"""How often what the daemon says of an agent is true: real agents, a model that knows the truth, `make truth`.

A model on loopback stands in for the real one and follows a scenario; so it knows at each moment what its agent is
doing, and writes that down. A daemon drives the real agent in a real terminal and claims what it is doing; a subscriber
notes when each claim reaches it. The two are laid over each other. No figure is left out because it is a bad one.
"""
