// What an operation is: a function from a request and its host to an answer. Each group of operations has a file
// `operations-*.ts` with a table of its own; `operations.ts` puts the tables together. Types and nothing else.

import type { XmlElement } from "../yang/xml-tree.js"
import type { Caller, NetconfBackend } from "./backend.js"
import type { Datastore } from "./datastore.js"
import type { Datastores } from "./datastores.js"
import type { Publisher } from "./publisher.js"
import type { ErrorType } from "./rpc-error.js"
import type { Receiver } from "./subscribed-entry.js"
import type { SubscriptionStyle } from "./subscription-style.js"

/** What the operation layer needs of the session and server around it. */
export interface OperationHost {
  readonly backend: NetconfBackend
  /** Running. */
  readonly datastore: Datastore
  /** All of them. */
  readonly datastores: Datastores
  readonly caller: Caller
  /** What the server has beside the standard's own. */
  readonly operations: OperationTable
  /** False once the session has ended. */
  alive(): boolean
  /** Called once when the session has ended; at once when it has already. */
  onEnd(listener: () => void): void
  nowMs(): number
  /** One message of a notification, `notificationXml`; nothing leaves after the end. */
  sendNotification(message: string): void
  /** The session as whoever publishes sees it. */
  readonly receiver: Receiver
  readonly style: SubscriptionStyle
  readonly publisher: Publisher
  /** Ends this session after the reply. */
  closeSession(): void
  /** @throws QkdError `invalid-value` when there is no such session. */
  killSession(sessionId: number): void
}

export interface Answer {
  /** What goes into the rpc-reply. */
  readonly body: string
  /** Done once the reply has left. */
  readonly after?: () => void
}

/** Where the work has got to, for error-type: parameters are `protocol`, data is `application`. */
export interface Progress {
  layer: ErrorType
}

/** @throws QkdError, with `progress` at the layer where it failed. */
export type Operation = (
  host: OperationHost,
  operation: XmlElement,
  progress: Progress,
) => Answer | Promise<Answer>

/** By `namespace name`, see `operationKey`. */
export type OperationTable = ReadonlyMap<string, Operation>

export function operationKey(operation: Pick<XmlElement, "ns" | "name">): string {
  return `${operation.ns} ${operation.name}`
}

export const OK: Answer = { body: "<ok/>" }
