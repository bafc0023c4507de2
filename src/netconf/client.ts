// The client's side of a NETCONF session as callers see it. Types only; `client-session.ts` implements it.

import type { QkdError } from "../errors.js"
import type { XmlElement } from "../yang/xml-tree.js"

export interface RpcOptions {
  /** Milliseconds until the call rejects with app-tag `timeout`; the session stays open. */
  readonly timeoutMs?: number
}

/** Expression over `namespaces`, prefix to namespace; wants the server's capability `xpath`. */
export interface XPathFilter {
  readonly select: string
  readonly namespaces: Readonly<Record<string, string>>
}

/** RFC 6243 section 3. */
export type WithDefaults = "report-all" | "report-all-tagged" | "trim" | "explicit"

export interface ReadOptions extends RpcOptions {
  /** Instead of a subtree filter. */
  readonly xpath?: XPathFilter
  readonly withDefaults?: WithDefaults
}

/** RFC 8526 section 3.1.1. */
export interface GetDataOptions extends ReadOptions {
  /** XML of the subtree filter's children. */
  readonly filterXml?: string
  /** `config-filter`: configuration alone, or state alone. */
  readonly configFilter?: boolean
  readonly maxDepth?: number
  readonly withOrigin?: boolean
}

/** RFC 6241 section 8.4: what is committed with `confirmed` is undone unless a plain commit follows in time. */
export interface CommitOptions extends RpcOptions {
  readonly confirmed?: {
    /** Seconds; 600 where absent. */
    readonly timeoutS?: number
    /** Lets the commit outlive the session, to be confirmed by whoever knows this word. */
    readonly persist?: string
  }
  /** The word a persistent confirmed commit was given. */
  readonly persistId?: string
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
  get(filterXml?: string, options?: ReadOptions): Promise<readonly XmlElement[]>
  getConfig(
    source: string,
    filterXml?: string,
    options?: ReadOptions,
  ): Promise<readonly XmlElement[]>
  /** `datastore`: name of an identity of ietf-datastores, such as `operational`. */
  getData(datastore: string, options?: GetDataOptions): Promise<readonly XmlElement[]>
  /** `configXml`: XML of the children of `config`. */
  editConfig(target: string, configXml: string, options?: EditConfigOptions): Promise<void>
  copyConfig(target: string, source: string, options?: RpcOptions): Promise<void>
  deleteConfig(target: string, options?: RpcOptions): Promise<void>
  validate(source: string, options?: RpcOptions): Promise<void>
  /** The candidate becomes the running configuration. */
  commit(options?: CommitOptions): Promise<void>
  cancelCommit(options?: Pick<CommitOptions, "persistId" | "timeoutMs">): Promise<void>
  /** The candidate becomes as the running configuration is. */
  discardChanges(options?: RpcOptions): Promise<void>
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
