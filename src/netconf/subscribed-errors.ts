// Refusals of RFC 8639 and RFC 8641 as errors of NETCONF and RESTCONF: the identity is the app-tag, the error-tag comes
// from the tables of RFC 8640 section 7 and RFC 8650 section 3.3, hints go into the yang-data container of the rpc.

import { QkdError, type ErrorStructure, type ErrorTag } from "../errors.js"
import { SUBSCRIBED_NS, YANG_PUSH_NS } from "./names.js"

const TAGS = {
  "ietf-subscribed-notifications:encoding-unsupported": "invalid-value",
  "ietf-subscribed-notifications:filter-unsupported": "invalid-value",
  "ietf-subscribed-notifications:insufficient-resources": "resource-denied",
  "ietf-subscribed-notifications:no-such-subscription": "invalid-value",
  "ietf-subscribed-notifications:replay-unsupported": "operation-not-supported",
  "ietf-yang-push:cant-exclude": "operation-not-supported",
  "ietf-yang-push:datastore-not-subscribable": "invalid-value",
  "ietf-yang-push:no-such-subscription-resync": "invalid-value",
  "ietf-yang-push:on-change-unsupported": "operation-not-supported",
  "ietf-yang-push:on-change-sync-unsupported": "operation-not-supported",
  "ietf-yang-push:period-unsupported": "invalid-value",
  "ietf-yang-push:update-too-big": "too-big",
  "ietf-yang-push:sync-too-big": "too-big",
  "ietf-yang-push:unchanging-selection": "operation-failed",
} as const satisfies Readonly<Record<string, ErrorTag>>

export type SubscriptionErrorIdentity = keyof typeof TAGS

/** Leafs of `hints`, and `filter-failure-hint` of stream errors. */
export interface Hints {
  readonly "period-hint"?: number
  readonly "filter-failure-hint"?: string
  readonly "object-count-estimate"?: number
  readonly "object-count-limit"?: number
  readonly "kilobytes-estimate"?: number
  readonly "kilobytes-limit"?: number
}

/** The rpc that failed: it decides which container carries the hints. */
export type FailedRpc = "establish" | "modify" | "delete" | "resync"

/**
 * @param target of the subscription: streams and datastores have containers of their own.
 * @returns the error to throw. Where the container can do without the reason it is left out: the app-tag says it.
 */
export function subscriptionError(
  identity: SubscriptionErrorIdentity,
  message: string,
  rpc: FailedRpc,
  target: "stream" | "datastore" = "stream",
  hints: Hints = {},
): QkdError {
  const structure = structureOf(identity, rpc, target, hints)
  return new QkdError(TAGS[identity], message, {
    appTag: identity,
    ...(structure === undefined ? {} : { structure }),
  })
}

function structureOf(
  identity: SubscriptionErrorIdentity,
  rpc: FailedRpc,
  target: "stream" | "datastore",
  hints: Hints,
): ErrorStructure | undefined {
  const leafs = { ...hints }
  if (rpc === "delete")
    return {
      module: "ietf-subscribed-notifications",
      namespace: SUBSCRIBED_NS,
      name: "delete-subscription-error-info",
      identity: { name: "reason", value: identity, namespace: namespaceOf(identity) },
      leafs,
    }
  if (rpc === "resync")
    return {
      module: "ietf-yang-push",
      namespace: YANG_PUSH_NS,
      name: "resync-subscription-error",
      identity: { name: "reason", value: identity, namespace: namespaceOf(identity) },
      leafs,
    }
  if (Object.keys(leafs).length === 0) return undefined
  const name = `${rpc}-subscription-${target}-error-info`
  return target === "stream"
    ? { module: "ietf-subscribed-notifications", namespace: SUBSCRIBED_NS, name, leafs }
    : { module: "ietf-yang-push", namespace: YANG_PUSH_NS, name, leafs }
}

function namespaceOf(identity: string): string {
  return identity.startsWith("ietf-yang-push:") ? YANG_PUSH_NS : SUBSCRIBED_NS
}
