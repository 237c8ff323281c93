"""A systemd that remembers what it was asked, and answers as it is told; its units are running or not."""

from orchestrd.client.systemd import Answer
from orchestrd.model.errors import RefusedError


class FakeSystemd:
    """Stands in for the programs of systemd."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.properties: dict[str, str] = {"Version": "252", "MainPID": "0"}
        self.answers: dict[str, Answer] = {}
        self.is_there = True

    def __call__(self, program: str, words: tuple[str, ...], answer_s: float) -> Answer:
        line = " ".join((program, *words))
        if not self.is_there:
            raise RefusedError("there is no systemctl", code="no_systemd", hint="orch daemon start")
        if not line.startswith("systemctl --user show"):
            self.asked.append(line.removeprefix("systemctl --user "))
        for beginning, answer in self.answers.items():
            if line.startswith(beginning):
                return answer
        return self._shown(words) if "show" in words else Answer(0, "", "")

    def _shown(self, words: tuple[str, ...]) -> Answer:
        names = next(word for word in words if word.startswith("--property="))[len("--property=") :].split(",")
        return Answer(0, "".join(f"{name}={self.properties.get(name, '')}\n" for name in names), "")
