// What a server asks before it shows, changes, calls or tells anything. Types, and the one that says yes to all.
// NACM (nacm.ts) is the answer that counts; NETCONF and RESTCONF both ask here, so that no face is a way round.

import type { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Caller } from "./backend.js"

/** A protocol operation, or an action at a place in the data. */
export interface CalledOperation {
  /** The YANG module that defines it: `ietf-netconf` for the base operations. */
  readonly module: string
  readonly name: string
  /** Instance path of the action itself (RFC 7950 section 7.15); absent for rpcs. */
  readonly path?: string
}

/** A notification, or one that is tied to a place in the data. */
export interface ToldEvent {
  readonly module: string
  readonly name: string
  /** Instance path of the notification itself (RFC 7950 section 7.16); absent at the top. */
  readonly path?: string
}

export interface AccessControl {
  /**
   * What of `data` this caller may read. Filters come after it, never before: whatever a filter can tell of hidden data
   * it must not be able to tell. Parts that are readable whole are shared, not copied.
   */
  readable(caller: Caller, data: JsonObject): JsonObject

  /** Whether this caller may read a top-level node; for data that is in no tree, such as a server's about itself. */
  mayReadTop(caller: Caller, module: string, name: string): boolean

  /** Whether this caller may read what stands, or stood, at an instance path. */
  mayReadAt(caller: Caller, path: string): boolean

  /**
   * Judges a change by comparing both trees, node by node (RFC 8341 sections 3.2.5 and 3.2.8). To be asked before
   * validation, which could tell of hidden data.
   *
   * @throws QkdError `access-denied` with the path of the first node that may not be changed so, or `invalid-value` when
   * `next` holds access rules that cannot be understood.
   */
  checkWrite(caller: Caller, previous: JsonObject, next: JsonObject): void

  /** RFC 8341 section 3.4.4. */
  mayExec(caller: Caller, operation: CalledOperation): boolean

  /** RFC 8341 section 3.4.6. */
  mayHear(caller: Caller, event: ToldEvent): boolean

  /**
   * An error as this caller may see it: that something hidden is there, or is not, stays hidden. An error without path,
   * or at a readable place, is given back as it is.
   */
  concealed(caller: Caller, error: QkdError): QkdError

  /** Its own state, to be merged over running. */
  state(): JsonObject
}

/** Everybody may do everything. For servers whose schema has no access control. */
export const OPEN_ACCESS: AccessControl = {
  readable: (_caller, data) => data,
  mayReadTop: () => true,
  mayReadAt: () => true,
  checkWrite: () => undefined,
  mayExec: () => true,
  mayHear: () => true,
  concealed: (_caller, error) => error,
  state: () => ({}),
}
