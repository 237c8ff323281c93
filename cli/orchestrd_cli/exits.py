"""The one table of exit codes. It imports nothing, so that the fast path can read it for free."""

OK = 0
FAILED = 1  # it did not work; what was waited for failed, was cancelled, or ended too early
USAGE = 2  # the command line makes no sense
NOT_FOUND = 3
REFUSED = 4  # there, but not in a state that allows it; or taken by somebody else
UNREACHABLE = 5  # no daemon answers
TIMED_OUT = 6
INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT, as every shell has it
PIPE_CLOSED = 141  # the reader went away: 128 + SIGPIPE
