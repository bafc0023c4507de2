// The controller's network behind NETCONF and RESTCONF. Running follows the Network: what is decided, wherever it came
// from, is carried into it entry by entry, in order. An edit goes the other way: its difference becomes orders that are
// decided together, all or none, and are durable before the client hears ok.
//
//   edit ─▶ difference ─▶ judged ─▶ transaction ─▶ durable ─▶ running, ok
//   REST, nodes ─▶ decided, durable ─▶ notice ─▶ running, notifications

import type { ControllerPort, InsightPort, Notice } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { Change } from "../model/network.js"
import {
  type EntryChange,
  NetworkConfig,
  networkState,
  orderSame,
  withEntries,
} from "../model/keyloom-network.js"
import type {
  Caller,
  EditRequest,
  NetconfBackend,
  PastEvent,
  PreparedEdit,
  UnconfirmedAbility,
} from "../netconf/backend.js"
import { OWNER } from "../netconf/datastore.js"
import type { NetconfServer } from "../netconf/server.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { accessRules, assertSameRules } from "./network-access.js"
import { NetworkNotices } from "./network-notices.js"
import { errorOfRefusal, ordersBetween } from "./network-orders.js"
import { CHANGING_RPCS, NetworkRpcs } from "./network-rpcs.js"
import type { NorthLog } from "./ports.js"
import { isLink, isMaintenance, isNode, isService } from "./views.js"

export interface NetworkBackendOptions {
  readonly controller: ControllerPort & InsightPort
  /** `networkSchema()`. */
  readonly schema: Schema
  /** When this life of the controller began: notifications are kept since then. Milliseconds since the epoch. */
  readonly startedMs: number
  /** Absent: no `:confirmed-commit`. */
  readonly unconfirmed?: UnconfirmedAbility
  readonly log: NorthLog
}

/** What of the server is needed here. */
export type BackedServer = Pick<NetconfServer, "datastore" | "notify" | "publisher">

export class NetworkBackend implements NetconfBackend {
  readonly schema: Schema
  readonly unconfirmed?: UnconfirmedAbility
  /** The configuration to open the server with. */
  readonly initial: JsonObject
  readonly #controller: ControllerPort & InsightPort
  readonly #log: NorthLog
  readonly #config: NetworkConfig
  readonly #notices: NetworkNotices
  readonly #rpcs: NetworkRpcs
  #server: BackedServer | undefined
  /** Changes of the configuration that running does not show yet. */
  #behind: EntryChange[] = []
  #catchingUp: Promise<void> | undefined
  readonly #untold: Notice[] = []
  /** What the edit that is being decided makes of entries: running shows it without being told. */
  #editing: readonly EntryChange[] = []
  /** Trees that say what the network is already: nothing is ordered by them. */
  readonly #own = new WeakSet()
  readonly #stopListening: () => void

  constructor(options: NetworkBackendOptions) {
    const { controller, schema, unconfirmed, log } = options
    this.schema = schema
    if (unconfirmed !== undefined) this.unconfirmed = unconfirmed
    this.#controller = controller
    this.#log = log
    const network = controller.network()
    this.#config = new NetworkConfig(network)
    this.#notices = new NetworkNotices(network, controller.epoch, options.startedMs)
    this.#rpcs = new NetworkRpcs(controller)
    this.initial = { ...this.#config.data(), ...accessRules() }
    this.#stopListening = controller.onNotice((notice) => {
      this.#hear(notice)
    })
  }

  /** The server that serves this backend. To be called in the same turn of the event loop that made both. */
  attach(server: BackedServer): void {
    this.#server = server
    this.#catchUp()
  }

  close(): void {
    this.#stopListening()
  }

  state(): JsonObject {
    this.#tell()
    return networkState(this.#controller.network(), {
      epoch: this.#controller.epoch,
      seq: this.#controller.lastSeq(),
      alarms: this.#notices.alarms(),
      reservedBps: (qkdlId) => this.#controller.reservedBps(qkdlId),
      candidates: (serviceId) => this.#rpcs.candidatesOf(serviceId),
    })
  }

  prepareEdit({ next, previous, caller }: EditRequest): Promise<PreparedEdit> {
    // What comes from the network has been decided already.
    if (this.#own.has(next)) {
      return Promise.resolve({ commit: () => Promise.resolve() })
    }
    assertSameRules(previous, next)
    const orders = ordersBetween(previous, next, caller.username)
    const event = { kind: "transaction", parts: orders.map((order) => order.event) } as const
    const judged = this.#controller.judge(event)
    if (!judged.ok) throw errorOfRefusal(judged, orders)
    const edited = orders.map((order) => order.wanted)
    return Promise.resolve({
      commit: async () => {
        this.#editing = edited
        const reply = await this.#controller.submit(event).finally(() => {
          this.#editing = []
        })
        if (!reply.ok) {
          this.#unsaid(edited)
          throw errorOfRefusal(reply, orders)
        }
        this.#mend(edited)
        this.#log("info", "network edited", {
          by: caller.username,
          session: caller.sessionId,
          orders: orders.length,
        })
      },
      ownForm: () => withEntries(next, this.#formsOf(edited)),
    })
  }

  async rpc(name: string, input: JsonObject, caller: Caller): Promise<JsonObject> {
    if (!CHANGING_RPCS.has(name)) return this.#rpcs.call(name, input)
    const output = await this.ordered(() => this.#rpcs.call(name, input), caller)
    this.#log("info", "network ordered", { by: caller.username, rpc: name })
    return output
  }

  /**
   * Orders that come by another way than an edit: none while somebody else holds the lock on running, and running
   * shows what came of them when they are answered.
   *
   * @throws QkdError `in-use` while it is locked, or as the work does.
   */
  async ordered<T>(work: () => Promise<T>, caller: Caller = OWNER): Promise<T> {
    const server = this.#server
    if (server === undefined) throw new QkdError("operation-failed", "the server is not up yet")
    const done = await server.datastore.exclusively(work, caller)
    await this.#catchingUp
    return done
  }

  /**
   * Makes the network what a configuration says, as far as the core lets it: what is refused is told and left.
   * For a start after an unconfirmed commit.
   */
  async goBack(before: JsonObject): Promise<void> {
    const orders = ordersBetween(this.#config.data(), before, OWNER.username)
    for (const order of orders) {
      const reply = await this.#controller.submit(order.event)
      if (reply.ok) continue
      const { message } = reply
      this.#log("error", "an unconfirmed commit is undone in part", { path: order.path, message })
    }
    await this.#catchingUp
    this.#log("warn", "an unconfirmed commit is undone", { orders: orders.length })
  }

  replay(fromMs: number, toMs: number): readonly PastEvent[] {
    this.#tell()
    return this.#notices.replay(fromMs, toMs)
  }

  replayReach(): ReturnType<NetworkNotices["reach"]> {
    return this.#notices.reach()
  }

  #hear(notice: Notice): void {
    const change = changeOf(notice)
    const entry = change === undefined ? undefined : this.#config.take(change)
    if (entry !== undefined) {
      const { list, id } = entry
      const same = (one: EntryChange): boolean => one.list === list && one.id === id
      const wanted = this.#editing.find(same)
      // After a change of its own that is not shown yet, an echo would find something else, and pass it by.
      const echo =
        wanted !== undefined &&
        orderSame(list, wanted.entry, entry.entry) &&
        !this.#behind.some(same)
      this.#behind.push(echo ? { ...entry, echo } : entry)
      this.#catchUp()
    }
    if (change?.kind === "service" && change.value === null) this.#rpcs.forget(change.id)
    // Subscribers are told after the nodes: what waits for a key waits for these.
    if (this.#untold.push(notice) === 1) {
      setImmediate(() => {
        this.#tell()
      })
    }
  }

  /**
   * An edit's entries as the Network writes them. Not only where it heard of a change: an edit that says in another form
   * what is ordered already changes nothing there.
   */
  #formsOf(edited: readonly EntryChange[]): readonly EntryChange[] {
    return edited.flatMap(({ list, id, entry: wanted }) => {
      const entry = this.#config.entry(list, id)
      return orderSame(list, wanted, entry) ? [{ list, id, entry }] : []
    })
  }

  /** What became of an edit's entries otherwise in the very decision that took them, such as an order gone at once. */
  #mend(edited: readonly EntryChange[]): void {
    for (const { list, id, entry } of edited) {
      const now = this.#config.entry(list, id)
      if (!orderSame(list, entry, now)) this.#behind.push({ list, id, entry: now })
    }
    this.#catchUp()
  }

  /** What happened meanwhile just as a refused edit wanted it was taken for the edit's own: running shows it after all. */
  #unsaid(edited: readonly EntryChange[]): void {
    if (!this.#behind.some(({ echo }) => echo === true)) return
    this.#behind.push(
      ...edited.map(({ list, id }) => ({ list, id, entry: this.#config.entry(list, id) })),
    )
  }

  /** Tells subscribers what has happened since the last time. */
  #tell(): void {
    const notices = this.#untold.splice(0)
    for (const notice of notices) {
      const timeMs = Date.parse(notice.time)
      try {
        for (const event of this.#notices.take(notice)) this.#server?.notify(event, timeMs)
      } catch (error) {
        // Not a notification of our own modules: a fault of ours, to be seen.
        const reason = error instanceof Error ? error.message : String(error)
        this.#log("error", "a change could not be told", { seq: notice.seq, reason })
      }
    }
    if (notices.length > 0) this.#server?.publisher.stateChanged()
  }

  /** Carries into running what it does not show yet: at its turn, all that has come until then at once. */
  #catchUp(): void {
    const server = this.#server
    if (server === undefined || this.#behind.length === 0 || this.#catchingUp !== undefined) return
    let taken: readonly EntryChange[] | undefined
    const change = (config: JsonObject): JsonObject => {
      // Later calls are for other configurations that take the same change: a candidate, an unconfirmed commit.
      if (taken !== undefined) return withEntries(config, taken)
      taken = this.#behind
      this.#behind = []
      this.#catchingUp = undefined
      const next = withEntries(config, taken)
      this.#own.add(next)
      return next
    }
    this.#catchingUp = server.datastore
      .update(change, { despiteLock: true })
      .catch((error: unknown) => {
        // The Network holds what its own YANG modules refuse: a fault of ours, to be seen.
        const reason = error instanceof Error ? error.message : String(error)
        this.#log("error", "the datastore cannot follow the network", { reason })
      })
  }
}

function changeOf({ topic, id, value }: Notice): Change | undefined {
  switch (topic) {
    case "node":
      return { kind: "node", id, value: isNode(value) ? value : null }
    case "link":
      return { kind: "link", id, value: isLink(value) ? value : null }
    case "service":
      return { kind: "service", id, value: isService(value) ? value : null }
    case "maintenance":
      return { kind: "maintenance", id, value: isMaintenance(value) ? value : null }
    case "order":
    case "log":
      return undefined
  }
}
