// One connected ETSI 015 node: reads it, makes it so, hands its notifications on. Remembers what the node's
// configuration was last seen or made to be, so that an edit says only what changes; forgets it at any doubt.
// How edits get there is the writer's matter.

import {
  Channel,
  type DriverHost,
  type JsonObject,
  KEYLOOM_MODULE,
  type NetconfClientSession,
  type NetconfNotification,
  type NodeConfig,
  type NodeConnection,
  nodeConfigFromData,
  type NodeEvent,
  nodeEventFromNotification,
  type NodePlan,
  type NodeState,
  nodeStateFromData,
  QkdError,
  type RpcOptions,
  type XmlElement,
} from "../../src/plugin/index.js"
import type { Abilities } from "./abilities.js"
import { configurationNews } from "./config-news.js"
import {
  assertTakes,
  droppedLeaves,
  editsBetween,
  type Entries,
  entriesOf,
  isSame,
  type KnownEntries,
  pathOf,
} from "./entries.js"
import type { Listening } from "./listening.js"
import { LEARNABLE, type DeviceProfile } from "./profile.js"
import { refuseXml } from "./rpcs.js"
import { statusesIn, withStatus } from "./status.js"
import { dataFromXml, type EntryEdit, editXml, eventFromXml, KEYLOOM_NS, NODE_NS } from "./wire.js"
import { isUnreachable, Writer } from "./writer.js"

const NODE_FILTER = `<qkd_node xmlns="${NODE_NS}"/>`
const ID_FILTER = `<qkd_node xmlns="${NODE_NS}"><qkdn_id/></qkd_node>`
const NODE_XPATH = { select: "/n:qkd_node", namespaces: { n: NODE_NS } }

export interface Sessions {
  /** Carries requests. */
  readonly requests: NetconfClientSession
  /** What the node tells; over the same session where it interleaves. Absent where it tells nothing. */
  readonly events?: Listening
}

/** A provisional commit: what the node goes back to, and when, unless it is confirmed. */
interface Held {
  readonly entries: Entries
  readonly untilMs: number
}

export class Etsi015Connection implements NodeConnection {
  readonly events = new Channel<NodeEvent>()
  readonly refuse?: NonNullable<NodeConnection["refuse"]>
  readonly hold?: NonNullable<NodeConnection["hold"]>
  readonly ping?: NonNullable<NodeConnection["ping"]>
  readonly #sessions: Sessions
  readonly #abilities: Abilities
  readonly #profile: DeviceProfile
  readonly #host: DriverHost
  readonly #writer: Writer
  /** Leaves this node does not take: by profile, and as it has shown. */
  readonly #leftOut: Set<string>
  /** What was written before is not worked out again. */
  #entries: KnownEntries = new WeakMap()
  #known: Entries | undefined
  #statuses: ReadonlyMap<string, string> = new Map()
  #qkdnId: string | undefined
  #held: Held | undefined
  #closed = false
  #writes = 0
  /** Edits go one after the other: each is worked out against what the one before it left. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(sessions: Sessions, abilities: Abilities, profile: DeviceProfile, host: DriverHost) {
    this.#sessions = sessions
    this.#abilities = abilities
    this.#profile = profile
    this.#host = host
    this.#leftOut = new Set(profile.omit)
    this.#writer = new Writer(sessions.requests, abilities, profile, host, () => this.#readConfig())
    if (profile.filter === "subtree") this.ping = () => this.#ping()
    if (abilities.keyloom) this.refuse = (request) => this.#refuse(request)
    if (abilities.confirmedCommit)
      this.hold = (desired, timeoutS) => this.#queued(() => this.#make(desired, timeoutS))
    for (const session of new Set([sessions.requests, sessions.events?.session])) {
      void session?.closedReason.then(() => {
        this.events.end()
      })
    }
    if (sessions.events !== undefined) void this.#listen(sessions.events)
    sessions.events?.onChanges?.((event) => {
      this.events.push(event)
    })
    if (profile.pollS !== undefined) void this.#poll(profile.pollS * 1000)
  }

  /** Takes over what an earlier connection left provisional. To be called first. */
  settle(): Promise<void> {
    return this.#queued(() => this.#asked(() => this.#writer.settle()))
  }

  async read(): Promise<NodeState> {
    const writes = this.#writes
    const data = dataFromXml(
      await this.#asked((session, o) =>
        this.#narrowed((filter, more) => session.get(filter, { ...o, ...more })),
      ),
    )
    const state = nodeStateFromData(data)
    // What was read before an edit says nothing of what is there after it.
    if (writes === this.#writes) this.#learn(data)
    const keyloom = this.#abilities.keyloom ? [] : ["keyloom-node"]
    return {
      ...state,
      driven: { profile: this.#profile.name, leftOut: [...this.#leftOut, ...keyloom] },
    }
  }

  async apply(desired: NodeConfig): Promise<void> {
    await this.#queued(() => this.#make(desired, undefined))
  }

  plan(desired: NodeConfig): Promise<NodePlan> {
    return this.#queued(async () => {
      const { before, wanted } = await this.#compare(desired)
      const edits = this.#editsFrom(before, wanted)
      return {
        way: this.#writer.way(this.hold !== undefined),
        edits: edits.map((edit) => ({ operation: edit.operation, path: pathOf(edit) })),
        payload: edits.length === 0 ? "" : editXml(edits, this.#profile.identityPrefix),
      }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.events.abandon()
    const { requests } = this.#sessions
    const events = this.#sessions.events?.session
    await Promise.all([requests.close(), events === requests ? undefined : events?.close()])
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work)
    this.#tail = done.catch(() => undefined)
    return done
  }

  /** @returns whether what was asked for is there provisionally. */
  async #make(desired: NodeConfig, holdS: number | undefined): Promise<boolean> {
    for (;;) {
      assertTakes(desired, this.#leftOut)
      const { before, wanted, fresh } = await this.#compare(desired)
      try {
        await this.#asked(() => this.#reach(before, wanted, holdS))
        return this.#held !== undefined
      } catch (error) {
        this.#known = undefined
        if (this.#learnsFrom(error)) continue
        // Somebody else wrote to this node meanwhile: look again, once.
        if (fresh || !isStale(error)) throw error
      }
    }
  }

  async #compare(
    desired: NodeConfig,
  ): Promise<{ before: Entries; wanted: Entries; fresh: boolean }> {
    // Not confirmed in time: by now the node has taken it back.
    if (this.#held !== undefined && this.#host.now() >= this.#held.untilMs) this.#forget()
    const wanted = entriesOf(desired, this.#abilities.keyloom, this.#leftOut, this.#entries)
    const fresh = this.#known === undefined
    const before = this.#known ?? (await this.#readConfig())
    if (this.#qkdnId !== desired.qkdnId.toLowerCase())
      throw new QkdError("invalid-value", "this is another node's configuration", {
        path: "/qkd_node/qkdn_id",
      })
    return { before, wanted, fresh }
  }

  async #reach(before: Entries, wanted: Entries, holdS: number | undefined): Promise<void> {
    const held = this.#held
    const edits = this.#editsFrom(before, wanted)
    if (edits.length === 0 && (held === undefined || holdS !== undefined)) return
    this.#writes += 1
    // Until the node has confirmed, nothing is known for certain.
    this.#known = undefined
    const untilMs = this.#host.now() + (holdS ?? 0) * 1000
    if (edits.length === 0) await this.#writer.confirm()
    else if (held !== undefined && holdS === undefined && isSame(held.entries, wanted))
      await this.#writer.cancel()
    else {
      const confirms = held !== undefined
      await this.#writer.write({ edits, before, confirms, ...(holdS !== undefined && { holdS }) })
    }
    const taught = this.#leftOut.size
    if (edits.length > 0 && this.#profile.readBack)
      await this.#assertHolds(before, wanted, held !== undefined || holdS !== undefined)
    if (holdS === undefined) this.#held = undefined
    else this.#held = { entries: held?.entries ?? before, untilMs }
    // A confirmation that came when time was up may have confirmed nothing: then the node must be read.
    const learnt = this.#leftOut.size > taught
    if (held === undefined || this.#host.now() < held.untilMs)
      this.#known = learnt ? undefined : wanted
    else if (holdS === undefined) throw stale()
  }

  /**
   * A node may say ok and do something else. What only describes and is not there is from now on left out; for
   * anything else the change is undone.
   */
  async #assertHolds(before: Entries, wanted: Entries, confirms: boolean): Promise<void> {
    const actual = await this.#readConfig()
    const missing = editsBetween(actual, wanted)
    if (missing.length === 0) return
    const dropped = this.#profile.learn ? droppedLeaves(actual, wanted) : undefined
    if (dropped !== undefined) {
      for (const leaf of dropped) this.#leaveOut(leaf, "the node drops a leaf")
      return
    }
    const back = editsBetween(actual, before)
    if (back.length > 0) await this.#writer.write({ edits: back, before: actual, confirms })
    throw new QkdError("operation-failed", "the node confirmed a change that it does not hold", {
      ...(missing[0] !== undefined && { path: pathOf(missing[0]) }),
    })
  }

  #forget(): void {
    this.#known = undefined
    if (this.#held !== undefined) this.#writer.release()
    this.#held = undefined
  }

  /** Whether the node refused a leaf that only describes, and is from now on written without it. */
  #learnsFrom(error: unknown): boolean {
    if (!this.#profile.learn || !(error instanceof QkdError)) return false
    if (error.tag !== "unknown-element" && error.tag !== "operation-not-supported") return false
    const last = error.path
      ?.replace(/\[[^\]]*\]/g, "")
      .split("/")
      .at(-1)
    const leaf = [error.info?.["bad-element"], last]
      .map((name) => name?.replace(/^.*:/, "") ?? "")
      .find((name) => LEARNABLE.has(name) && !this.#leftOut.has(name))
    if (leaf === undefined) return false
    this.#leaveOut(leaf, "the node refuses a leaf")
    return true
  }

  #leaveOut(leaf: string, why: string): void {
    this.#leftOut.add(leaf)
    this.#entries = new WeakMap()
    this.#host.log("warn", `${why}: it is left out from now on`, { leaf })
    this.events.push({ kind: "resync" })
  }

  #editsFrom(before: Entries, wanted: Entries): readonly EntryEdit[] {
    return withStatus(editsBetween(before, wanted), this.#statuses, this.#profile)
  }

  async #readConfig(): Promise<Entries> {
    return this.#learn(
      dataFromXml(
        await this.#asked((session, o) =>
          this.#narrowed((filter, more) => session.getConfig("running", filter, { ...o, ...more })),
        ),
      ),
    )
  }

  #narrowed(
    read: (
      filterXml: string | undefined,
      more: { xpath?: typeof NODE_XPATH },
    ) => Promise<readonly XmlElement[]>,
  ): Promise<readonly XmlElement[]> {
    const { filter } = this.#profile
    return read(filter === "subtree" ? NODE_FILTER : undefined, {
      ...(filter === "xpath" && { xpath: NODE_XPATH }),
    })
  }

  #learn(data: JsonObject): Entries {
    const config = nodeConfigFromData(data)
    this.#qkdnId = config.qkdnId
    this.#statuses = statusesIn(data)
    this.#known = entriesOf(config, this.#abilities.keyloom, this.#leftOut)
    return this.#known
  }

  /** Its own id: there always is one, and it costs the node next to nothing. */
  async #ping(): Promise<void> {
    await this.#asked((session, o) => session.getConfig("running", ID_FILTER, o))
  }

  async #refuse(request: Parameters<NonNullable<NodeConnection["refuse"]>>[0]): Promise<void> {
    await this.#asked((session, o) => session.rpc(refuseXml(request), o))
  }

  async #asked<T>(
    ask: (session: NetconfClientSession, options: RpcOptions) => Promise<T>,
  ): Promise<T> {
    if (this.#closed || this.#host.signal.aborted)
      throw new QkdError("operation-failed", "the connection is closed", { appTag: "closed" })
    try {
      return await ask(this.#sessions.requests, { timeoutMs: this.#profile.timeoutMs })
    } catch (error) {
      if (isUnreachable(error)) this.#forget()
      if (error instanceof QkdError && error.appTag === "closed")
        throw new QkdError("operation-failed", error.message, {
          appTag: "node-unreachable",
          cause: error,
        })
      throw error
    }
  }

  /** Where the node does not tell, or is not believed to, it is read again and again. */
  async #poll(everyMs: number): Promise<void> {
    try {
      while (!this.events.ended) {
        await this.#host.sleep(everyMs)
        this.events.push({ kind: "resync" })
      }
    } catch {
      // The host was taken back: the connection is over.
    }
  }

  async #listen({ notifications }: Listening): Promise<void> {
    const coming = notifications[Symbol.asyncIterator]()
    const tell = ({ done, value }: IteratorResult<NetconfNotification, unknown>): boolean => {
      if (done === true) return false
      const event = this.#eventOf(value)
      if (event !== undefined) this.events.push(event)
      return true
    }
    // Not `for await`: with a thousand nodes, what it holds of each one's last notification counts.
    while (await coming.next().then(tell));
    this.events.end()
  }

  #eventOf({ event }: NetconfNotification): NodeEvent | undefined {
    const news = configurationNews(event, this.#sessions.requests.sessionId)
    if (news !== undefined) {
      // Somebody else changed the node, or it took a provisional commit back.
      if (news === "taken-back") this.#forget()
      else this.#known = undefined
      return { kind: "resync" }
    }
    if (event.ns !== NODE_NS && event.ns !== KEYLOOM_NS) return undefined
    const name = event.ns === KEYLOOM_NS ? `${KEYLOOM_MODULE}:${event.name}` : event.name
    try {
      return nodeEventFromNotification(name, eventFromXml(event))
    } catch (error) {
      // It cannot be understood, but something happened: the node must be read again.
      if (!this.#host.signal.aborted)
        this.#host.log("warn", "malformed notification", {
          name: event.name,
          path: (error instanceof QkdError ? error.path : undefined) ?? "",
        })
      return { kind: "resync" }
    }
  }
}

function stale(): QkdError {
  return new QkdError("data-missing", "a provisional change was confirmed too late")
}

/** The node's configuration was not what it was thought to be (RFC 6241 section 7.2, create and delete). */
function isStale(error: unknown): boolean {
  return error instanceof QkdError && (error.tag === "data-exists" || error.tag === "data-missing")
}
