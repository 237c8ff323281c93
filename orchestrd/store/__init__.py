"""The store: durable records and the journal, the inbox, and what belongs to sessions, as files of one home."""
