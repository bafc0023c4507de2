// The client's side of a NETCONF session over an abstract byte pipe: pipelined calls, notifications, limits.
// Owns no socket and no timer. Liveness checks and reconnecting belong to callers.

import { QkdError } from "../errors.js"
import { attributeOf, type XmlElement } from "../yang/xml-tree.js"
import type {
  CommitOptions,
  EditConfigOptions,
  GetDataOptions,
  NetconfClientSession,
  NetconfNotification,
  ReadOptions,
  RpcOptions,
  SubscriptionOptions,
} from "./client.js"
import {
  assertOk,
  cancelCommitXml,
  commitXml,
  copyConfigXml,
  createSubscriptionXml,
  dataOf,
  deleteConfigXml,
  editConfigXml,
  getConfigXml,
  getDataXml,
  getXml,
  lockXml,
  validateXml,
} from "./client-operations.js"
import type { NetconfClock } from "./clock.js"
import { parseNotification, rpcXml, type Hello } from "./messages.js"
import { BASE_NS, CLIENT_CAPABILITIES, NOTIFICATION_NS } from "./names.js"
import { NotificationQueue } from "./notification-queue.js"
import type { BytePipe, PipeUser } from "./pipe.js"
import { errorOfReply } from "./rpc-error.js"
import { CLIENT_LIMITS, SessionEndpoint, closedError, type SessionLimits } from "./session.js"

export interface ClientOptions {
  readonly limits?: Partial<SessionLimits>
  /** For calls that name none; default 30 s. */
  readonly rpcTimeoutMs?: number
  /** Notifications held for a slow reader before the session ends; default 10,000. */
  readonly maxNotifications?: number
}

/** A server that does not answer a goodbye is left without one. */
const CLOSE_TIMEOUT_MS = 5_000

interface Call {
  readonly messageId: string
  resolve(reply: XmlElement): void
  reject(error: QkdError): void
  cancelTimeout(): void
  /** Its caller gave up; the reply is still expected, in its turn. */
  abandoned: boolean
}

export class ClientSession implements NetconfClientSession, PipeUser {
  readonly notifications: AsyncIterable<NetconfNotification>
  readonly closedReason: Promise<QkdError>
  readonly #endpoint: SessionEndpoint
  readonly #clock: NetconfClock
  readonly #rpcTimeoutMs: number
  readonly #queue: NotificationQueue
  /** Oldest first: replies come in the order of requests (RFC 6241 section 4.5). */
  readonly #calls: Call[] = []
  readonly #opened: Promise<Hello>
  #tellOpened: (hello: Hello) => void = () => undefined
  #tellClosed: (reason: QkdError) => void = () => undefined
  #hello: Hello | undefined
  #reason: QkdError | undefined
  #lastMessageId = 0

  constructor(pipe: BytePipe, clock: NetconfClock, options: ClientOptions = {}) {
    this.#clock = clock
    this.#rpcTimeoutMs = options.rpcTimeoutMs ?? 30_000
    this.#queue = new NotificationQueue(options.maxNotifications ?? 10_000)
    this.notifications = this.#queue
    this.closedReason = new Promise((resolve) => (this.#tellClosed = resolve))
    this.#opened = new Promise((resolve) => (this.#tellOpened = resolve))
    this.#endpoint = new SessionEndpoint({
      role: "client",
      hello: { capabilities: CLIENT_CAPABILITIES },
      pipe,
      clock,
      limits: { ...CLIENT_LIMITS, ...options.limits },
      events: {
        opened: (hello) => {
          this.#hello = hello
          this.#tellOpened(hello)
        },
        message: (element) => {
          this.#message(element)
        },
        badMessage: (error) => {
          this.#endpoint.end(error)
        },
        ended: (reason) => {
          this.#ended(reason)
        },
      },
    })
    this.#endpoint.start()
  }

  /** Resolves when the hellos are exchanged. @throws QkdError with the reason when the session ended before. */
  async ready(): Promise<this> {
    const first = await Promise.race([this.#opened, this.closedReason])
    if (first instanceof QkdError) throw first
    return this
  }

  get capabilities(): readonly string[] {
    return this.#hello?.capabilities ?? []
  }

  get sessionId(): number {
    return this.#hello?.sessionId ?? 0
  }

  receive(bytes: Uint8Array): void {
    this.#endpoint.receive(bytes)
  }

  closed(why: string): void {
    this.#endpoint.end(closedError(why))
  }

  /** Ends the session now, without a word to the server. */
  abort(reason: QkdError): void {
    this.#endpoint.end(reason)
  }

  rpc(operationXml: string, options: RpcOptions = {}): Promise<XmlElement> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined || this.#hello === undefined) {
        reject(closedError(this.#reason?.message ?? "session is not open yet"))
        return
      }
      const timeoutMs = options.timeoutMs ?? this.#rpcTimeoutMs
      const call: Call = {
        messageId: String(++this.#lastMessageId),
        resolve,
        reject,
        abandoned: false,
        cancelTimeout: this.#clock.after(timeoutMs, () => {
          call.abandoned = true
          reject(
            new QkdError("operation-failed", `no reply within ${timeoutMs} ms`, {
              appTag: "timeout",
            }),
          )
        }),
      }
      this.#calls.push(call)
      this.#endpoint.send(rpcXml(call.messageId, operationXml))
    })
  }

  async get(filterXml?: string, options?: ReadOptions): Promise<readonly XmlElement[]> {
    return dataOf(await this.rpc(getXml(filterXml, options), options))
  }

  async getConfig(
    source: string,
    filterXml?: string,
    options?: ReadOptions,
  ): Promise<readonly XmlElement[]> {
    return dataOf(await this.rpc(getConfigXml(source, filterXml, options), options))
  }

  async getData(datastore: string, options?: GetDataOptions): Promise<readonly XmlElement[]> {
    return dataOf(await this.rpc(getDataXml(datastore, options), options))
  }

  async editConfig(target: string, configXml: string, options?: EditConfigOptions): Promise<void> {
    assertOk(await this.rpc(editConfigXml(target, configXml, options), options))
  }

  async copyConfig(target: string, source: string, options?: RpcOptions): Promise<void> {
    assertOk(await this.rpc(copyConfigXml(target, source), options))
  }

  async deleteConfig(target: string, options?: RpcOptions): Promise<void> {
    assertOk(await this.rpc(deleteConfigXml(target), options))
  }

  async validate(source: string, options?: RpcOptions): Promise<void> {
    assertOk(await this.rpc(validateXml(source), options))
  }

  async commit(options?: CommitOptions): Promise<void> {
    assertOk(await this.rpc(commitXml(options), options))
  }

  async cancelCommit(options: Pick<CommitOptions, "persistId" | "timeoutMs"> = {}): Promise<void> {
    assertOk(await this.rpc(cancelCommitXml(options.persistId), options))
  }

  async discardChanges(options?: RpcOptions): Promise<void> {
    assertOk(await this.rpc("<discard-changes/>", options))
  }

  async lock(target: string, options?: RpcOptions): Promise<void> {
    assertOk(await this.rpc(lockXml("lock", target), options))
  }

  async unlock(target: string, options?: RpcOptions): Promise<void> {
    assertOk(await this.rpc(lockXml("unlock", target), options))
  }

  async createSubscription(options: SubscriptionOptions = {}): Promise<void> {
    assertOk(await this.rpc(createSubscriptionXml(options), options))
  }

  async close(): Promise<void> {
    try {
      await this.rpc("<close-session/>", { timeoutMs: CLOSE_TIMEOUT_MS })
    } catch {
      // Whatever the server thinks of it: the session ends here, and that is what was asked for.
    }
    this.#endpoint.end(closedError("session closed"))
    await this.closedReason
  }

  #message(element: XmlElement): void {
    if (element.name === "rpc-reply" && element.ns === BASE_NS) {
      this.#reply(element)
      return
    }
    try {
      if (element.name !== "notification" || element.ns !== NOTIFICATION_NS)
        throw new QkdError("malformed-message", `unexpected message ${element.name}`)
      if (!this.#queue.push(parseNotification(element)))
        throw new QkdError("resource-denied", "notifications are not read fast enough")
    } catch (error) {
      this.#endpoint.end(
        error instanceof QkdError
          ? error
          : new QkdError("operation-failed", "internal error", { cause: error }),
      )
    }
  }

  #reply(element: XmlElement): void {
    const messageId = attributeOf(element, "message-id")
    const call = this.#calls.shift()
    // Without message-id the server could not read ours; then only the oldest call can be meant.
    if (call === undefined || (messageId !== undefined && messageId !== call.messageId)) {
      if (call !== undefined) this.#calls.unshift(call)
      this.#endpoint.end(
        new QkdError("malformed-message", `reply ${messageId ?? "(no id)"} out of order`),
      )
      return
    }
    call.cancelTimeout()
    if (call.abandoned) return
    const error = errorOfReply(element)
    if (error === undefined) call.resolve(element)
    else call.reject(error)
  }

  #ended(reason: QkdError): void {
    this.#reason = reason
    for (const call of this.#calls.splice(0)) {
      call.cancelTimeout()
      if (!call.abandoned)
        call.reject(
          new QkdError("operation-failed", `session ended: ${reason.message}`, {
            appTag: "closed",
            cause: reason,
          }),
        )
    }
    this.#queue.end()
    this.#tellClosed(reason)
  }
}
