"""The protocol of Claude Code: a line of JSON each way (`claude -p --input-format stream-json`), as of version 2.1.197.

Edges, and who tells of them: `initialize` answered: it takes messages. `session_state_changed` (only where its variable
is set; behind it stands what background agents still do) or else `init` and `result`: a turn begins, and is over.
`can_use_tool`: it asks, and goes on only with the answer. `api_retry`: the one place where retries are told of.
"""

from collections.abc import Mapping
from functools import partial

from orchestrd.core.claude_files import transcript_pattern
from orchestrd.core.wording import Fields, Telling, blocks_of, described, fields_of, one_line, text_of
from orchestrd.hosting.asking import ALLOW, ALWAYS, DENY, LABELS, REFUSED, Ask
from orchestrd.hosting.talk import Talk

STATES = "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS"  # the variable that has it tell of its states
LIMIT_STATUS = 429
NOT_ANSWERED = "The user has given no answer."
DENIED = "The user has refused this."


class ClaudeTalk(Talk):
    """Talks to one process of Claude Code, which goes on with one conversation."""

    def __init__(self, name: str, *, environment: Mapping[str, str], is_denying: bool = False) -> None:
        super().__init__(name, is_denying=is_denying)
        self._environment = environment
        self._telling = Telling()
        self._requests = 0
        self._tells_states = False
        self._result: Fields = {}
        self._limited_until: float | None = None

    def begin(self) -> None:
        self._request("initialize")

    def _interrupt(self) -> None:
        self._request("interrupt")

    def _give(self, text: str) -> None:
        self.say({"type": "user", "message": {"role": "user", "content": text}})

    def _request(self, subtype: str) -> None:
        self._requests += 1
        request = f"{self.name}-{subtype}-{self._requests}"
        self.say({"type": "control_request", "request_id": request, "request": {"subtype": subtype}})

    # ---- what it says ------------------------------------------------------------------------------------------------

    def _hear(self, message: Fields) -> None:
        match message.get("type"):
            case "control_response":
                self._on_response(fields_of(message.get("response")))
            case "control_request":
                self._on_request(message.get("request_id"), fields_of(message.get("request")))
            case "control_cancel_request":
                self.withdraw(message.get("request_id"))
            case "system":
                self._on_system(message)
            case "assistant" | "user":
                self._on_entry(message)
            case "rate_limit_event":
                self._on_rate_limit(fields_of(message.get("rate_limit_info")))
            case "result":
                self._on_result(message)
            case _:
                pass

    def _on_response(self, response: Fields) -> None:
        if text_of(response, "request_id").startswith(f"{self.name}-initialize-"):
            self.is_ready()

    def _on_system(self, message: Fields) -> None:
        match message.get("subtype"):
            case "init":
                self.note(version=text_of(message, "claude_code_version") or None)
                if not self._tells_states:
                    self.turn_began()
            case "session_state_changed":
                self._on_state(text_of(message, "state"))
            case "api_retry":
                self._on_retry(message)
            case "compact_boundary":
                self.log(*self._telling.tell(message))
            case _:
                pass

    def _on_state(self, state: str) -> None:
        self._tells_states = True
        if state == "running":
            self.turn_began()
        elif state == "idle" and self.is_in_turn:
            self._end_turn()

    def _on_retry(self, message: Fields) -> None:
        tries, most = (message.get(name) for name in ("attempt", "max_retries"))
        delay, why = message.get("retry_delay_ms"), one_line(text_of(message, "error")) or "an error"
        wait = f", again in {delay / 1000:.0f} s" if isinstance(delay, int | float) else ""
        said = f"an error of the API, and it tries again: {why}, attempt {tries}/{most}{wait}"
        self.log(f"! {said}")
        self.went_on("retry", said)

    def _on_entry(self, message: Fields) -> None:
        """An entry of the conversation, as a transcript has it; what a subagent says is not told."""
        if message.get("parent_tool_use_id") is not None or message.get("isReplay") is True:
            return
        self.log(*self._telling.tell({**message, "isApiErrorMessage": isinstance(message.get("error"), str)}))
        if message.get("type") == "assistant" and "error" not in message:
            self._name_conversation(message)
            for block in blocks_of(message):
                self._on_block(block)

    def _on_block(self, block: Fields) -> None:
        if block.get("type") == "tool_use":
            self.went_on("tool", described(block, "name", "input"))
        elif text := text_of(block, "text"):
            self.went_on("words", text)

    def _on_rate_limit(self, info: Fields) -> None:
        resets_at = info.get("resetsAt")
        is_met = info.get("status") == "rejected" and isinstance(resets_at, int | float)
        self._limited_until = float(resets_at) if is_met and isinstance(resets_at, int | float) else None

    def _on_result(self, message: Fields) -> None:
        self._result = message
        self._name_conversation(message)
        self.note(spent=[spent] if (spent := _spent(self.name, message)) else None)
        if not self.is_in_turn:  # it could not even begin: it will end, and this is why
            self.log(*(f"! {error}" for error in _errors(message)))
        elif not self._tells_states:
            self._end_turn()

    def _end_turn(self) -> None:
        result, self._result = self._result, {}
        said = text_of(result, "result")
        if text_of(result, "terminal_reason").startswith("aborted"):
            self.turn_ended("interrupted")
        elif result.get("is_error") is not True:
            self.turn_ended("over", said)
        elif result.get("api_error_status") == LIMIT_STATUS or self._limited_until is not None:
            self.turn_ended("limited", said, until=self._limited_until)
        else:
            self.turn_ended("failed", said or next(iter(_errors(result)), "an error"))

    def _name_conversation(self, message: Fields) -> None:
        """Name the conversation; `/clear` begins another one."""
        if conversation := text_of(message, "session_id"):
            self.goes_on_with(conversation, transcript_pattern(self._environment, conversation))

    # ---- what it asks ------------------------------------------------------------------------------------------------

    def _on_request(self, request: object, asked: Fields) -> None:
        match asked.get("subtype"):
            case "can_use_tool" if questions := _questions(asked):
                self.ask_each(request, questions, partial(self._reply_with_answers, request, asked))
            case "can_use_tool":
                self.ask(self._permission(request, asked))
            case "request_user_dialog":
                self._respond(request, {"behavior": "cancelled"})
            case "elicitation":
                self._respond(request, {"action": "cancel"})
            case other:
                error = f"this host cannot do {one_line(str(other))}"
                response = {"subtype": "error", "request_id": request, "error": error}
                self.say({"type": "control_response", "response": response})

    def _permission(self, request: object, asked: Fields) -> Ask:
        rules = _rules(asked)
        keys = (ALLOW, ALWAYS, DENY) if rules else (ALLOW, DENY)
        return Ask(
            request,
            "permission",
            _whole(asked),
            {key: LABELS[key] for key in keys},
            partial(self._reply_with_permission, request, asked, rules),
            worded=(DENY,),
        )

    def _reply_with_permission(
        self, request: object, asked: Fields, rules: list[Fields], key: str, text: str | None
    ) -> None:
        if key == DENY:
            self._respond(request, {"behavior": "deny", "message": text or self._refusal(DENIED)})
            return
        more = {"updatedPermissions": rules} if key == ALWAYS else {}
        self._respond(request, {"behavior": "allow", "updatedInput": fields_of(asked.get("input")), **more})

    def _reply_with_answers(self, request: object, asked: Fields, answers: dict[str, str]) -> None:
        if answers:
            given = {**fields_of(asked.get("input")), "answers": answers}
            self._respond(request, {"behavior": "allow", "updatedInput": given})
        else:
            self._respond(request, {"behavior": "deny", "message": self._refusal(NOT_ANSWERED)})

    def _refusal(self, otherwise: str) -> str:
        return REFUSED if self._is_denying else otherwise

    def _respond(self, request: object, response: Fields) -> None:
        answer = {"subtype": "success", "request_id": request, "response": response}
        self.say({"type": "control_response", "response": answer})


def _whole(asked: Fields) -> str:
    """Say what it wants to do, with all of a command: whoever allows it has to see it."""
    told, command = described(asked, "tool_name", "input"), text_of(fields_of(asked.get("input")), "command")
    return f"{one_line(text_of(asked, 'tool_name'))}: {command}" if command else told


def _questions(asked: Fields) -> list[tuple[str, str, list[str]]]:
    """Give the questions to the user that a call of a tool holds, if it is one that asks: text, text, and answers."""
    given = fields_of(asked.get("input")).get("questions")
    if asked.get("tool_name") != "AskUserQuestion" or not isinstance(given, list):
        return []
    told = [fields_of(question) for question in given]
    return [(text_of(one, "question"), text_of(one, "question"), _labels(one)) for one in told]


def _labels(question: Fields) -> list[str]:
    options = question.get("options")
    return [text_of(fields_of(option), "label") for option in options] if isinstance(options, list) else []


def _rules(asked: Fields) -> list[Fields]:
    """Give the rules by which it would not ask for the like again: for this process only, and in no file."""
    suggested = asked.get("permission_suggestions")
    found = [fields_of(one) for one in suggested] if isinstance(suggested, list) else []
    return [{**one, "destination": "session"} for one in found if one.get("type") == "addRules"]


def _errors(result: Fields) -> list[str]:
    told = result.get("errors")
    return [one_line(error) for error in told if isinstance(error, str)] if isinstance(told, list) else []


def _spent(key: str, result: Fields) -> Fields | None:
    """Sum up what this process has spent so far, over all models: what its messages say themselves is not final."""
    models = [fields_of(used) for used in fields_of(result.get("modelUsage")).values()]
    if not models:
        return None
    names = {
        "input": "inputTokens",
        "output": "outputTokens",
        "cache_read": "cacheReadInputTokens",
        "cache_write": "cacheCreationInputTokens",
    }
    tokens = {name: sum(_count(used.get(told)) for used in models) for name, told in names.items()}
    cost = result.get("total_cost_usd")
    return {
        "key": key,
        "tokens": tokens,
        "cost_usd": float(cost) if isinstance(cost, int | float) else None,
        "is_total": True,
    }


def _count(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0
