// The plugin by which orchestrd hears OpenCode. It is loaded for one run, by a variable of its environment.
//
// It appends what happens to $ORCH_RUN_DIR/hooks.jsonl, one line and one write each, and nudges the daemon:
//
//     {"at":1795253555.468,"opencode":{"type":"session.status","session":"ses_..","status":"busy","busy":1}}
//
// Each line also says how it all stands by then: `busy`, how many conversations of the user's are at work (a subagent's
// counts for its parent), and `asked`, the decision that is open. So a line that is lost is made good by the next.
//
// A decision that is asked for is held in `answers/<id>` of the run directory, a FIFO: what is written there, one line
// of JSON, is the answer as OpenCode's own API takes it. Whoever answers first counts, here or at the screen.
//
// Invariants: nothing here throws into OpenCode, prints, or waits; a line is never longer than its reader takes.

import { spawnSync } from "node:child_process"
import { closeSync, constants, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs"

const PROMPT_BYTES_MAX = 400_000 // of a prompt in JSON; of a longer one only the beginning is told
const PROMPT_CHARS_MIN = 60_000 // which fit, whatever they are
const TOLD_MAX = 2_000 // of anything else
const KNOWN_MAX = 1_000 // conversations, messages and calls that are remembered
const FEW = 12 // of what a decision lists
const QUIET_MS = 60_000 // while the model goes on talking, its silence is never longer
const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOFOLLOW
const HOLDING = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW // both ends: it never reads an end
const ID = /^[A-Za-z0-9_-]{1,100}$/

const cut = (text, most = TOLD_MAX) => (typeof text === "string" ? text.slice(0, most) : undefined)

const fitting = (text) =>
  Buffer.byteLength(JSON.stringify(text)) <= PROMPT_BYTES_MAX ? text : cut(text, PROMPT_CHARS_MIN)

function quietly(act) {
  try {
    return act()
  } catch {
    return undefined
  }
}

function append(path, line) {
  quietly(() => {
    const file = openSync(path, APPENDING)
    try {
      writeSync(file, line)
    } finally {
      closeSync(file)
    }
  })
}

/** A set that forgets its oldest members, so that a long run does not grow it for ever. */
class Bounded extends Set {
  add(member) {
    if (this.size >= KNOWN_MAX && !this.has(member)) this.delete(this.values().next().value)
    return super.add(member)
  }
}

/** Holds a FIFO open for each decision, and hands on each line that somebody writes there. */
class Answers {
  #folder
  #held = new Map()

  constructor(folder) {
    this.#folder = folder
  }

  has(id) {
    return this.#held.has(id)
  }

  hold(id, take) {
    return quietly(() => {
      if (!ID.test(id) || this.#held.has(id)) return
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      const path = `${this.#folder}/${id}`
      if (spawnSync("mkfifo", ["-m", "600", path]).status !== 0) return
      const file = openSync(path, HOLDING)
      const reader = Bun.file(file).stream().getReader()
      this.#held.set(id, { file, path, reader })
      this.#listen(id, reader, take)
    })
  }

  async #listen(id, reader, take) {
    const decoder = new TextDecoder()
    let said = ""
    try {
      while (this.#held.has(id)) {
        const { done, value } = await reader.read()
        if (done) return
        said = (said + decoder.decode(value, { stream: true })).slice(-PROMPT_CHARS_MIN)
        const lines = said.split("\n")
        said = lines.pop()
        for (const line of lines) await take(JSON.parse(line))
      }
    } catch {
      this.drop(id) // what was written is no answer, or OpenCode takes none: it is asked at its screen alone
    }
  }

  drop(id) {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    quietly(() => unlinkSync(held.path))
    held.reader.cancel().catch(() => {}).finally(() => quietly(() => closeSync(held.file)))
  }

  dropAll() {
    for (const id of [...this.#held.keys()]) this.drop(id)
  }
}

/** What is known of this run, and how each event changes it. */
class Teller {
  #client
  #directory
  #answers
  #denies
  #busy = new Map() // conversations at work, each with the status it had last
  #children = new Bounded()
  #asks = new Map() // open decisions, the one that its screen shows first
  #prompts = new Bounded() // the user's messages whose text is still to come
  #told = new Bounded()
  #answer // the newest text of the model that is complete
  #spokenAt = 0

  constructor(client, directory, denies) {
    this.#client = client
    this.#directory = directory
    this.#denies = denies
    this.#answers = new Answers(`${directory}/answers`)
  }

  tell(type, session, said = {}) {
    const busy = [...this.#busy.keys()].filter((id) => !this.#children.has(id)).length
    const child = this.#children.has(session) || undefined
    const [first] = this.#asks.values()
    const asked = first && { ...first, held: this.#answers.has(first.id) }
    const payload = { type, session, child, ...said, busy, asked }
    append(`${this.#directory}/hooks.jsonl`, `${JSON.stringify({ at: Date.now() / 1000, opencode: payload })}\n`)
    this.#spokenAt = Date.now()
    append(`${process.env.ORCH_HOME}/run/nudge`, `${process.env.ORCH_SESSION}\n`)
  }

  /** Tells that it is there, as soon as its own server can be asked which version it is. */
  loaded() {
    const tell = (version) => this.tell("plugin.loaded", undefined, { version: cut(version) })
    this.#client.get({ url: "/global/health" }).then(({ data }) => tell(data?.version), () => tell())
  }

  heard({ type, properties }) {
    const handler = HANDLERS[type]
    if (handler !== undefined) this[handler](properties, type)
  }

  onSession({ info }, type) {
    if (info.parentID) this.#children.add(info.id)
    if (type === "session.created") this.tell(type, info.id)
  }

  onStatus({ sessionID, status }, type) {
    const is = `${status.type} ${status.attempt ?? ""}`
    if ((this.#busy.get(sessionID) ?? "idle ") === is) return
    const { attempt, next } = status
    const said = { status: status.type, attempt, next, error: cut(status.message) }
    if (status.type === "idle") {
      this.#busy.delete(sessionID)
      this.#abandon(sessionID)
      if (!this.#children.has(sessionID)) said.answer = this.#answer
    } else {
      if (this.#busy.size === 0) this.#answer = undefined
      this.#busy.set(sessionID, is)
    }
    this.tell(type, sessionID, said)
  }

  onError({ sessionID, error }, type) {
    if (sessionID) this.tell(type, sessionID, told(error))
  }

  onMessage({ info }, type) {
    if (info.role === "user") return void (this.#told.has(info.id) || this.#prompts.add(info.id))
    const { input, output, reasoning, cache } = info.tokens ?? {}
    const is = `${info.id} ${input} ${output} ${info.error?.name}`
    if (this.#told.has(is) || !(input || output || info.error)) return
    this.#told.add(is)
    const tokens = { input, output: output + (reasoning ?? 0), read: cache?.read, write: cache?.write }
    this.tell(type, info.sessionID, { message: info.id, tokens, cost: info.cost, ...told(info.error) })
  }

  onPart({ part }) {
    if (part.type === "tool") this.#onTool(part)
    if (part.type !== "text" || part.synthetic || part.ignored || this.#children.has(part.sessionID)) return
    if (this.#prompts.delete(part.messageID)) {
      this.#told.add(part.messageID)
      this.tell("prompt", part.sessionID, { text: fitting(part.text) })
    } else if (part.time?.end) this.#answer = cut(part.text)
  }

  onDelta({ sessionID }) {
    if (Date.now() - this.#spokenAt > QUIET_MS) this.tell("progress", sessionID)
  }

  #onTool({ sessionID, callID, tool, state }) {
    if (state.status !== "running" || this.#told.has(callID)) return
    this.#told.add(callID)
    const { command, filePath, path, url, query, pattern, prompt, description } = state.input ?? {}
    const input = { command, path: filePath ?? path, url, query, pattern, prompt, description }
    for (const name in input) input[name] = cut(input[name])
    this.tell("tool", sessionID, { tool: cut(tool), input })
  }

  onAsked(asked, type) {
    const kind = type.split(".")[0]
    if (this.#denies && kind === "permission") return void this.#refuse(asked.id)
    this.#answers.hold(asked.id, (answer) => this.#reply(kind, asked.id, answer))
    const questions = asked.questions?.slice(0, FEW).map((question) => ({
      text: cut(question.question),
      labels: question.options?.slice(0, FEW).map((option) => cut(option.label)),
    }))
    const patterns = asked.patterns?.slice(0, FEW).map((pattern) => cut(pattern))
    const { id, sessionID: session, permission } = asked
    this.#asks.set(id, { id, session, kind, permission, patterns, questions })
    this.tell(type, session)
  }

  onReplied({ sessionID, requestID, reply }, type) {
    this.#asks.delete(requestID)
    this.#answers.drop(requestID)
    this.tell(type, sessionID, { reply })
  }

  async #reply(kind, id, { reject, ...body }) {
    const url = `/${kind}/${id}/${reject ? "reject" : "reply"}`
    const { error } = await this.#client.post({ url, body, headers: { "Content-Type": "application/json" } })
    if (error !== undefined) throw new Error("not taken")
  }

  #refuse(id) {
    const answer = { reply: "reject", message: "this session refuses whatever needs permission" }
    this.#reply("permission", id, answer).catch(() => {}) // then its dialog stays open, and is seen on its screen
  }

  /** An interrupt ends the questions of a turn without a word on them. */
  #abandon(session) {
    for (const asked of [...this.#asks.values()]) {
      if (asked.session !== session) continue
      this.#asks.delete(asked.id)
      this.#answers.drop(asked.id)
    }
  }

  ended() {
    this.#answers.dropAll()
    this.tell("plugin.ended")
  }
}

const HANDLERS = {
  "session.created": "onSession",
  "session.updated": "onSession",
  "session.status": "onStatus",
  "session.error": "onError",
  "message.updated": "onMessage",
  "message.part.updated": "onPart",
  "message.part.delta": "onDelta",
  "permission.asked": "onAsked",
  "permission.replied": "onReplied",
  "question.asked": "onAsked",
  "question.replied": "onReplied",
  "question.rejected": "onReplied",
}

function told(error) {
  if (!error) return {}
  return { name: cut(error.name), error: cut(error.data?.message), code: error.data?.statusCode }
}

async function server({ client }, options) {
  const directory = process.env.ORCH_RUN_DIR
  if (!directory) return {}
  const teller = new Teller(client._client, directory, options?.denies === true)
  teller.loaded()
  return {
    event: async ({ event }) => void quietly(() => teller.heard(event)),
    // Programs that its tools run are not this run: an OpenCode among them is not to speak for it.
    "shell.env": async (_, output) => void quietly(() => (output.env.OPENCODE_CONFIG_CONTENT = "")),
    dispose: async () => void quietly(() => teller.ended()),
  }
}

export default { id: "orchestrd", server }
