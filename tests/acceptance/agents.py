"""Agents for acceptance tests: scripts of sh, each of which says with its first instruction that it has started."""

BEGIN = 'printf "%s\\n" "$ORCH_RUN" >>"$MARKS/$ORCH_SESSION"; '
NUDGE = (
    'printf "%s\\n" "$ORCH_SESSION" | dd oflag=nonblock conv=notrunc,nocreat of="$ORCH_HOME/run/nudge" 2>/dev/null; '
)


def report(word: str) -> str:
    """Say what the agent does, as a hook would: a fact, and a nudge."""
    return f"""printf '%s\\n' '{{"report":"{word}"}}' >>"$ORCH_RUN_DIR/hooks.jsonl"; """ + NUDGE


def ends_with(code: int) -> str:
    return BEGIN + f"exit {code}"


def dies_of(name: str) -> str:
    return BEGIN + f"ulimit -c 0; kill -{name} $$"


SLEEPS = BEGIN + "exec sleep 1000"
IGNORES_TERM = BEGIN + "trap '' TERM; sleep 1000; sleep 1000; sleep 1000"
LEAVES_A_CHILD = BEGIN + "(setsid sh -c 'trap \"\" TERM; exec sleep 1000' >/dev/null 2>&1 </dev/null &); exit 0"
ASKS = (
    BEGIN
    + report("waiting")
    + 'read -r line; printf "%s\\n" "$line" >>"$MARKS/$ORCH_SESSION.heard"; [ "$line" = go ]; exit $?'
)
# Tells of every signal it gets, and goes on.
STEADY = (
    BEGIN
    + "for name in TERM HUP INT QUIT USR1 USR2; do "
    + "trap \"printf '%s\\n' $name >>$MARKS/$ORCH_SESSION.touched\" $name; done; "
    + "sleep 1000 & wait; wait; wait; wait"
)


def chatters(rounds: int, text_chars: int = 400) -> str:
    """Say two things a round, as fast as they are taken in, each with a long text; then end well."""
    word = '{"report":"%s","text":"%0' + str(text_chars) + 'd"}\\n'
    return (
        BEGIN
        + f"""i=0; while [ $i -lt {rounds} ]; do """
        + f"""printf '{word}{word}' working $i waiting $i >>"$ORCH_RUN_DIR/hooks.jsonl"; """
        + f"""[ $((i % 20)) = 0 ] && {{ {NUDGE}sleep 0.02; }}; i=$((i + 1)); done; exit 0"""
    )


# ---- those that keep a diary, in $MARKS: what they have said (.said), heard (.lines), and their last act (.end) ------


def says(lines: int, *, pause_s: float = 0.0, diary_each: int = 1) -> str:
    """Say numbered lines, and write down the number of every so many that were said."""
    noted = f'[ $((i % {diary_each})) = 0 ] && printf "%s %d\\n" "$ORCH_RUN" $i >>"$MARKS/$ORCH_SESSION.said"; '
    pause = f"sleep {pause_s:.2f}; " if pause_s else ""
    return f'i=0; while [ $i -lt {lines} ]; do i=$((i+1)); printf "%s %d\\n" "$ORCH_RUN" $i; {noted}{pause}done; '


def last_act(word: str) -> str:
    """Write down what comes next."""
    return f'printf "%s %s\\n" "$ORCH_RUN" {word} >>"$MARKS/$ORCH_SESSION.end"; '


def exits(code: int) -> str:
    return last_act(str(code)) + f"exit {code}"


def falls(name: str) -> str:
    return "ulimit -c 0; " + last_act(f"SIG{name}") + f"kill -{name} $$; sleep 1000"


def hears(lines: int) -> str:
    """Wait for so many lines, one after the other, and write each down."""
    heard = 'read -r line; printf "%s\\n" "$line" >>"$MARKS/$ORCH_SESSION.lines"; '
    return f"j=0; while [ $j -lt {lines} ]; do j=$((j+1)); {report('waiting')}{heard}done; "


DEAF = "trap '' TERM HUP INT QUIT; "
# Children that outlive it: one that has left its session, and one that holds on to its terminal; neither obeys.
LEAVES_TWO = (
    "(setsid sh -c 'trap \"\" TERM HUP; exec sleep 1000' >/dev/null 2>&1 </dev/null &); "
    "(trap '' TERM HUP; exec sleep 1000) & "
)
