"""Forges, where changes are proposed, checked, reviewed and merged: adapters of the port `Forge`, one family each."""
