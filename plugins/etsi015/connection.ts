// One connected ETSI 015 node: reads it, makes it so, hands its notifications on. Remembers what the node's
// configuration was last seen or made to be, so that an edit says only what changes; forgets it at any doubt.

import {
  Channel,
  type DriverHost,
  type NetconfClientSession,
  type NetconfNotification,
  type NodeConfig,
  type NodeConnection,
  nodeConfigFromData,
  type NodeEvent,
  nodeEventFromNotification,
  type NodeState,
  nodeStateFromData,
  QkdError,
} from "../../src/plugin/index.js"
import type { Abilities } from "./abilities.js"
import { assertTakes, editsBetween, type Entries, entriesOf } from "./entries.js"
import type { DeviceProfile } from "./profile.js"
import { refuseXml } from "./refuse.js"
import { dataFromXml, editXml, type EntryEdit, eventFromXml, NODE_NS } from "./wire.js"

const NODE_FILTER = `<qkd_node xmlns="${NODE_NS}"/>`

export interface Sessions {
  /** Carries requests. */
  readonly requests: NetconfClientSession
  /** Carries notifications; the same one where the node interleaves. Absent where it has none. */
  readonly events?: NetconfClientSession
}

export class Etsi015Connection implements NodeConnection {
  readonly events = new Channel<NodeEvent>()
  readonly refuse?: NonNullable<NodeConnection["refuse"]>
  readonly #sessions: Sessions
  readonly #abilities: Abilities
  readonly #profile: DeviceProfile
  readonly #host: DriverHost
  #known: Entries | undefined
  #qkdnId: string | undefined
  #closed = false
  #writes = 0
  /** Edits go one after the other: each is worked out against what the one before it left. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(sessions: Sessions, abilities: Abilities, profile: DeviceProfile, host: DriverHost) {
    this.#sessions = sessions
    this.#abilities = abilities
    this.#profile = profile
    this.#host = host
    if (abilities.keyloom) this.refuse = (request) => this.#refuse(request)
    for (const session of new Set([sessions.requests, sessions.events])) {
      void session?.closedReason.then(() => {
        this.events.end()
      })
    }
    if (sessions.events !== undefined) void this.#listen(sessions.events)
  }

  async read(): Promise<NodeState> {
    const writes = this.#writes
    const data = dataFromXml(await this.#asked((session, o) => session.get(NODE_FILTER, o)))
    const state = nodeStateFromData(data)
    // What was read before an edit says nothing of what is there after it.
    if (writes === this.#writes) this.#learn(nodeConfigFromData(data))
    return state
  }

  apply(desired: NodeConfig): Promise<void> {
    const done = this.#tail.then(() => this.#apply(desired))
    this.#tail = done.catch(() => undefined)
    return done
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.events.abandon()
    const { requests, events } = this.#sessions
    await Promise.all([requests.close(), events === requests ? undefined : events?.close()])
  }

  async #apply(desired: NodeConfig): Promise<void> {
    assertTakes(desired, this.#profile)
    const wanted = entriesOf(desired, this.#abilities.keyloom, this.#profile)
    const fresh = this.#known === undefined
    const before = this.#known ?? (await this.#readConfig())
    if (this.#qkdnId !== desired.qkdnId.toLowerCase())
      throw new QkdError("invalid-value", "this is another node's configuration", {
        path: "/qkd_node/qkdn_id",
      })
    const edits = editsBetween(before, wanted)
    if (edits.length === 0) return
    // Until the node has confirmed, nothing is known for certain.
    this.#known = undefined
    try {
      await this.#write(edits, before)
    } catch (error) {
      // Somebody else wrote to this node meanwhile: look again, once.
      if (fresh || !isStale(error)) throw error
      const actual = await this.#readConfig()
      const again = editsBetween(actual, wanted)
      if (again.length > 0) await this.#write(again, actual)
    }
    this.#known = wanted
  }

  async #readConfig(): Promise<Entries> {
    const data = dataFromXml(
      await this.#asked((session, o) => session.getConfig("running", NODE_FILTER, o)),
    )
    return this.#learn(nodeConfigFromData(data))
  }

  #learn(config: NodeConfig): Entries {
    this.#qkdnId = config.qkdnId
    this.#known = entriesOf(config, this.#abilities.keyloom, this.#profile)
    return this.#known
  }

  async #write(edits: readonly EntryEdit[], before: Entries): Promise<void> {
    const { target, rollbackOnError } = this.#abilities
    this.#writes += 1
    const xml = editXml(edits)
    if (target === "candidate") {
      await this.#writeCandidate(xml)
      return
    }
    try {
      await this.#asked((session, o) =>
        session.editConfig("running", xml, {
          ...o,
          ...(rollbackOnError && { errorOption: "rollback-on-error" }),
        }),
      )
    } catch (error) {
      if (!rollbackOnError && !isUnreachable(error)) await this.#undo(before, error)
      throw error
    }
  }

  async #writeCandidate(xml: string): Promise<void> {
    try {
      await this.#asked((session, o) => session.editConfig("candidate", xml, o))
      await this.#asked((session, o) => session.rpc("<commit/>", o))
    } catch (error) {
      if (!isUnreachable(error))
        await this.#asked((session, o) => session.rpc("<discard-changes/>", o))
      throw error
    }
  }

  /** A node that cannot roll back may have done a part: put back what was there. */
  async #undo(before: Entries, cause: unknown): Promise<void> {
    try {
      const back = editsBetween(await this.#readConfig(), before)
      if (back.length > 0)
        await this.#asked((session, o) => session.editConfig("running", editXml(back), o))
    } catch {
      throw new QkdError("rollback-failed", "a refused change was left half done", { cause })
    } finally {
      this.#known = undefined
    }
  }

  async #refuse(request: Parameters<NonNullable<NodeConnection["refuse"]>>[0]): Promise<void> {
    await this.#asked((session, o) => session.rpc(refuseXml(request), o))
  }

  async #asked<T>(
    ask: (session: NetconfClientSession, options: { timeoutMs: number }) => Promise<T>,
  ): Promise<T> {
    if (this.#closed || this.#host.signal.aborted)
      throw new QkdError("operation-failed", "the connection is closed", { appTag: "closed" })
    try {
      return await ask(this.#sessions.requests, { timeoutMs: this.#profile.timeoutMs })
    } catch (error) {
      if (error instanceof QkdError && error.appTag === "closed")
        throw new QkdError("operation-failed", error.message, {
          appTag: "node-unreachable",
          cause: error,
        })
      throw error
    }
  }

  async #listen(session: NetconfClientSession): Promise<void> {
    for await (const notification of session.notifications) {
      const event = this.#eventOf(notification)
      if (event !== undefined) this.events.push(event)
    }
    this.events.end()
  }

  #eventOf({ event }: NetconfNotification): NodeEvent | undefined {
    if (event.ns !== NODE_NS) return undefined
    try {
      return nodeEventFromNotification(event.name, eventFromXml(event))
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

/** The node's configuration was not what it was thought to be (RFC 6241 section 7.2, create and delete). */
function isStale(error: unknown): boolean {
  return error instanceof QkdError && (error.tag === "data-exists" || error.tag === "data-missing")
}

function isUnreachable(error: unknown): boolean {
  return (
    error instanceof QkdError && (error.appTag === "node-unreachable" || error.appTag === "timeout")
  )
}
