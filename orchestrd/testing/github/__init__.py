"""A GitHub for tests: it has a state, answers as GitHub does, and can be made to fail; see `FakeGitHub`."""

from orchestrd.testing.github.fake import FakeGitHub as FakeGitHub
from orchestrd.testing.github.http import Request as Request
from orchestrd.testing.github.http import Response as Response
from orchestrd.testing.github.repository import Check as Check
from orchestrd.testing.github.repository import Issue as Issue
from orchestrd.testing.github.repository import Pull as Pull
from orchestrd.testing.github.repository import Repository as Repository
from orchestrd.testing.github.repository import Review as Review
from orchestrd.testing.github.repository import Thread as Thread
from orchestrd.testing.github.server import GitHubServer as GitHubServer
