// Who may change something at a node once a controller has said its term: rpc lead of keyloom-node, and what is asked of
// every session before it is heard. The terms themselves are `leader-terms`.

import type { Caller } from "../netconf/backend.js"
import type { JsonObject } from "../yang/json-text.js"
import type { AgentServer } from "./agent-options.js"
import type { Leader, LeaderTerms } from "./leader-terms.js"
import type { Log } from "./log.js"

/** What could change something at the node, or stand in the way of a change. */
const CHANGES: ReadonlySet<string> = new Set([
  ...["edit-config", "copy-config", "delete-config", "commit", "cancel-commit", "lock"],
  ...["discard-changes", "kill-session", "edit-data", "refuse-application"],
])

/** @throws QkdError `access-denied` app-tag `stale-leader` */
export function checkLead(leaders: LeaderTerms, operation: string, caller: Caller): void {
  if (CHANGES.has(operation.replace(/^[^:]*:/, "")))
    leaders.check(caller.sessionId, actsForController(caller))
}

/** And for nobody else: then it has a term. */
function actsForController({ groups = [] }: Caller): boolean {
  return groups.includes("controller") && !groups.includes("operator") && !groups.includes("admin")
}

/**
 * A controller leads. Once this is answered nothing of an older term comes any more, and its locks are free.
 *
 * @throws QkdError `access-denied` app-tag `stale-leader`
 */
export async function takeLead(
  leaders: LeaderTerms,
  leader: Leader,
  caller: Caller,
  server: AgentServer | undefined,
  log: Log,
): Promise<JsonObject> {
  const before = leaders.leader?.term
  const facts = { ...leader, username: caller.username }
  try {
    await leaders.claim(caller.sessionId, leader)
  } catch (cause) {
    log.warn({ ...facts, err: cause }, "not taken as leader")
    throw cause
  }
  const sessions = server?.sessions.map(({ sessionId }) => sessionId) ?? []
  for (const id of leaders.overdue(sessions)) server?.end(id, "another controller leads")
  // What was under way when it came is done, or refused.
  await server?.datastore.update((running) => running, { despiteLock: true })
  if (before !== leader.term) log.info(facts, "a controller leads this node")
  return {}
}
