// A NETCONF server: one datastore, many sessions over abstract byte pipes. Opens no port: a transport
// authenticates a peer and only then opens a session here.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Caller, NetconfBackend } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import type { Datastore } from "./datastore.js"
import { Datastores } from "./datastores.js"
import { MAX_SESSION_ID } from "./names.js"
import { serverCapabilities } from "./capabilities.js"
import { libraryOf } from "./library.js"
import { LIBRARY_MODULE, implementsModule } from "./protocol-modules.js"
import { serverState, type ServerCounters, type SessionCounters } from "./server-state.js"
import type { OperationTable } from "./operation.js"
import type { BytePipe } from "./pipe.js"
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./server-limits.js"
import { ServerSession, type SessionHome } from "./server-session.js"
import type { SessionReport } from "./session-report.js"
import { closedError } from "./session.js"
import { subscribedOperations } from "./operations-subscribed.js"
import { Publisher } from "./publisher.js"
import type { PushLimits } from "./push-feed.js"
import type { DeskLimits } from "./subscribed.js"

export interface ServerOptions {
  readonly backend: NetconfBackend
  /** The running configuration to begin with. */
  readonly initial: JsonObject
  readonly clock: NetconfClock
  readonly limits?: Partial<ServerLimits>
  /** `:candidate`, and `:confirmed-commit` where the backend has what that takes. */
  readonly candidate?: boolean
  /** Operations beside those of the standard, or in their place; see `operation.ts`. */
  readonly operations?: OperationTable
  readonly subscriptions?: Partial<DeskLimits & PushLimits> | undefined
  readonly report?: (report: SessionReport) => void
}

export class NetconfServer {
  /** Running. */
  readonly datastore: Datastore
  readonly datastores: Datastores
  readonly capabilities: readonly string[]
  /** Streams and subscriptions. */
  readonly publisher: Publisher
  readonly #options: ServerOptions
  readonly #limits: ServerLimits
  readonly #home: SessionHome
  readonly #sessions = new Map<number, ServerSession>()
  readonly #startMs: number
  /** Of sessions that are gone, and what is counted of all. */
  readonly #counted: ServerCounters = {
    inBadHellos: 0,
    inSessions: 0,
    droppedSessions: 0,
    inRpcs: 0,
    inBadRpcs: 0,
    outRpcErrors: 0,
    outNotifications: 0,
  }
  #lastSessionId = 0

  /** @throws QkdError when `initial` is not a valid configuration of the backend's schema. */
  constructor(options: ServerOptions) {
    const { backend, clock } = options
    this.#options = options
    this.#limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits }
    this.datastores = new Datastores({
      backend,
      initial: options.initial,
      clock,
      candidate: options.candidate === true,
      failed: (error) => {
        this.#report({ kind: "rollback-failed", error })
      },
    })
    this.datastore = this.datastores.running
    const { schema } = backend
    const library = libraryOf(schema, this.datastores)
    this.capabilities = serverCapabilities(schema, this.datastores, library)
    if (implementsModule(schema, LIBRARY_MODULE)) this.datastore.addState(() => library.data)
    this.datastore.addState(() => this.#state())
    this.#startMs = clock.now()
    this.publisher = new Publisher({
      backend,
      datastores: this.datastores,
      clock,
      deskLimits: options.subscriptions ?? {},
      pushLimits: options.subscriptions ?? {},
      report: (error) => {
        this.#report({ kind: "untold", error })
      },
    })
    const { desk } = this.publisher
    this.#home = {
      clock,
      limits: this.#limits,
      capabilities: this.capabilities,
      backend,
      datastores: this.datastores,
      operations: new Map([
        ...(desk === undefined ? [] : subscribedOperations(desk)),
        ...(options.operations ?? []),
      ]),
      publisher: this.publisher,
      kill: (sessionId, by) => {
        this.#kill(sessionId, by)
      },
      opened: (session) => {
        this.publisher.sessionStarted(session.caller)
        this.#report({ kind: "opened", caller: session.caller })
      },
      ended: (session, reason) => {
        this.#sessions.delete(session.caller.sessionId)
        this.#count(session)
        void this.datastores.release(session.caller.sessionId)
        this.publisher.sessionEnded(session.caller, session.termination)
        this.#report({ kind: "ended", caller: session.caller, reason })
      },
      report: (report) => {
        this.#report(report)
      },
    }
  }

  /**
   * Opens a session for a peer that the transport has authenticated, and sends the hello.
   *
   * @throws QkdError `resource-denied` beyond the ceilings of sessions.
   */
  open(pipe: BytePipe, who: Omit<Caller, "sessionId">): ServerSession {
    const ofUser = [...this.#sessions.values()].filter((s) => s.caller.username === who.username)
    if (this.#sessions.size >= this.#limits.maxSessions)
      throw new QkdError("resource-denied", "too many sessions")
    if (ofUser.length >= this.#limits.maxSessionsPerUser)
      throw new QkdError("resource-denied", `too many sessions of ${who.username}`)
    do this.#lastSessionId = (this.#lastSessionId % MAX_SESSION_ID) + 1
    while (this.#sessions.has(this.#lastSessionId))
    const caller: Caller = { sessionId: this.#lastSessionId, ...who }
    const session = new ServerSession(this.#home, pipe, caller)
    this.#sessions.set(caller.sessionId, session)
    this.#counted.inSessions++
    session.start()
    return session
  }

  /**
   * Sends a notification to every session that subscribed to it.
   *
   * @param event one member, `module:notification`.
   * @param timeMs when it happened, milliseconds since the epoch; now when absent.
   * @throws QkdError when it is not a valid notification of the schema; nobody gets it then.
   */
  notify(event: JsonObject, timeMs = this.#options.clock.now()): void {
    this.publisher.notify(event, timeMs)
  }

  /** State may have changed: subscriptions on change look at it. Cheap, and may be called at any rate. */
  stateChanged(): void {
    this.publisher.stateChanged()
  }

  /** Who listens to the events of `notify`, one for each subscription. */
  get audience(): readonly Caller[] {
    return this.publisher.netconf.audience
  }

  /** Who is connected, hello done or not. */
  get sessions(): readonly Caller[] {
    return [...this.#sessions.values()].map((s) => s.caller)
  }

  /** Ends one session, as the owner's own decision; nothing when it is gone already. */
  end(sessionId: number, why: string): void {
    this.#sessions.get(sessionId)?.end(closedError(why))
  }

  /** Ends all sessions. */
  close(why = "server is closing"): void {
    for (const session of [...this.#sessions.values()]) session.end(closedError(why))
    this.datastores.close()
    this.publisher.close()
  }

  #kill(sessionId: number, by: number): void {
    const session = this.#sessions.get(sessionId)
    if (session === undefined)
      throw new QkdError("invalid-value", `no session ${sessionId}`, {
        info: { "bad-element": "session-id" },
      })
    session.kill(by)
  }

  #state(): JsonObject {
    const { backend } = this.#options
    const sessions = [...this.#sessions.values()]
    const counters = { ...this.#counted }
    for (const session of sessions) add(counters, session.counters)
    return serverState(backend.schema, {
      capabilities: this.capabilities,
      sessions,
      stores: this.datastores.names.map((name) => ({
        name,
        lock: this.datastores.lockHeld(name),
      })),
      streams: [this.publisher.netconf],
      startMs: this.#startMs,
      counters,
    })
  }

  #count(session: ServerSession): void {
    add(this.#counted, session.counters)
    const { reason } = session.termination
    if (reason === "bad-hello") this.#counted.inBadHellos++
    else if (reason !== "closed" && reason !== "killed") this.#counted.droppedSessions++
  }

  #report(report: SessionReport): void {
    this.#options.report?.(report)
  }
}

function add(sum: SessionCounters, more: Readonly<SessionCounters>): void {
  sum.inRpcs += more.inRpcs
  sum.inBadRpcs += more.inBadRpcs
  sum.outRpcErrors += more.outRpcErrors
  sum.outNotifications += more.outNotifications
}
