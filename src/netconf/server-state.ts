// What a server knows of itself, as data of the modules that say it: netconf-state (RFC 6022 section 2.1) and streams
// (RFC 5277 section 3.4). Only what the schema has is there. Keeps nothing: counters and sessions are handed in.

import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import type { Caller } from "./backend.js"
import type { LockHolder, StoreName } from "./datastore-locks.js"
import { MONITORING_MODULE, STREAMS_MODULE, implementsModule } from "./protocol-modules.js"
import type { EventStream } from "./stream.js"
import { eventTime } from "./stream-event.js"

/** RFC 6022 section 2.1.5, `common-counters`: of one session, or of all. */
export interface SessionCounters {
  inRpcs: number
  inBadRpcs: number
  /** Replies with an rpc-error, however many it holds. */
  outRpcErrors: number
  outNotifications: number
}

/** RFC 6022 section 2.1.6: since the server was started. */
export interface ServerCounters extends SessionCounters {
  inBadHellos: number
  inSessions: number
  droppedSessions: number
}

export interface SessionView {
  readonly caller: Caller
  readonly loginMs: number
  readonly counters: Readonly<SessionCounters>
}

/** What there is to tell. */
export interface ServerView {
  readonly capabilities: readonly string[]
  readonly sessions: readonly SessionView[]
  readonly stores: readonly { readonly name: StoreName; readonly lock: LockHolder | undefined }[]
  /** Of RFC 5277. */
  readonly streams: readonly Pick<EventStream, "name" | "description" | "replay">[]
  readonly startMs: number
  /** Of all sessions, those that are open among them. */
  readonly counters: Readonly<ServerCounters>
}

export function serverState(schema: Schema, view: ServerView): JsonObject {
  return {
    ...(implementsModule(schema, MONITORING_MODULE) && {
      [`${MONITORING_MODULE}:netconf-state`]: netconfState(schema, view),
    }),
    ...(implementsModule(schema, STREAMS_MODULE) && {
      [`${STREAMS_MODULE}:netconf`]: { streams: { stream: view.streams.map(streamData) } },
    }),
  }
}

function netconfState(schema: Schema, view: ServerView): JsonObject {
  const { counters } = view
  return {
    capabilities: { capability: view.capabilities },
    datastores: {
      datastore: view.stores.map(({ name, lock }) => ({
        name,
        ...(lock !== undefined && {
          locks: {
            "global-lock": {
              "locked-by-session": lock.sessionId,
              "locked-time": eventTime(lock.sinceMs),
            },
          },
        }),
      })),
    },
    schemas: { schema: schemasOf(schema) },
    ...(view.sessions.length > 0 && { sessions: { session: view.sessions.map(sessionData) } }),
    statistics: {
      "netconf-start-time": eventTime(view.startMs),
      "in-bad-hellos": counter32(counters.inBadHellos),
      "in-sessions": counter32(counters.inSessions),
      "dropped-sessions": counter32(counters.droppedSessions),
      ...commonCounters(counters),
    },
  }
}

const schemas = new WeakMap<Schema, readonly JsonObject[]>()

/** The modules whose text get-schema gives. */
function schemasOf(schema: Schema): readonly JsonObject[] {
  const known = schemas.get(schema)
  if (known !== undefined) return known
  const made = schema.modules.map((m) => ({
    identifier: m.name,
    version: m.revision,
    format: `${MONITORING_MODULE}:yang`,
    namespace: m.namespace,
    location: ["NETCONF"],
  }))
  schemas.set(schema, made)
  return made
}

function sessionData({ caller, loginMs, counters }: SessionView): JsonObject {
  return {
    "session-id": caller.sessionId,
    transport: `${MONITORING_MODULE}:${caller.transport ?? "netconf-ssh"}`,
    username: caller.username,
    ...(caller.address !== "" && { "source-host": caller.address }),
    "login-time": eventTime(loginMs),
    ...commonCounters(counters),
  }
}

function commonCounters(counters: Readonly<SessionCounters>): JsonObject {
  return {
    "in-rpcs": counter32(counters.inRpcs),
    "in-bad-rpcs": counter32(counters.inBadRpcs),
    "out-rpc-errors": counter32(counters.outRpcErrors),
    "out-notifications": counter32(counters.outNotifications),
  }
}

/** Wraps as RFC 6991 wants. */
function counter32(value: number): number {
  return value % 2 ** 32
}

function streamData({ name, description, replay }: ServerView["streams"][number]): JsonObject {
  return {
    name,
    description,
    replaySupport: replay !== undefined,
    ...(replay !== undefined && { replayLogCreationTime: eventTime(replay.createdMs) }),
  }
}
