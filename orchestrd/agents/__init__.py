"""The programs driven: what is known of each agent's command line, one file each. Pure knowledge, no I/O."""
