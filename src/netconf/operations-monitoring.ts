// get-schema (RFC 6022 section 3.1).

import { getSchemaXml } from "./modules.js"
import { MONITORING_NS } from "./names.js"
import type { Operation, OperationTable } from "./operation.js"

const getSchema: Operation = (host, operation) => ({
  body: getSchemaXml(host.backend.schema, operation),
})

export const MONITORING_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${MONITORING_NS} get-schema`, getSchema],
])
