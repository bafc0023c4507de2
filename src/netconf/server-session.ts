// One session at the server: rpcs in order, one at a time, replies in the same order, notifications between
// them. Owns neither socket nor timer nor data. A slow peer costs bounded memory, then its session.

import { QkdError, asQkdError } from "../errors.js"
import type { XmlElement } from "../yang/xml-tree.js"
import type { Caller } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { xpathOf } from "./error-path.js"
import { operationOf, replyXml } from "./messages.js"
import type { SessionCounters } from "./server-state.js"
import type { Answer, OperationHost, Progress } from "./operation.js"
import { runOperation } from "./operations.js"
import type { BytePipe, PipeUser } from "./pipe.js"
import { rpcErrorsXml } from "./rpc-error.js"
import { SessionEndpoint, closedError } from "./session.js"
import type { Termination } from "./base-notifications.js"
import type { Publisher } from "./publisher.js"
import type { Receiver } from "./subscribed-entry.js"
import { SubscriptionStyle } from "./subscription-style.js"
import type { ServerLimits } from "./server-limits.js"
import type { SessionReport } from "./session-report.js"

/** What the session needs of the server that opened it. */
export interface SessionHome {
  readonly clock: NetconfClock
  readonly limits: ServerLimits
  readonly capabilities: readonly string[]
  readonly backend: OperationHost["backend"]
  readonly datastores: OperationHost["datastores"]
  readonly operations: OperationHost["operations"]
  readonly publisher: Publisher
  kill(sessionId: number, by: number): void
  opened(session: ServerSession): void
  ended(session: ServerSession, reason: QkdError): void
  report(report: SessionReport): void
}

export class ServerSession implements PipeUser {
  readonly caller: Caller
  readonly loginMs: number
  readonly counters: SessionCounters = {
    inRpcs: 0,
    inBadRpcs: 0,
    outRpcErrors: 0,
    outNotifications: 0,
  }
  readonly #home: SessionHome
  readonly #pipe: BytePipe
  readonly #endpoint: SessionEndpoint
  readonly #host: OperationHost
  /** Requests not yet begun, oldest first. */
  readonly #waiting: { readonly rpc: XmlElement | QkdError; readonly bytes: number }[] = []
  #waitingBytes = 0
  #working = false
  #closing = false
  /** Why the session is to end once nothing waits. */
  #lastWord: string | undefined
  #termination: Termination = { reason: "bad-hello" }
  readonly #endListeners: (() => void)[] = []
  readonly #resting: (() => void)[] = []

  constructor(home: SessionHome, pipe: BytePipe, caller: Caller) {
    this.caller = caller
    this.loginMs = home.clock.now()
    this.#home = home
    this.#pipe = pipe
    this.#endpoint = new SessionEndpoint({
      role: "server",
      hello: { capabilities: home.capabilities, sessionId: caller.sessionId },
      pipe,
      clock: home.clock,
      limits: home.limits,
      events: {
        opened: () => {
          this.#termination = { reason: "other" }
          home.opened(this)
        },
        message: (element, bytes) => {
          this.#queue(element, bytes)
        },
        badMessage: (error) => {
          this.#badMessage(error)
        },
        ended: (reason) => {
          this.#ended(reason)
        },
      },
    })
    this.#host = {
      backend: home.backend,
      datastore: home.datastores.running,
      datastores: home.datastores,
      operations: home.operations,
      caller,
      alive: () => !this.#endpoint.ended,
      onEnd: (listener) => {
        if (this.#endpoint.ended) listener()
        else this.#endListeners.push(listener)
      },
      sendNotification: (message) => {
        this.#sendNotification(message)
      },
      nowMs: () => home.clock.now(),
      receiver: this.#receiver(),
      style: new SubscriptionStyle(),
      publisher: home.publisher,
      closeSession: () => {
        this.#termination = { reason: "closed" }
        this.end(closedError("closed by the client"))
      },
      killSession: (id) => {
        home.kill(id, caller.sessionId)
      },
    }
  }

  /** Sends the hello. */
  start(): void {
    this.#endpoint.start()
  }

  receive(bytes: Uint8Array): void {
    this.#endpoint.receive(bytes)
  }

  /** What was asked is answered first. */
  ended(why: string): void {
    if (this.#working) this.#lastWord = why
    else this.closed(why)
  }

  closed(why: string): void {
    this.#termination = { reason: "dropped" }
    this.end(closedError(why))
  }

  end(reason: QkdError): void {
    this.#endpoint.end(reason)
  }

  /** Another session, or somebody outside of NETCONF, wants it gone. */
  kill(by?: number): void {
    this.#termination = { reason: "killed", ...(by !== undefined && { killedBy: by }) }
    this.end(closedError("killed by another session"))
  }

  /** RFC 6470: how the session ended, once it has. */
  get termination(): Termination {
    return this.#termination
  }

  #queue(rpc: XmlElement | QkdError, bytes: number): void {
    if (this.#closing) return
    this.#waiting.push({ rpc, bytes })
    this.#waitingBytes += bytes
    const { maxWaitingRpcs, maxWaitingBytes } = this.#home.limits
    if (this.#waiting.length >= maxWaitingRpcs || this.#waitingBytes >= maxWaitingBytes)
      this.#endpoint.hold()
    if (!this.#working) void this.#work()
  }

  /** RFC 6241 section 3: a 1.1 client is told, a 1.0 client knows no such error and loses the session. */
  #badMessage(error: QkdError): void {
    this.counters.inBadRpcs++
    if (this.#endpoint.framing === "chunked") this.#queue(error, 0)
    else this.#endpoint.end(error)
  }

  /** One request after the other, until none waits. */
  async #work(): Promise<void> {
    this.#working = true
    for (;;) {
      const next = this.#waiting.shift()
      if (next === undefined || this.#endpoint.ended) break
      this.#waitingBytes -= next.bytes
      const { reply, after } = await this.#answer(next.rpc)
      this.#endpoint.send(reply)
      this.#afterwards(after)
      if (this.#pipe.queuedBytes() > this.#home.limits.maxReplyBacklogBytes) await this.#drained()
      if (this.#waiting.length === 0) this.#endpoint.release()
    }
    this.#working = false
    if (this.#lastWord !== undefined) this.closed(this.#lastWord)
  }

  /** What follows a reply can no longer be answered with an error: when it fails, the session ends. */
  #afterwards(after: (() => void) | undefined): void {
    try {
      after?.()
    } catch (thrown) {
      const error = asQkdError(thrown)
      if (error !== thrown) this.#home.report({ kind: "bug", caller: this.caller, error: thrown })
      this.end(error)
    }
  }

  async #answer(rpc: XmlElement | QkdError): Promise<{ reply: string; after?: () => void }> {
    const attrs = rpc instanceof QkdError ? [] : rpc.attrs
    const progress: Progress = { layer: "rpc" }
    try {
      if (rpc instanceof QkdError) throw rpc
      const operation = operationOf(rpc)
      this.counters.inRpcs++
      progress.layer = "protocol"
      const answer: Answer = await runOperation(this.#host, operation, progress)
      const { body, after } = answer
      return { reply: replyXml(attrs, body), ...(after === undefined ? {} : { after }) }
    } catch (thrown) {
      const found = asQkdError(thrown)
      if (found !== thrown) this.#home.report({ kind: "bug", caller: this.caller, error: thrown })
      const error = this.#home.datastores.running.access.concealed(this.caller, found)
      if (progress.layer === "rpc" && !(rpc instanceof QkdError)) this.counters.inBadRpcs++
      this.counters.outRpcErrors++
      const { schema } = this.#home.backend
      const body = rpcErrorsXml(error, progress.layer, (path) => xpathOf(schema, path))
      return { reply: replyXml(attrs, body) }
    }
  }

  /** Waits until the peer has read what it asked for; a peer that does not loses the session. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const { drainTimeoutMs } = this.#home.limits
      const cancel = this.#home.clock.after(drainTimeoutMs, () => {
        this.end(
          new QkdError("operation-failed", `replies not read within ${drainTimeoutMs} ms`, {
            appTag: "timeout",
          }),
        )
        resolve()
      })
      this.#pipe.onceDrained(() => {
        cancel()
        resolve()
      })
    })
  }

  #receiver(): Receiver {
    const { maxNotificationBacklogBytes } = this.#home.limits
    return {
      caller: this.caller,
      encodings: ["xml"],
      send: (event) => {
        if (this.#mayNotify()) this.#endpoint.sendFramed(event.framed(this.#endpoint.framing))
      },
      // Half of what would cost it the session: subscriptions of RFC 8639 rest before that.
      congested: () => this.#pipe.queuedBytes() > maxNotificationBacklogBytes / 2,
      onceDrained: (call) => {
        // One wait at the pipe for all subscriptions that rest.
        if (this.#resting.push(call) > 1) return
        this.#pipe.onceDrained(() => {
          for (const rested of this.#resting.splice(0)) rested()
        })
      },
    }
  }

  #sendNotification(message: string): void {
    if (this.#mayNotify()) this.#endpoint.send(message)
  }

  /** False when the session is over, as it is for one that does not read. */
  #mayNotify(): boolean {
    if (this.#endpoint.ended) return false
    if (this.#pipe.queuedBytes() > this.#home.limits.maxNotificationBacklogBytes) {
      this.end(new QkdError("resource-denied", "notifications are not read fast enough"))
      return false
    }
    this.counters.outNotifications++
    return true
  }

  #ended(reason: QkdError): void {
    this.#closing = true
    this.#waiting.length = 0
    if (reason.appTag === "timeout") this.#termination = { reason: "timeout" }
    for (const listener of this.#endListeners.splice(0)) listener()
    this.#home.publisher.desk?.drop(this.#host.receiver)
    this.#home.ended(this, reason)
  }
}
