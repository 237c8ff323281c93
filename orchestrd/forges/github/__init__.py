"""GitHub, and GitHub Enterprise: pull requests, checks, reviews, issues, merging and webhooks.

What is asked and how it is read is pure (`query`, `answers`, `checks`, `reviews`, `reading`, `logs`, `faults`); one
`GitHubClient` a host asks, within what may be asked (`orchestrd.core.allowance`); `GitHubForge` puts it
together. A field that GitHub did not answer is unknown, and never taken for "there is none".
"""

from orchestrd.forges.github.adapter import forge as forge
