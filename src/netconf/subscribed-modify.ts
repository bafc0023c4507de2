// What a modify-subscription makes of the terms there were (RFC 8639 section 2.4.3, RFC 8641 section 4.4.2).

import { QkdError } from "../errors.js"
import { isObject, type JsonObject } from "../yang/json-text.js"
import type { Terms } from "./subscribed-terms.js"

const PERIODIC = "ietf-yang-push:periodic"
const ON_CHANGE = "ietf-yang-push:on-change"

/** What a modification leaves out stays as it was. @throws QkdError when it is about another kind of target. */
export function modifiedTerms(before: Terms, asked: Terms): Terms {
  if (before.target.kind !== asked.target.kind)
    throw new QkdError(
      "invalid-value",
      `the target of this subscription is a ${before.target.kind}`,
    )
  const filter = asked.target.filter ?? before.target.filter
  const target =
    before.target.kind === "stream"
      ? { ...before.target, filter }
      : { ...before.target, ...asked.target, filter, trigger: triggerAfter(before, asked) }
  const replaced = asked.target.filter !== undefined
  const kept = Object.entries(before.policy).filter(
    ([name]) => !(replaced && isFilterMember(name)) && !(asksTrigger(asked) && isTrigger(name)),
  )
  return {
    target,
    stopMs: asked.stopMs ?? before.stopMs,
    encoding: before.encoding,
    policy: { ...Object.fromEntries(kept), ...asked.policy, ...onChangeAfter(before, asked) },
  }
}

/** What of `on-change` cannot be modified is told on. */
function onChangeAfter(before: Terms, asked: Terms): JsonObject {
  const was = before.policy[ON_CHANGE]
  const now = asked.policy[ON_CHANGE]
  return isObject(was) && isObject(now) ? { [ON_CHANGE]: { ...was, ...now } } : {}
}

function triggerAfter(
  before: Terms,
  asked: Terms,
): Extract<Terms["target"], { kind: "datastore" }>["trigger"] {
  const was = before.target.kind === "datastore" ? before.target.trigger : undefined
  const now = asked.target.kind === "datastore" ? asked.target.trigger : undefined
  if (now === undefined) return was
  // RFC 8641 section 5: these two cannot be modified.
  if (now.kind === "on-change" && was?.kind === "on-change")
    return { ...now, syncOnStart: was.syncOnStart, excluded: was.excluded }
  return now
}

function asksTrigger({ target }: Terms): boolean {
  return target.kind === "datastore" && target.trigger !== undefined
}

function isTrigger(name: string): boolean {
  return name === PERIODIC || name === ON_CHANGE
}

function isFilterMember(name: string): boolean {
  return /(?:^|:)(?:stream-filter-name|selection-filter-ref|(?:stream|datastore)-(?:subtree|xpath)-filter)$/.test(
    name,
  )
}
