"""Scenes of the real Claude Code, each played until one moment at which a daemon must know what is going on.

Each scene acts only on what it has seen, and returns when all witnesses have come to rest.
"""

import os
from collections.abc import Callable

from orchestrd.testing.model.moves import Answer, Ask, Delegate, Edit, Move, Read, Refusal, Run, ToolUse, Write, think
from tests.acceptance.processes import until
from tests.standin import hooks
from tests.standin.stage import Stage

Scene = Callable[[Stage], None]
QUESTION = "What do we sell?"
CONVERSATION = "11111111-1111-4111-8111-111111111111"
NOWHERE = "00000000-0000-4000-8000-000000000000"
OPEN_DIALOG = "Esc to cancel"
SUGGESTED = "count the pears"
DRAFT = "and what about\nthe pears?"
FIRST_WORDS = "Let me see."
QUOTED = """The dialog would look like this:

    Do you want to proceed?
    ❯ 1. Yes
      2. Yes, and always allow access to shop/ from this project
      3. No

    Esc to cancel · Tab to amend

and after an error the screen says: API error · Retrying in 15s · attempt 6/10"""


# ---- at the start ----------------------------------------------------------------------------------------------------


def onboarding(stage: Stage) -> None:
    """Somebody who has never used it is asked for a theme."""
    stage.home.prepare(stage.repository, is_onboarded=False)
    stage.begin()
    stage.terminal.until_shown("Syntax theme")


def key_question(stage: Stage) -> None:
    """There is a key in the environment that it does not know."""
    stage.home.prepare(stage.repository, knows_key=False)
    stage.begin()
    stage.terminal.until_shown("Enter to confirm")


def trust_dialog(stage: Stage) -> None:
    """Nobody has trusted this directory yet."""
    stage.home.prepare()
    stage.begin()
    stage.terminal.until_shown("Enter to confirm")


def bypass_warning(stage: Stage) -> None:
    """Started so that it need not ask for anything."""
    stage.begin("--dangerously-skip-permissions", IS_SANDBOX="1")  # root may do so in a sandbox only
    stage.terminal.until_shown("Enter to confirm")


def idle(stage: Stage) -> None:
    """Started; nothing was asked yet."""
    stage.start()


def unknown_conversation(stage: Stage) -> None:
    """Asked to resume what is not there: it says so and exits with 1."""
    stage.begin("--resume", NOWHERE)
    until(stage.terminal.has_ended, "it has exited")


# ---- turns -----------------------------------------------------------------------------------------------------------


def working(stage: Stage) -> None:
    """The model answers."""
    stage.start()
    _ask(stage, think())
    stage.terminal.until_shown(FIRST_WORDS)
    _until_busy(stage)


def turn_over(stage: Stage) -> None:
    """The model has answered."""
    stage.start()
    _turn(stage)


def draft(stage: Stage) -> None:
    """After a turn somebody has begun to type."""
    turn_over(stage)
    stage.terminal.type("and what about")
    stage.terminal.until_shown("and what about")


def draft_of_lines(stage: Stage) -> None:
    """The same, in more than one line."""
    turn_over(stage)
    stage.terminal.paste(DRAFT)
    stage.terminal.until_shown("the pears?")


def suggested(stage: Stage) -> None:
    """After some turns it proposes itself what to say next: in the box, where nobody has typed anything."""
    stage.start(CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION="true")
    for turns, text in enumerate((QUESTION, "And for how much?"), 1):
        stage.model.script(*[Answer(text=SUGGESTED)] * 2)
        stage.submit(text)
        stage.until_hook("Stop", turns)
        stage.home.until("idle")
    stage.terminal.until_shown(f"❯\N{NO-BREAK SPACE}{SUGGESTED}")


def queued(stage: Stage) -> None:
    """A second text was typed while the model answers the first."""
    working(stage)
    stage.terminal.type("And for how much?")
    stage.terminal.until_shown("And for how much?")
    stage.terminal.press("Enter")
    stage.until_written("enqueue")


def quoted_dialog(stage: Stage) -> None:
    """The model's answer quotes a dialog and an error: the turn is over all the same."""
    stage.start()
    _turn(stage, Answer(text=QUOTED))


def quoted_while_working(stage: Stage) -> None:
    """The user's own text quotes a dialog, and the model answers."""
    stage.start()
    stage.model.script(think())
    stage.terminal.paste(QUOTED)
    stage.press_until(lambda: "UserPromptSubmit" in hooks.names(stage.hooks), "Enter")
    stage.terminal.until_shown(FIRST_WORDS)
    _until_busy(stage)


def resumed(stage: Stage) -> None:
    """Left after a turn, and started again with the same conversation."""
    stage.start("--session-id", CONVERSATION)
    _turn(stage)
    _leave(stage)
    stage.terminal.close()
    stage.begin("--resume", CONVERSATION)
    stage.until_hook("SessionStart", 2)
    stage.home.until("idle")
    stage.terminal.until_shown(QUESTION)


def cleared(stage: Stage) -> None:
    """`/clear` after a turn: another conversation in the same process."""
    turn_over(stage)
    stage.terminal.type("/clear")
    stage.terminal.until_shown("/clear")
    stage.press_until(lambda: "SessionEnd" in hooks.names(stage.hooks), "Enter")
    stage.until_hook("SessionStart", 2)
    stage.home.until("idle")
    stage.terminal.until_gone(QUESTION)


def left(stage: Stage) -> None:
    """Its user has left it after a turn."""
    turn_over(stage)
    _leave(stage)


def help_open(stage: Stage) -> None:
    """Its own help stands open."""
    stage.start()
    stage.terminal.type("/help")
    stage.terminal.until_shown("/help")
    stage.press_until(lambda: "dialog open" in str(stage.home.sessions()), "Enter")


# ---- tools and dialogs -----------------------------------------------------------------------------------------------


def tool_running(stage: Stage) -> None:
    """A tool that needs no permission is running; it reads from a pipe into which nobody writes."""
    os.mkfifo(stage.repository / "door")
    stage.start()
    _ask(stage, Run(command="cat door", asks=False))
    stage.until_hook("PreToolUse")
    stage.until_written("tool_use")
    _until_busy(stage)


def permission_bash(stage: Stage) -> None:
    """It asks whether it may run a command."""
    stage.start()
    _until_asked(stage, Run(command="touch sold"))


def permission_reminder(stage: Stage) -> None:
    """It has asked, nobody has answered, and some seconds later it reminds its user."""
    permission_bash(stage)
    stage.until_hook("Notification")


def permission_write(stage: Stage) -> None:
    """It asks whether it may write a file."""
    stage.start()
    _until_asked(stage, Write(path=str(stage.repository / "prices.md"), text="# Prices\n\nOne apple: 1\n"))


def permission_edit(stage: Stage) -> None:
    """It asks whether it may change a file that it has read."""
    readme = str(stage.repository / "README.md")
    stage.start()
    stage.model.script(Read(path=readme))
    _until_asked(stage, Edit(path=readme, old="# The shop", new="# The market"))


def question_asked(stage: Stage) -> None:
    """It asks its user a question of its own, with answers to choose from."""
    stage.start()
    _until_asked(stage, Ask(question="Which fruit?", choices=("Apples", "Pears"), header="Fruit"))


def permitted(stage: Stage) -> None:
    """The user has said yes, the tool ran, the model has answered."""
    permission_bash(stage)
    stage.terminal.press("Enter")
    stage.model.decided("working")
    _until_over(stage)


def denied(stage: Stage) -> None:
    """The user has said no: the turn is over, and no hook says so."""
    permission_bash(stage)
    stage.terminal.press("Escape")
    stage.model.decided("waiting")
    stage.until_written("Request interrupted")
    stage.home.until("idle")
    stage.terminal.until_gone(OPEN_DIALOG)


def subagent(stage: Stage) -> None:
    """A subagent has done its part; the turn of the agent itself is over as well."""
    part = Delegate(prompt="How many apples are there?", result="There are three.", description="Count the apples")
    stage.start()
    _ask(stage, part)
    stage.until_hook("SubagentStop")
    _until_over(stage)


# ---- interrupts ------------------------------------------------------------------------------------------------------


def interrupted(stage: Stage) -> None:
    """The user has interrupted an answer: no hook says so."""
    working(stage)
    stage.terminal.press("Escape")
    stage.model.wait_until("waiting")
    stage.until_written("Request interrupted")
    stage.home.until("idle")
    stage.terminal.until_gone("esc to interrupt")


def interrupted_tool(stage: Stage) -> None:
    """The user has interrupted a tool."""
    tool_running(stage)
    stage.terminal.press("Escape")
    stage.model.decided("waiting")
    stage.until_written("Request interrupted")
    stage.home.until("idle")
    stage.terminal.until_gone("esc to interrupt")


def interrupted_early(stage: Stage) -> None:
    """Interrupted before the first word: the text goes back into the box, and the transcript never tells."""
    stage.start()
    _ask(stage, think(is_silent=True))
    _until_busy(stage)
    stage.terminal.press("Escape")
    stage.home.until("idle")
    stage.terminal.until_gone("esc to interrupt")


# ---- troubles of the model -------------------------------------------------------------------------------------------


def retrying(stage: Stage) -> None:
    """The model says "later", and the agent tries again by itself: only the screen tells."""
    stage.start()
    _ask(stage, *[Refusal(why="rate_limit")] * 20)
    stage.terminal.until_shown("attempt 4/10", within_s=30)


def limited(stage: Stage) -> None:
    """What the account may use is used up."""
    stage.start()
    _ask(stage, Refusal(why="usage_limit"))
    _until_failed(stage)


def overloaded_for_good(stage: Stage) -> None:
    """The service is overloaded, and the agent has given up."""
    stage.start()
    overloaded = Refusal(why="overloaded")
    _ask(stage, overloaded, overloaded, Refusal(why="overloaded", leaves="waiting"))
    _until_failed(stage)


def refused(stage: Stage) -> None:
    """The model refuses the request."""
    stage.start()
    _ask(stage, Refusal(why="bad_request"))
    _until_failed(stage)


# ---- steps -----------------------------------------------------------------------------------------------------------


def _ask(stage: Stage, *moves: Move) -> None:
    stage.model.script(*moves)
    stage.submit(QUESTION)


def _turn(stage: Stage, *moves: Move) -> None:
    _ask(stage, *moves)
    _until_over(stage)


def _until_over(stage: Stage) -> None:
    stage.until_hook("Stop")
    stage.until_written("turn_duration")
    stage.home.until("idle")
    stage.terminal.until_gone("esc to interrupt")


def _until_failed(stage: Stage) -> None:
    stage.until_hook("StopFailure")
    stage.until_written("turn_duration")
    stage.home.until("idle")
    stage.terminal.until_gone("esc to interrupt")


def _until_busy(stage: Stage) -> None:
    stage.home.until("busy")
    stage.until_written('"type":"user"')
    stage.terminal.until_shown("esc to interrupt")


def _until_asked(stage: Stage, tool: ToolUse) -> None:
    _ask(stage, tool)
    stage.model.wait_until("blocked")
    stage.until_hook("PermissionRequest")
    stage.until_written('"tool_use"')
    stage.home.until("waiting")
    stage.terminal.until_shown(OPEN_DIALOG)


def _leave(stage: Stage) -> None:
    stage.press_until(stage.terminal.has_ended, "C-c", "C-c")


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        onboarding,
        key_question,
        trust_dialog,
        bypass_warning,
        idle,
        unknown_conversation,
        working,
        turn_over,
        draft,
        draft_of_lines,
        suggested,
        queued,
        quoted_dialog,
        quoted_while_working,
        resumed,
        cleared,
        left,
        help_open,
        tool_running,
        permission_bash,
        permission_reminder,
        permission_write,
        permission_edit,
        question_asked,
        permitted,
        denied,
        subagent,
        interrupted,
        interrupted_tool,
        interrupted_early,
        retrying,
        limited,
        overloaded_for_good,
        refused,
    )
}
