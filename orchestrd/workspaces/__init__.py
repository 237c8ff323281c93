"""The directories that runs work in: how each kind is made and kept, one file each."""
