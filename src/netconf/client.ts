// The client's side of a NETCONF session as callers see it. Types only; `client-session.ts` implements it.

import type { QkdError } from "../errors.js"
import type { XmlElement } from "../yang/xml-tree.js"

export interface RpcOptions {
  /** Milliseconds until the call rejects with app-tag `timeout`; the session stays open. */
  readonly timeoutMs?: number
}

export interface EditConfigOptions extends RpcOptions {
  readonly defaultOperation?: "merge" | "replace" | "none"
  readonly testOption?: "test-then-set" | "set" | "test-only"
  readonly errorOption?: "stop-on-error" | "continue-on-error" | "rollback-on-error"
}

export interface SubscriptionOptions extends RpcOptions {
  /** `NETCONF` where absent (RFC 5277 section 2.1.1). */
  readonly stream?: string
  /** XML of the subtree filter's children. */
  readonly filterXml?: string
  /** RFC 3339. */
  readonly startTime?: string
  /** RFC 3339; wants `startTime`. */
  readonly stopTime?: string
}

export interface NetconfNotification {
  /** RFC 3339, as the server wrote it. */
  readonly eventTime: string
  readonly event: XmlElement
}

/**
 * An open session. Calls may be made without waiting for earlier ones: they are pipelined and answered in
 * order. Every call rejects with a QkdError: the server's own tag, app-tag, path and info where it answered
 * `rpc-error` (the first of several; all of them in `cause`, an AggregateError); app-tag `timeout` or
 * `closed` where it did not answer.
 */
export interface NetconfClientSession {
  readonly capabilities: readonly string[]
  readonly sessionId: number
  /** Sends one operation element and resolves with the `rpc-reply`. */
  rpc(operationXml: string, options?: RpcOptions): Promise<XmlElement>
  /** The children of `data`. `filterXml`: XML of the subtree filter's children. */
  get(filterXml?: string, options?: RpcOptions): Promise<readonly XmlElement[]>
  getConfig(
    source: string,
    filterXml?: string,
    options?: RpcOptions,
  ): Promise<readonly XmlElement[]>
  /** `configXml`: XML of the children of `config`. */
  editConfig(target: string, configXml: string, options?: EditConfigOptions): Promise<void>
  lock(target: string, options?: RpcOptions): Promise<void>
  unlock(target: string, options?: RpcOptions): Promise<void>
  createSubscription(options?: SubscriptionOptions): Promise<void>
  /**
   * Notifications in the order sent, for one reader; ends with the session. A reader that falls behind
   * by more than the buffer ends the session: lost events must not go unnoticed.
   */
  readonly notifications: AsyncIterable<NetconfNotification>
  /** Resolves, never rejects, when the session is over, with the reason. */
  readonly closedReason: Promise<QkdError>
  /** Sends `close-session` and ends; resolves when the session is over. */
  close(): Promise<void>
}
