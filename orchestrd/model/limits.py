"""Every bound of the system in one place; units stand last in the names.

A list, queue, loop or wait that is not bounded by one of these is a defect. What happens at a bound is said where the
bound is used. This module imports nothing, so that the fast paths of the command line can read it for free.
"""

# Sessions and what they carry
NAME_CHARS_MAX = 64
PROMPT_HEAD_CHARS = 2_000  # the record holds this much of a prompt; the whole of it stands in prompts/<id>
PROMPT_BYTES_MAX = 16 * 1024 * 1024
ARGV_BYTES_MAX = 128 * 1024  # one argument beyond 131,071 bytes is E2BIG to the kernel
MESSAGE_BYTES_MAX = 1024 * 1024  # one `send`
MESSAGE_KEPT_BYTES_MAX = 64 * 1024  # in the record until it is settled; a larger one stands in messages/ meanwhile
KEY_CHARS_MAX = 128  # of the key of a message
COMMAND_CHARS_MAX = 500  # of a command of an agent's own, which is typed key by key
MESSAGES_MAX = 32  # unsettled messages of a session; one more is refused
SETTLED_MAX = 64  # settled messages a record remembers: a key that is used again is known that long
REPORT_TEXT_CHARS_MAX = 500  # of a report's text; the rest stays in hooks.jsonl
EXCERPT_CHARS_MAX = 500
SCREEN_BYTES_MAX = 8 * 1024  # end of the output that goes into the event of a failed launch
ERROR_CHARS_MAX = 1_000
ENVIRONMENT_BYTES_MAX = 512 * 1024  # names and values of a session's environment
PATH_BYTES_MAX = 4_095  # what the kernel takes
NONCE_CHARS_MAX = 64
ALLOW_RULES_MAX = 64
ALLOW_RULE_CHARS_MAX = 1_000
DECISION_TEXT_CHARS_MAX = 4_000  # of what is asked: whoever allows a command is shown it
CHOICES_MAX = 12  # of a decision; one with more is answered at its terminal only
CHOICE_LABEL_CHARS_MAX = 200
REPLY_BYTES_MAX = 16 * 1024  # of one choice; the line, with its text, fits into a pipe that nobody has read yet
ANSWER_TEXT_BYTES_MAX = 4_000  # of a text that goes along with an answer
ASKED_MAX = 8  # decisions that an agent waits for at once, of which one after the other is told

# Evidence
DEAD_SAMPLES = 3  # consecutive, of one observer that has seen this generation alive
DEAD_SPAN_S = 10.0  # at least this long from the first of them to the last
WITNESSES_MAX = 8
WITNESS_LAG_S = 1.0  # two witnesses of one edge tell of it within this time of each other
# After news of one witness the others are looked at again this soon, and once more, for they may have been late.
WITNESS_SETTLE_S = (0.1, 0.35)
WORKING_TRUSTED_S = 3_600.0  # a turn that was only heard to begin counts as under way for this long
PROMPT_TAKEN_S = 10.0  # an agent that was started with a prompt takes it within this time; it does not wait before that
LIMIT_TRUSTED_S = 3_600.0  # a usage limit that was heard of counts for this long; then whoever waits is told again
LIMIT_S_MIN = 60.0  # a limit that is told to end sooner is taken to end then: their clocks and ours differ
LIMIT_S_MAX = 35 * 24 * 3_600.0  # a month and some days; what is told to last longer is not believed
LIMIT_LATE_S = 600.0  # a clock time that has passed by no more than this is meant, and not that of the next day
TEXT_OF_LIMIT_CHARS_MAX = 2_000  # of what an agent says of its limit
STUCK_AFTER_S = 900.0  # an agent that works without any progress for this long is told of as stuck
STUCK_AFTER_S_MAX = 366 * 24 * 3_600.0
HEARD_PROMPTS_MAX = 4  # prompts that an agent was seen to take, kept to confirm what was sent
BREAKER_SESSIONS_MIN = 5  # sampled in one pass of a runtime; more than half of them turned dead sets the pass aside

# What agents are told and what they write down
PROMPT_ARGUMENT_BYTES_MAX = (
    100_000  # a larger prompt is typed; one argument beyond 131,071 bytes is E2BIG to the kernel
)
HOOK_PAYLOAD_BYTES_MAX = 400_000  # of what a hook is told; its line then fits below HOOK_LINE_BYTES_MAX
HOOK_SECONDS_MAX = 5  # a hook that takes longer is ended by the agent it belongs to
SPENT_REMEMBERED_MAX = 8  # messages whose cost may be told of again
TOKENS_MAX = 10**12  # of one message: a larger number is not one of tokens
HELD_HOOK_SECONDS_MAX = 7 * 24 * 3_600  # one that waits for an answer; whoever asks goes on showing its dialog then
TOLD_CHARS_MAX = 300  # of a command, a question or an answer, where a row or a line tells of it
CONVERSATION_ENTRY_CHARS_MAX = 20_000  # of one prompt or answer, where a conversation is told
CONVERSATION_CALLS_MAX = 256  # tool calls without a result that are remembered meanwhile
GATHER_S = 1.0  # the agents' own files are given this long to be read in one look
STATE_BYTES_MAX = 64 * 1024  # a larger state file is not one
TRANSCRIPT_READ_BYTES_MAX = 512 * 1024  # of a transcript in one look: only its end, where more of it is new
TRANSCRIPT_FOLDERS_MAX = 4_096  # looked through for a transcript

# Deadlines
START_DEADLINE_S = 30.0
CONTACT_LOST_S = 60.0
GRACE_S = 10.0
GRACE_S_MAX = 3_600.0
KILLS_MAX = 3  # failed kills before the session is lost
KILL_RETRY_S = 2.0
KILL_RETRY_LOST_S = 60.0
LAUNCHER_SWEEP_S = 5.0  # a launcher waits this long for what its agent left behind before it says so
KILL_SWEEP_S = 5.0  # one kill looks for survivors this long
KILL_LOOK_S_MIN = 0.01  # between two looks of a kill, doubled each time ...
KILL_LOOK_S_MAX = 0.1  # ... up to this
LAUNCHER_RECORD_S = 3.0  # of which the launcher is spared this long, so that it can record the end

# Engine
TICK_S = 5.0
TICK_S_MIN = 0.05
TICK_S_MAX = 3_600.0
NUDGED_LOOK_PAUSE_S_MIN = 0.001  # between two early looks at the runs of one runtime, doubled while nudges come ...
NUDGED_LOOK_PAUSE_S_MAX = 0.01  # ... up to this, however often it is nudged
PROBE_DEADLINE_S = 4.0
WORKSPACE_LOOK_S = 4.0  # a directory that does not answer by then keeps a launch from happening
MAX_RUNNING = 10  # of the one lane `default`
MAILBOX_INPUTS_MAX = 256
ACTOR_MESSAGES_MAX = 16_384  # one more is told to try again
ACTOR_STOP_S = 30.0  # after it an actor that will not stop is left behind
BATCH_COMMITS_MAX = 256
SUBSCRIBER_EVENTS_MAX = 1_024
DRAIN_S = 5.0  # a graceful stop waits this long for what is under way in each part
KILL_DEADLINE_S = 30.0  # one sweep, or one request to end
RESULT_RETRY_S = 1.0  # between attempts to record what became of an effect
DELIVERY_S = 9.0  # `send` waits this long for its receipt
TYPING_S = 4.0  # and a runtime is given this long to type, so that what became of it is known by then
DRAFT_LOOK_S = 1.0  # before that, its screen is waited for this long, to see if a person has begun to type there
CONFIRM_S = 3.0  # and its agent this long to be seen taking it, ...
CONFIRM_ENTER_S = 1.0  # ... of which after this much Enter is pressed once more, where the agent still waits
CONFIRM_LOOK_S = 0.05  # and it is looked at this often meanwhile
ANSWER_CONFIRM_S = 4.0  # an agent that was answered has this long to be seen to wait for that no more
READ_CONFIRM_S = 1.0  # and this long for the program to take the line out of its FIFO ...
READ_CONFIRM_LOOK_S_MIN = 0.001  # ... which it looks at this soon, for the program may end right after it, ...
READ_CONFIRM_LOOK_S_MAX = 0.02  # ... and then less and less often, down to this
STDIN_PIPE_BYTES = 256 * 1024  # that FIFO: a message that a record holds fits behind others not read yet

# Hosts of agents
HOST_LINE_BYTES_MAX = 64 * 1024 * 1024  # of what an agent says; a longer line is left out
HOST_FACTS_MAX = 1_024  # that wait for a disk that is full; then the oldest are lost
HOST_RETRY_S = 1.0  # between attempts to write them
HOST_KEPT_S = 0.05  # between looks at an agent's disk for a conversation that is not kept there yet, ...
HOST_KEPT_LOOKS = 200  # ... of which there are this many behind the last thing that it said
HOST_END_TERM_S = 2.0  # an agent whose input has ended has this long to end, before it gets TERM, ...
HOST_END_KILL_S = 5.0  # ... and this long before it is killed: within the grace that a stop gives by itself

# Terminals
TERMINAL_COLUMNS = 220
TERMINAL_ROWS = 50
TERMINAL_LINE_BYTES_MAX = 4_095  # of a line that is not ended yet, which Linux keeps of it in canonical mode
TERMINAL_HISTORY_LINES = 5_000  # to scroll back in a terminal; the log has the rest
TMUX_ANSWER_S = 1.0  # a tmux server is given this long for an answer, ...
TMUX_LAUNCH_S = 5.0  # and this long for a new session; ...
TMUX_DEAF_S = 1.0  # one that gave none is not asked again for this long
TMUX_LIST_PAUSE_S = 0.1  # between two lists of its panes, where each costs a process of tmux
TMUX_RETRY_S_MIN = 0.5  # between attempts to follow a tmux server, doubled with each failure ...
TMUX_RETRY_S_MAX = 30.0  # ... up to this
TMUX_WAITING_MAX = 8  # questions to a followed server that are not answered yet
TMUX_SCREENS_AT_ONCE = 4  # asked for together by the control client; a sweep finds room between them
TMUX_ANSWER_BYTES_MAX = 4 * 1024 * 1024  # of one answer, and of one line
ENTER_AFTER_S = 0.1  # a program gets Enter this long behind a paste: some lose one that comes with it

# Attaching
ATTACH_ANSWER_S = 5.0  # a tmux server is given this long to tell a person's client where a terminal is

# Store
RECORD_BYTES_MAX = 4 * 1024 * 1024  # a larger file in sessions/ is quarantined unread
RECORD_EVENTS_MAX = 512  # events a record may hold while the journal cannot be synced
SEQUENCE_MAX = 10**18  # an event number beyond it is not one of ours
VOIDS_MAX = 4_096  # numbers in a row that a crash can leave unused; more of them is a part of the journal that is lost
DRIFTS_MAX = 64  # files in sessions/ that a scan deals with; the others wait for the next one
JOURNAL_SEGMENT_BYTES = 16 * 1024 * 1024
JOURNAL_SEGMENTS_KEPT = 64
JOURNAL_UNSYNCED_EVENTS_MAX = 64
JOURNAL_UNSYNCED_S = 1.0
JOURNAL_PAGE_BYTES = 256 * 1024  # read at a time by a follower
INBOX_FILES_MAX = 1_024  # drained at a time
INBOX_TMP_KEPT_S = 3_600.0  # an unfinished spool file, and what only it needs, is swept at start once it is that old
ARCHIVE_AFTER_S = 7 * 24 * 3_600.0
GENERATIONS_MAX = 10_000  # whose run directories go with a session, should another hand have put its number that high
ARCHIVED_LOOKED_AT = 1_000  # of the newest archived sessions, for one that is asked for by its name
ARCHIVED_AT_A_TIME = 100  # sessions put away in one tick
LOGS_PAUSE_S = 4.0  # at least, between two looks at how long the logs are
LOGS_TRIMMED_AT_A_TIME = 1_000  # logs of ended sessions looked at in one tick
LOG_BYTES_MAX = 50 * 1024 * 1024  # a session, and the daemon itself; past it the daemon punches holes in the head
HOOKS_READ_BYTES_MAX = 1024 * 1024  # of hooks.jsonl at a time; a longer line is skipped
DESCRIPTORS_PER_AGENT_HELD = 8  # of those we may have: past it an agent is looked for in /proc at each look
RUN_RECORD_BYTES_MAX = 64 * 1024  # of claim, start and exit record
HOOK_LINE_BYTES_MAX = 512 * 1024  # the largest message, told of as a prompt in JSON, fits

# Git
GIT_S = 15.0  # one call that neither fetches nor writes out a tree
GIT_END_S = 5.0  # a git that is called off has this long to remove its locks, before it is killed
GIT_AT_ONCE_MAX = 8
GIT_OUTPUT_BYTES_MAX = 64 * 1024 * 1024
GIT_LOCK_LOOKS = 25  # how often a repository that another program holds locked is tried, ...
GIT_LOCK_LOOK_S = 0.2  # ... this far apart

# Cleaning
CLEAN_S = 3_600.0  # a client waits this long for a clean
DIFF_S = 60.0  # new files are looked for this long before a difference is shown
CLEAN_GIT_S = 600.0  # one git that goes over a whole worktree
CLEAN_FILES_MAX = 500_000  # a worktree with more is left as it is
CLEAN_DEPTH_MAX = 200  # directories in each other; each of them is held open while it is deleted
CLEAN_PIECE_BYTES = 1024 * 1024  # of a file, hashed at a time
CLEAN_ATTEMPTS_MAX = 3  # at a worktree that changes while it is cleaned
FORGOTTEN_MAX = 256  # lines of work without a branch; a worktree with more is left as it is
GIT_NOTES_BYTES_MAX = 4 * 1024 * 1024  # of each file in which git keeps what it knows of one worktree
IGNORED_TOLD_MAX = 20  # ignored files and directories that are told of by name, the largest first
NESTED_MAX = 128  # repositories inside a worktree; one with more is left as it is
PLACES_MAX = 4_096  # worktrees looked at by one clean

# Worktrees
SLUG_CHARS_MAX = 40
PROJECT_NAME_CHARS_MAX = 60  # four bytes each at most: one path component
WORKSPACE_PATHS_MAX = 256  # files to copy and to link, each
BASE_BYTES_MAX = 1_024
CHECKOUT_S = 600.0  # writing out a tree may take long
SUBMODULES_S = 300.0  # so may fetching what belongs into it
BRINGING_S = 300.0  # and copying what is not in the repository
UNDO_S = 10.0  # a worktree that could not be made is taken away again in this time, or left for the next attempt
WORKSPACE_S = 1_500.0  # all of that together; only then the start deadline begins
INCLUDED_FILES_MAX = 100_000  # that .worktreeinclude may name
REPOSITORY_LOOK_S = 5.0  # a client waits this long for git to say where it stands
CHANGES_LOOK_S = 2.0  # and this long to learn what a worktree will not hold

# Faces
BODY_BYTES_MAX = PROMPT_BYTES_MAX + 4 * 1024 * 1024
CONNECTIONS_MAX = 512
UNTAKEN_BYTES_MAX = 16 * 1024  # of an answer that its reader does not take; past it sending waits for that reader
LOG_TAIL_LINES = 50
CANDIDATES_MAX = 20  # named by an ambiguous reference
REQUEST_HEAD_S = 10.0  # a connection that has not finished the head of a request by then is closed
REQUEST_BODY_S = 30.0  # the same for its body
API_STOP_S = 1.0  # connections still open that long after a stop are cut
SOCKET_PATH_BYTES_MAX = 107  # of the address of a unix socket; longer paths: orchestrd/endpoint.py
ANSWER_BYTES_MAX = 256 * 1024 * 1024  # of one answer, as a client takes it
ANSWER_S = 10.0  # a daemon that says nothing for that long is out of reach
LOOK_ANSWER_S = 3.0  # the same for who only looks, and has the disk to look at instead
DAEMON_START_S = 15.0  # a client that starts a daemon waits this long for its socket
DAEMON_STOP_S = 15.0  # a client that stops one waits this long for its end, ...
DAEMON_KILL_S = 5.0  # ... kills it then, and waits this much longer
DAEMON_LOOK_S = 0.02  # and looks this often
SYSTEMD_ANSWER_S = 10.0  # a manager of systemd that says nothing for that long is out of reach, ...
SYSTEMD_JOB_S = 60.0  # and a start or stop that it has taken on is waited for this long
COMPLETION_ANSWER_S = 0.5  # a shell that completes a word waits this long for the daemon, and then reads the disk
COMPLETIONS_MAX = 500  # sessions that it is offered
MEASURE_SPAN_S = 0.5  # between two looks at what runs take of a core, at least; ...
MEASURED_BEFORE_S = 30.0  # ... the first of them may have been made for who asked that long ago
MEASURE_MEMORY_S = 1.0  # their memory is looked at for this long; what was not reached by then is not known
WAIT_S_MAX = 366 * 24 * 3_600.0  # nobody waits longer for a session
PROGRESS_AFTER_S = 1.0  # who waits longer than this is told for what, and is told anew this often
WATCH_S = 1.0  # from one picture of a watched status to the next
REACHED_AGAIN_S = 0.5  # a waiting client whose daemon went away looks this often, at the socket and at the disk

# What can be set
RELOAD_S = 10.0  # a client waits this long for a daemon to read its settings again
CONFIG_BYTES_MAX = 64 * 1024  # of one file
DRAFTS_ASIDE_MAX = 100  # of one file, that were begun from what it held before
MAX_RUNNING_MAX = 10_000
ARCHIVE_AFTER_DAYS_MAX = 36_500
LOG_MIB_MAX = 64 * 1024  # that may be kept of one log
ENVIRONMENT_SETTINGS_MAX = 256  # names to pass on, variables to set, directories before PATH, each

# Changes, reactions and notices
LOGS_AWAITED_S = 60.0  # an agent is told that a check failed with what it has written, or without it after this time
EPISODES_MAX = 128  # of one session: more than there can be reactions, for those that are configured no more
NOTICES_MAX = 32  # of one session that are not told yet; one more takes the place of the oldest, least important
REACTION_TEXT_BYTES_MAX = 48 * 1024  # of what is sent, with all that stands in it: a record keeps messages of that size
TEMPLATE_CHARS_MAX = 8_000  # of the text of a reaction, as it is written
ATTEMPT_PAUSE_S = 30.0  # from one attempt of a reaction to the next, at least
PAUSE_S_MAX = 7 * 24 * 3_600.0  # ... and at most, however often it was made
FAILED_ATTEMPTS_MIN = 3  # an attempt that came to nothing is made again this often, whatever the budget
REVIVED_LASTS_S = 3_600.0  # what was revived has a new budget when it has run for so long, at least
ENDED_REACTS_S = 900.0  # a session that ended longer ago begins no episode any more
QUOTED_CHARS_MAX = 200  # of a name from outside, where a sentence says it
CHANGE_TOLD_S = 60.0  # a forge has told by then of what an agent did right before it exited
COMMAND_S = 900.0  # a command of a reaction, or a verification, is ended after this time
COMMAND_END_S = 8.0  # one that is ended has this long to go with all that it has started, before it is left to the kill
COMMAND_LOOK_S = 1.0  # one that is silent is looked at this often, whether it has ended and another holds its output
COMMAND_OUTPUT_CHARS_MAX = 8_000  # of the end of what it writes
COMMANDS_AT_ONCE_MAX = 4
CHANGES_LOOK_S = 15.0  # from one look of a forge to the next, where it bears that; ...
CHANGES_LOOK_S_MAX = 900.0  # ... where there is little left to ask, or only ended sessions are waited for, at most; ...
CHANGES_NUDGED_S = 3.0  # ... and at least, however much happens
CHANGE_TRUSTED_S = 1_800.0  # what a forge told longer ago, before a sleep or an outage, is not known any more
CHANGES_AT_ONCE_MAX = 100  # branches of one repository that are asked for in one look
FORGE_LOOK_S = 60.0  # one look is over within this time
MERGE_LOOKS_MAX = 3  # at whether GitHub has worked out that it could be merged, ...
MERGE_LOOK_PAUSE_S = 2.0  # ... this far apart
MERGE_S = 120.0  # one merge, with the looks before and behind it
FORGE_LOOKS_AT_ONCE_MAX = 8  # repositories looked at side by side
CHECKOUTS_LOOK_S = 5.0  # from one look at the worktrees to the next, on this machine only
CHECKOUTS_SETTLE_S = 0.2  # what happens within this time is looked at together
LOCAL_FACTS_MAX = 1_024  # commits of bare repositories of which is remembered what a merge would do
MERGED_COMMITS_MAX = 250  # of one branch that is squashed or rebased into a bare repository
TITLE_CHARS_MAX = 300  # of a pull request, an issue or a notice
CHECKOUT_RETRY_S = 60.0  # a repository whose git does not answer is asked again after this time
CHECKOUT_REPOSITORIES_MAX = 256  # of which is remembered what changes seldom
DURATION_S_MAX = 366 * 24 * 3_600.0  # that may be set
SETTING_NAME_CHARS_MAX = 40  # of a reaction or a channel
REACTIONS_MAX = 100  # that are configured
JUDGED_AT_ONCE_MAX = 32  # sessions, by all reactions, before others have their turn
JUDGED_AGAIN_S = 0.1  # where time alone matters it is not sooner than this: clocks are not exact
WORDS_OF_A_CONDITION_MAX = 32  # of which any one will do
ATTEMPTS_MAX = 100  # of one reaction, for one key
ROUNDS_MAX = 100
CHANNELS_MAX = 32
COMMAND_WORDS_MAX = 64  # of a program that is told a notice
NOTIFY_ANSWER_S = 20.0  # a channel takes a notice within this time, ...
NOTIFY_END_S = 5.0  # ... and one that takes longer is called off this much later
PROGRAM_LOOK_S = 0.5  # a program that tells somebody is looked at this often, in case it was called off
SECRET_BYTES_MAX = 16 * 1024  # of a file that has one
NTFY_TEXT_BYTES_MAX = 4_000  # a longer text becomes a file there
NOTICE_TEXT_CHARS_MAX = 4_000
NOTIFY_AGAIN_S = 30.0  # a channel that did not is tried again after this time, at first, ...
NOTIFY_AGAIN_S_MAX = 3_600.0  # ... and then less and less often, down to this, ...
NOTIFY_GIVEN_UP_S = 24 * 3_600.0  # ... until a notice has been due for this long
NOTIFY_LOOK_S = 60.0  # while a notice waits it is looked at this often: a clock may be set, and a machine may sleep
NOTICES_TOGETHER_MAX = 20  # that are told in one message
FORGE_ANSWER_S = 20.0  # a forge answers within this time
FORGE_END_S = 5.0  # one that is used no more has let go of everything within this time
FORGE_BODY_BYTES_MAX = 16 * 1024 * 1024  # of one answer
FORGE_REQUESTS_AT_ONCE_MAX = 4  # to one host
FORGE_REDIRECTS_MAX = 3
FORGE_DETAILED_AT_ONCE_MAX = 50  # pull requests of which one request asks for each check, or for the words of threads
FORGE_ROUNDS_MAX = 4  # of one look: what each answer shows to be missing is asked for after it
FORGE_PULLS_KNOWN_MAX = 1_000  # of one repository, of which is remembered what need not be asked again
FORGE_REPOSITORIES_MAX = 256  # of which that is remembered
FORGE_KEPT_MAX = 128  # answers that are kept, in case they are still the newest when they are asked for again, ...
FORGE_KEPT_BYTES_MAX = 64 * 1024  # ... those that are not longer
FORGE_LOGS_S = 20.0  # the logs of failed checks are fetched in this time, or at the next look
FORGE_AGAIN_S = 5.0  # a forge that has failed is asked again after this time, at first, ...
FORGE_AGAIN_S_MAX = 300.0  # ... and then less and less often, down to this
FORGE_PENALTY_S = 60.0  # one that was asked too fast, and does not say for how long to be quiet, ...
FORGE_PENALTY_S_MAX = 900.0  # ... likewise
FORGE_ERROR_TOLD_S = 1_200.0  # that it answers nothing is told so long after it was last asked; longer than any pause
FAILED_CHECKS_MAX = 5  # whose logs are fetched and told; more are counted
CHECK_LOG_BYTES_KEPT = 1024 * 1024  # of the end of the log of one job, in which the step that failed is looked for
CHECK_LOG_CHARS_MAX = 4_000  # of the end of what that step wrote
ANNOTATIONS_MAX = 20  # of a check that has no log
REMARKS_MAX = 20  # of reviewers, that are told; more are counted
REMARK_CHARS_MAX = 2_000
ISSUE_BODY_CHARS_MAX = 100_000
ISSUE_COMMENTS_MAX = 100
ISSUE_S = 60.0  # a client waits this long for one to be read
ISSUE_COMMENT_CHARS_MAX = 20_000  # of one, in a prompt; ...
ISSUE_PROMPT_CHARS_MAX = 400_000  # ... of which the newest go into this, behind title and body
WEBHOOK_BODY_BYTES_MAX = 4 * 1024 * 1024  # from anybody, on each connection; GitHub may send 25, and seldom sends one
WEBHOOK_CONNECTIONS_MAX = 16
DELIVERIES_KNOWN_MAX = 1_000  # of webhooks, so that none counts twice
TOKEN_BYTES_MAX = 64 * 1024  # of a file that a token is in
GH_ANSWER_S = 5.0  # gh is given this long to say the token it has
FORGE_SHARE = 0.5  # of what may be asked of a forge is left to the agents' own calls

# Adapters
PLUGINS_MAX = 64  # that are made of one kind; more are left out, and told of
VERSION_ANSWER_S = 10.0  # an agent's program is given this long to say its version; some import for two seconds first

# Doctor
TROUBLES_MAX = 16  # of a daemon that it tells of at once
EXAMINED_S = 15.0  # one subject is given this long to be looked at; the others do not wait for it
PROGRAM_ANSWER_S = 10.0  # a program that is asked something is given this long: all are asked at once
NAMED_MAX = 5  # things that a finding names; more are counted
DISK_BYTES_LOW = 2 * 1024**3  # free; below it work may soon not be written down, ...
DISK_BYTES_MIN = 200 * 1024**2  # ... and below this hardly anything is
INODES_LOW = 50_000
INODES_MIN = 5_000
MEMORY_BYTES_LOW = 2 * 1024**3  # available: about what one coding agent takes
MEMORY_BYTES_MIN = 256 * 1024**2
ENDED_S = 5.0  # what belongs to a session that ended has gone by then
HOOKS_HEARD_S = 60.0  # a hook of an agent has fired by then, unless a dialog of its start waits for a person
SPOOL_TAKEN_S = 60.0  # a daemon has taken a spooled command in by then
REJECTIONS_LOOKED_AT = 10_000  # of the newest events, for why a file was set aside

# Under a supervisor
NOTIFY_S = 1.0  # it is given this long to take a message
TICK_SIGN_S = 60.0  # between two signs of a tick that works; one part of it takes no longer on a disk that answers
DISK_ANSWER_S = 5.0  # and a disk answers within this time
SCOPE_S = 3.0  # a launcher has begun this long after it was put into a scope of its own, or is started without one
LAUNCHER_CLAIM_S = 10.0  # and that one after this time: it is waited for before what hung is ended
SCOPE_LOOK_S_MIN = 0.005  # meanwhile it is looked at this soon, ...
SCOPE_LOOK_S_MAX = 0.1  # ... and then less and less often, down to this
SCOPE_RETRY_S = 60.0  # scopes that did not work are tried again after this time
JOURNAL_FIELD_BYTES_MAX = 16 * 1024  # of one field of a line in the journal of the system

# The stand-in model
STANDIN_REQUESTS_MAX = 200  # that are kept whole, for whoever looks at what an agent has sent
STANDIN_EDGES_MAX = 100_000  # that are kept in memory; the log on disk has all
STANDIN_HELD_S = 300.0  # nothing is held longer, even where nobody releases it
STANDIN_SCENARIO_BYTES_MAX = 256 * 1024
STANDIN_STEPS_MAX = 1_000
STANDIN_BODY_BYTES_MAX = 64 * 1024 * 1024  # of one request
