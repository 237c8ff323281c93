"""The protocol of Codex: JSON-RPC, a line each (`codex app-server`), as of version 0.169.0.

A thread is begun or gone on with, and its turns are started and interrupted by requests of ours. Edges, and who tells
of them: `turn/started` and `turn/completed`, with how it ended; a request of its own is what it asks, and it goes on
only with the answer; `error` says whether it tries again. Other threads are its subagents: only what they ask counts.
"""

import re
from collections.abc import Mapping
from functools import partial

from orchestrd import __version__
from orchestrd.core.wording import Fields, fields_of, one_line, readable, text_of
from orchestrd.hosting.asking import ALLOW, ALWAYS, DENY, LABELS, Ask
from orchestrd.hosting.codex_items import call_of, outcome_of, paths_of
from orchestrd.hosting.talk import Talk

CLIENT = {"name": "orchestrd", "title": "orchestrd", "version": __version__}
_VERSION = re.compile(r"/(\d+(?:\.\d+)+\S*)")
STOP = "stop"
_DECISIONS = {ALLOW: "accept", ALWAYS: "acceptForSession", STOP: "cancel", DENY: "decline"}  # the last refuses, as ever
_LABELS = {**LABELS, DENY: "No, and go on", STOP: "No, and end the turn"}
LIMITS = frozenset({"usageLimitExceeded", "rateLimitExceeded", "sessionBudgetExceeded"})
LIMIT_STATUS = 429
FULL_PERCENT = 100
NO_SUCH_METHOD = -32601


class CodexTalk(Talk):
    """Talks to one app server of Codex, about one thread."""

    def __init__(self, name: str, *, directory: str, conversation: str | None = None, is_denying: bool = False) -> None:
        super().__init__(name, is_denying=is_denying)
        self._directory = directory
        self._thread = conversation
        self._turn: str | None = None
        self._requests: dict[int, str] = {}  # that are not answered, by their numbers
        self._made = 0
        self._changes: dict[str, str] = {}  # files that are about to be changed, by the item that does so
        self._resets: list[tuple[float, float]] = []  # of each window of use: how full, and until when

    def begin(self) -> None:
        self._request("initialize", clientInfo=CLIENT)

    def _interrupt(self) -> None:
        self._request("turn/interrupt", threadId=self._thread, turnId=self._turn)

    def _give(self, text: str) -> None:
        said = {"type": "text", "text": text, "text_elements": []}
        self._request("turn/start", threadId=self._thread, input=[said])

    def _request(self, method: str, **params: object) -> None:
        self._made += 1
        self._requests[self._made] = method
        self.say({"id": self._made, "method": method, "params": params})

    # ---- what it says ------------------------------------------------------------------------------------------------

    def _hear(self, message: Fields) -> None:
        method, params = text_of(message, "method"), fields_of(message.get("params"))
        if not method:
            self._on_response(message)
        elif "id" in message:
            self._on_request(message.get("id"), method, params)
        elif params.get("threadId") in (None, self._thread):
            self._on_notification(method, params)

    def _on_response(self, message: Fields) -> None:
        number, error = message.get("id"), fields_of(message.get("error"))
        asked = self._requests.pop(number, "") if isinstance(number, int) else ""
        if error:
            self._on_refusal(asked, one_line(text_of(error, "message")) or "an error")
        elif asked == "initialize":
            self._open(fields_of(message.get("result")))
        elif asked in ("thread/start", "thread/resume"):
            thread = fields_of(fields_of(message.get("result")).get("thread"))
            self._thread = text_of(thread, "id")
            self.goes_on_with(self._thread, text_of(thread, "path") or None)
            self.is_ready()

    def _open(self, about: Fields) -> None:
        version = _VERSION.search(text_of(about, "userAgent"))
        self.note(version=version[1] if version else None)
        self.say({"method": "initialized"})
        if self._thread is None:
            self._request("thread/start", cwd=self._directory)
        else:
            self._request("thread/resume", threadId=self._thread, cwd=self._directory, excludeTurns=True)

    def _on_refusal(self, asked: str, error: str) -> None:
        self.log(f"! {asked}: {error}")
        if asked == "turn/start":
            self.turn_ended("failed", error)
        elif asked != "turn/interrupt":
            self.is_hopeless = True

    def _on_notification(self, method: str, params: Fields) -> None:
        match method:
            case "turn/started":
                self._turn = text_of(fields_of(params.get("turn")), "id")
                self.turn_began()
            case "turn/completed":
                self._on_completed(fields_of(params.get("turn")))
            case "item/started":
                self._on_item(fields_of(params.get("item")))
            case "item/completed":
                self._on_item_done(fields_of(params.get("item")))
            case "thread/tokenUsage/updated":
                self.note(spent=[self._spent(fields_of(fields_of(params.get("tokenUsage")).get("total")))])
            case "account/rateLimits/updated":
                self._on_rate_limits(fields_of(params.get("rateLimits")))
            case "error" if params.get("willRetry") is True:
                self._on_retry(fields_of(params.get("error")))
            case "serverRequest/resolved":
                self.withdraw(params.get("requestId"))
            case _:
                pass

    def _on_item(self, item: Fields) -> None:
        if item.get("type") == "fileChange":
            self._changes = {text_of(item, "id"): paths_of(item)}
        if call := call_of(item):
            self.went_on("tool", call)

    def _on_item_done(self, item: Fields) -> None:
        if item.get("type") == "agentMessage" and (text := readable(text_of(item, "text"))):
            self.log(text)
            self.went_on("words", text)
        elif item.get("type") == "contextCompaction":
            self.log("[the conversation so far was summarised]")
        elif call := call_of(item):
            self.log(f"* {call}: {outcome_of(item)}")

    def _on_retry(self, error: Fields) -> None:
        said = f"an error of the API, and it tries again: {one_line(text_of(error, 'message'))}"
        self.log(f"! {said}")
        self.went_on("retry", said)

    def _on_completed(self, turn: Fields) -> None:
        error, status = fields_of(turn.get("error")), turn.get("status")
        self._turn = None
        if status == "interrupted":
            self.log("[interrupted by the user]")
            self.turn_ended("interrupted")
        elif status != "failed":
            self.turn_ended("over", _last_words(turn))
        else:
            said = one_line(text_of(error, "message")) or "an error"
            self.log(f"! {said}")
            is_limit = _is_limit(error.get("codexErrorInfo"))
            self.turn_ended("limited" if is_limit else "failed", said, until=self._reset() if is_limit else None)

    def _on_rate_limits(self, limits: Fields) -> None:
        windows = [fields_of(limits.get(name)) for name in ("primary", "secondary")]
        told = [(window.get("usedPercent"), window.get("resetsAt")) for window in windows]
        self._resets = [
            (float(used), float(until))
            for used, until in told
            if isinstance(used, int | float) and isinstance(until, int | float)
        ]

    def _reset(self) -> float | None:
        """Say when what is used up is there again: of several windows that are full, the one that opens last."""
        return max((until for used, until in self._resets if used >= FULL_PERCENT), default=None)

    def _spent(self, total: Fields) -> Fields:
        """Give what the thread has spent so far; what was read from the cache is counted in its input as well."""
        counts = {name: value if isinstance(value := total.get(name), int) else 0 for name in _COUNTERS}
        read, written = counts["cachedInputTokens"], counts["cacheWriteInputTokens"]
        fresh = counts["inputTokens"] - read - written
        tokens = {"input": fresh, "output": counts["outputTokens"], "cache_read": read, "cache_write": written}
        return {
            "key": self._thread,
            "tokens": {name: max(0, count) for name, count in tokens.items()},
            "is_total": True,
        }

    # ---- what it asks ------------------------------------------------------------------------------------------------

    def _on_request(self, request: object, method: str, params: Fields) -> None:
        match method:
            case "item/commandExecution/requestApproval":
                self._ask_approval(request, f"run: {text_of(params, 'command')}", params)
            case "item/fileChange/requestApproval":
                self._ask_approval(request, f"edit: {self._changes.get(text_of(params, 'itemId'), 'files')}", params)
            case "item/permissions/requestApproval":
                granted = {"permissions": _given(params.get("permissions")), "scope": "turn"}
                self._ask_either(request, "more permissions", params, granted, {"permissions": {}, "scope": "turn"})
            case "mcpServer/elicitation/request":
                accepted: Fields = {"action": "accept", "content": {}, "_meta": None}
                self._ask_either(request, "", params, accepted, {"action": "decline", "content": None, "_meta": None})
            case "item/tool/requestUserInput":
                self.ask_each(request, _questions(params), partial(self._reply_with_answers, request))
            case _:
                error = {"code": NO_SUCH_METHOD, "message": f"this host cannot do {one_line(method)}"}
                self.say({"id": request, "error": error})

    def _ask_approval(self, request: object, what: str, params: Fields) -> None:
        offered = params.get("availableDecisions")
        known = [key for key, decision in _DECISIONS.items() if not isinstance(offered, list) or decision in offered]
        keys = [key for key in _DECISIONS if key in (*known, ALLOW, DENY)]  # both are always taken
        replies = {key: {"decision": _DECISIONS[key]} for key in keys}
        self._ask(request, what, params, replies)

    def _ask_either(self, request: object, what: str, params: Fields, yes: Fields, no: Fields) -> None:
        self._ask(request, what or text_of(params, "message"), params, {ALLOW: yes, DENY: no})

    def _ask(self, request: object, what: str, params: Fields, replies: Mapping[str, Fields]) -> None:
        why = one_line(text_of(params, "reason"))
        labels = {key: _LABELS[key] for key in replies}
        text = f"{what} ({why})" if why else what
        self.ask(Ask(request, "permission", text, labels, lambda key, _: self._respond(request, replies[key])))

    def _reply_with_answers(self, request: object, answers: dict[str, str]) -> None:
        self._respond(request, {"answers": {name: {"answers": [answer]} for name, answer in answers.items()}})

    def _respond(self, request: object, result: Fields) -> None:
        self.say({"id": request, "result": result})


_COUNTERS = ("inputTokens", "outputTokens", "cachedInputTokens", "cacheWriteInputTokens")


def _is_limit(info: object) -> bool:
    """Tell whether an error is one of what may be used; it is a word, or a word with the status of an answer."""
    if isinstance(info, str):
        return info in LIMITS
    return any(fields_of(detail).get("httpStatusCode") == LIMIT_STATUS for detail in fields_of(info).values())


def _last_words(turn: Fields) -> str | None:
    items = turn.get("items")
    told = [fields_of(item) for item in items] if isinstance(items, list) else []
    return next((text for item in reversed(told) if (text := text_of(item, "text"))), None)


def _given(permissions: object) -> Fields:
    """Grant what was asked for, and nothing that was left open."""
    return {name: value for name, value in fields_of(permissions).items() if value is not None}


def _questions(params: Fields) -> list[tuple[str, str, list[str]]]:
    asked = params.get("questions")
    told = [fields_of(question) for question in asked] if isinstance(asked, list) else []
    return [(text_of(one, "id"), text_of(one, "question"), _labels(one)) for one in told]


def _labels(question: Fields) -> list[str]:
    options = question.get("options")
    return [text_of(fields_of(option), "label") for option in options] if isinstance(options, list) else []
