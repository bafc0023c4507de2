// create-subscription (RFC 5277 section 2.1). What it asks for is in `subscription.ts`.

import { NOTIFICATION_NS } from "./names.js"
import type { Operation, OperationTable } from "./operation.js"

const createSubscription: Operation = (host, operation) => ({
  body: "<ok/>",
  after: host.subscribe(operation),
})

export const NOTIFICATION_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${NOTIFICATION_NS} create-subscription`, createSubscription],
])
