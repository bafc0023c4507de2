// create-subscription (RFC 5277 section 2.1). What it asks for is in `subscription.ts`.

import { QkdError } from "../errors.js"
import { NOTIFICATION_NS } from "./names.js"
import type { Operation, OperationHost, OperationTable } from "./operation.js"
import { Subscription, parseSubscription } from "./subscription.js"

/** Sessions with a subscription that is on, or about to be. */
const subscribed = new WeakSet<OperationHost>()

const createSubscription: Operation = (host, operation) => {
  const { publisher, receiver, backend } = host
  host.style.take("RFC 5277")
  // Section 2.1.1: one subscription a session.
  if (subscribed.has(host))
    throw new QkdError("operation-failed", "this session has a subscription already")
  const stream = publisher.netconf
  const terms = parseSubscription(backend.schema, operation, host.nowMs(), stream)
  subscribed.add(host)
  const subscription = new Subscription(stream, publisher.clock, terms, receiver, {
    mayHear: (event) => publisher.mayHear(host.caller, event),
    mark: (message) => {
      host.sendNotification(message)
    },
    over: () => {
      subscribed.delete(host)
    },
  })
  host.onEnd(() => {
    subscription.cancel()
  })
  return {
    body: "<ok/>",
    after: () => {
      subscription.start()
    },
  }
}

export const NOTIFICATION_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${NOTIFICATION_NS} create-subscription`, createSubscription],
])
