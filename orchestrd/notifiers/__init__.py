"""The ways to reach a person: adapters of the port `Notifier`, one kind each."""
