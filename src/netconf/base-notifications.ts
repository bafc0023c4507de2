// The events of RFC 6470: what a server tells of itself. Builds them; when they are told is the publisher's business.
// netconf-capability-change is never told: a server's capabilities are fixed while it runs.

import { diff, type Change } from "../yang/diff.js"
import type { JsonObject } from "../yang/json.js"
import { isArray, isObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { Caller } from "./backend.js"
import type { ConfirmedCommitEvent } from "./confirmed-commit.js"

/** How a session ended (`termination-reason`). */
export type Termination =
  | { readonly reason: "closed" | "dropped" | "timeout" | "bad-hello" | "other" }
  | { readonly reason: "killed"; readonly killedBy?: number }

const NCN = "ietf-netconf-notifications:"
/** More edits than this in one notification are told as the top-level nodes they are in. */
const MAX_EDITS = 200

const OPERATIONS = {
  create: "create",
  delete: "delete",
  replace: "replace",
  // There is no such operation in NETCONF: entries are moved by merging them with `insert`.
  move: "merge",
} as const satisfies Readonly<Record<Change["kind"], string>>

/** Undefined when no configuration has changed. */
export function configChange(
  schema: Schema,
  next: JsonObject,
  previous: JsonObject,
  caller: Caller,
  datastore: "running" | "startup" = "running",
): JsonObject | undefined {
  const changes = diff(schema, previous, next, { configOnly: true })
  if (changes.length === 0) return undefined
  const edit =
    changes.length <= MAX_EDITS
      ? changes.map(({ kind, path }) => ({ target: path, operation: OPERATIONS[kind] }))
      : [...new Set(changes.map(topOf))].map((target) => ({ target, operation: "merge" }))
  return { [`${NCN}netconf-config-change`]: { "changed-by": changedBy(caller), datastore, edit } }
}

/** Instance paths that a netconf-config-change names; none for any other event. */
export function changedPlaces(event: {
  readonly module: string
  readonly name: string
  readonly data: JsonObject
}): readonly string[] {
  if (event.name !== "netconf-config-change" || `${event.module}:` !== NCN) return []
  const change = event.data[`${NCN}netconf-config-change`]
  const edits = isObject(change) ? change["edit"] : undefined
  if (!isArray(edits)) return []
  return edits.flatMap((edit) => {
    const target = isObject(edit) ? edit["target"] : undefined
    return typeof target === "string" ? [target] : []
  })
}

export function sessionStart(caller: Caller): JsonObject {
  return { [`${NCN}netconf-session-start`]: sessionOf(caller) }
}

export function sessionEnd(caller: Caller, termination: Termination): JsonObject {
  const killedBy = termination.reason === "killed" ? termination.killedBy : undefined
  return {
    [`${NCN}netconf-session-end`]: {
      ...sessionOf(caller),
      ...(killedBy !== undefined && { "killed-by": killedBy }),
      "termination-reason": termination.reason,
    },
  }
}

/**
 * Without the session, though the standard means to name it: its condition `../confirm-event != 'timeout'` stands on a
 * `uses`, is looked at from the notification itself, and so is never true (RFC 7950 section 7.21.5). A client that
 * validates would refuse what is beside it. See docs/decisions/0022-notifications.md.
 */
export function confirmedCommit(event: ConfirmedCommitEvent): JsonObject {
  return {
    [`${NCN}netconf-confirmed-commit`]: {
      "confirm-event": event.event,
      ...(event.timeoutS !== undefined && { timeout: event.timeoutS }),
    },
  }
}

/** The owner of the data is the server itself; a user without a NETCONF session has session-id 0 (RFC 6470 section 2.2). */
function changedBy(caller: Caller): JsonObject {
  const isOwner = caller.sessionId === 0 && caller.username === ""
  return isOwner ? { server: [null] } : sessionOf(caller)
}

function sessionOf({ username, sessionId, address }: Caller): JsonObject {
  return {
    username,
    "session-id": sessionId,
    // Test pipes and the like have addresses that are none.
    ...(isAddress(address) && { "source-host": address }),
  }
}

function isAddress(text: string): boolean {
  return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) || /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text)
}

function topOf({ path }: Change): string {
  return /^\/[^/[]+/.exec(path)?.[0] ?? path
}
