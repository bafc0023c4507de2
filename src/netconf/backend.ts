// What a NETCONF server needs of whoever owns the data: a schema, state, a say in every change, module RPCs.
// Types only. The agent of a node and the controller's northbound each implement it once; the datastore
// (`datastore.ts`) does locks, decoding, editing and validation before a backend hears of anything.
//
//   edit-config ─▶ decode ─▶ applyEdit ─▶ validate ─▶ prepareEdit ─▶ commit ─▶ running, listeners
//                                          (nothing has changed up to and including prepareEdit)

import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"

/** On whose behalf something is done. Identity comes from the transport, never from content. */
export interface Caller {
  /** NETCONF session id; 0 is the owner of the datastore itself (`Datastore.update`). */
  readonly sessionId: number
  readonly username: string
  /** Peer address, for the audit trail; empty for the owner itself. */
  readonly address: string
  /** What carries the session (RFC 6022 section 2.1.4); SSH where it is not said. */
  readonly transport?: "netconf-ssh" | "netconf-tls"
  /** Groups that the transport knows the user to be in (RFC 8341 section 3.4.4, step 4). */
  readonly groups?: readonly string[]
}

/** One change of the running configuration, decoded and valid by schema. Both trees are immutable. */
export interface EditRequest {
  readonly next: JsonObject
  readonly previous: JsonObject
  readonly caller: Caller
}

/** A change that the backend has agreed to. Exactly one of `commit` and `abort` is called, once. */
export interface PreparedEdit {
  /**
   * Makes it so, durably. When it throws, running stays as it was and the client is told: so it must
   * throw only while it can still leave everything unchanged.
   */
  commit(): Promise<void>
  /** The change will not come (`test-only`, or its session died). Absent when there is nothing to undo. */
  abort?(): void | Promise<void>
  /**
   * What running is after `commit`: the same configuration in the one form in which the owner keeps it. Asked once, right
   * after. Absent: as the client wrote it.
   */
  ownForm?(): JsonObject
}

/** A past notification, for RFC 5277 replay. */
export interface PastEvent {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  /** One member, `module:notification`. */
  readonly event: JsonObject
}

/**
 * Optional: going back after a restart. A server with a candidate offers `:confirmed-commit` where its backend
 * has this, or where running does not survive a restart anyway (`startup`).
 */
export interface UnconfirmedAbility {
  /**
   * Durably: from now on a start finds `before` as running, whatever is committed meanwhile. Called before the
   * first change that waits for confirmation, and again when the owner's own changes have moved `before`.
   */
  keep(before: JsonObject): Promise<void>
  /** Durably: running stands as it is. */
  forget(): Promise<void>
}

/** Optional: `:startup`, for backends whose running configuration is lost with the process. */
export interface StartupAbility {
  /** Undefined once it was deleted. */
  read(): JsonObject | undefined
  /** Durably; undefined deletes it. */
  write(config: JsonObject | undefined): Promise<void>
}

/** Where configuration in the operational datastore comes from (RFC 8342 section 5.3.4). */
export type Origin = "intended" | "dynamic" | "system" | "learned" | "default" | "unknown"

/** What a caller wants to do, for `allows`. Base operations by bare name, module RPCs as `module:rpc`. */
export type OperationName = string

export interface NetconfBackend {
  readonly schema: Schema

  /**
   * State data now, merged over `running` for `get`. List entries carry their keys and meet the
   * configured entry with the same keys; where both name the same leaf, state wins (ETSI GS QKD 015
   * models some states as configuration). Called for every `get`: keep it cheap, throw nothing.
   */
  state(running: JsonObject): JsonObject

  /**
   * Judge a change, with no effect yet. Changes are serialised: no second one is prepared before this one
   * is committed or aborted. An edit that changes nothing is not asked about.
   *
   * @throws QkdError to refuse; the client gets its tag, app-tag, path and message, and nothing changes.
   */
  prepareEdit(edit: EditRequest): Promise<PreparedEdit>

  /**
   * Where a configuration node in the operational datastore comes from, when it is not what can be told without the
   * backend: `intended` for what running has, `default` for what nobody said, `system` for the rest. Absent: as guessed.
   *
   * @param path schema path, as `SchemaNode.path`.
   */
  originOf?(path: string, guess: Origin): Origin

  readonly unconfirmed?: UnconfirmedAbility
  readonly startup?: StartupAbility

  /**
   * A module's RPC, input decoded and validated. Absent: every module RPC is `operation-not-supported`.
   *
   * @param name `module:rpc`
   * @returns output members, `{}` for `<ok/>`.
   * @throws QkdError `operation-not-supported` for an rpc it does not implement.
   */
  rpc?(name: string, input: JsonObject, caller: Caller): Promise<JsonObject>

  /**
   * A module's action (RFC 7950 section 7.15), input decoded and validated. Absent: `operation-not-supported`.
   *
   * @param path instance path of the node it belongs to, which is there: `/module:a/b[key='x']`.
   * @param name the action's, without module.
   * @returns and throws as `rpc`.
   */
  action?(path: string, name: string, input: JsonObject, caller: Caller): Promise<JsonObject>

  /**
   * Whether this caller may use this operation at all; refused ones get `access-denied`. Absent: every
   * authenticated caller may. `close-session` is never asked about (RFC 8341 section 3.2.4).
   *
   * @throws QkdError to refuse with a reason of its own.
   */
  allows?(operation: OperationName, caller: Caller): boolean

  /**
   * Past events from `fromMs` on, oldest first, none later than `toMs`. Absent: no replay, and
   * `startTime` is refused (RFC 5277 section 2.1.1, replaySupport false).
   */
  replay?(fromMs: number, toMs: number): readonly PastEvent[]

  /** How far back `replay` reaches; milliseconds since the epoch. Absent: to the start of the server, and no further. */
  replayReach?(): { readonly createdMs: number; readonly agedMs?: number | undefined }
}

/** Called after running has changed, in order. Must not throw. */
export type ChangeListener = (next: JsonObject, previous: JsonObject, caller: Caller) => void
