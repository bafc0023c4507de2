// One rpc to the operation that carries it out: the tables of the groups put together, then what this server has
// beside them, then RPCs of modules. Does not frame, order or count, and does no operation itself.

import { QkdError } from "../errors.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import { compileValidator } from "../yang/validate.js"
import { decodeXml, encodeXml, refuseText } from "../yang/xml.js"
import { childrenOf, type XmlElement } from "../yang/xml-tree.js"
import type { CalledOperation } from "./access-control.js"
import type { NetconfBackend } from "./backend.js"
import { errorOfFault } from "./datastore.js"
import { BASE_NS, MONITORING_NS, NMDA_NS, NOTIFICATION_NS, YANG_NS } from "./names.js"
import {
  operationKey,
  type Answer,
  type Operation,
  type OperationHost,
  type OperationTable,
  type Progress,
} from "./operation.js"
import { BASE_OPERATIONS } from "./operations-base.js"
import { CANDIDATE_OPERATIONS } from "./operations-candidate.js"
import { COPY_OPERATIONS } from "./operations-copy.js"
import { MONITORING_OPERATIONS } from "./operations-monitoring.js"
import { NMDA_OPERATIONS } from "./operations-nmda.js"
import { NOTIFICATION_OPERATIONS } from "./operations-notification.js"
import { severalErrors } from "./rpc-error.js"

const notSupported: Operation = (_host, operation) => {
  throw new QkdError("operation-not-supported", `${operation.name} is not supported`, {
    info: { "bad-element": operation.name },
  })
}

const STANDARD: OperationTable = new Map<string, Operation>([
  ...BASE_OPERATIONS,
  ...COPY_OPERATIONS,
  ...CANDIDATE_OPERATIONS,
  ...NOTIFICATION_OPERATIONS,
  ...MONITORING_OPERATIONS,
  ...NMDA_OPERATIONS,
  [`${YANG_NS} action`, notSupported],
])

/**
 * Carries one operation out.
 *
 * @throws QkdError, with `progress` at the layer where it failed.
 */
export async function runOperation(
  host: OperationHost,
  operation: XmlElement,
  progress: Progress,
): Promise<Answer> {
  const { backend, caller } = host
  const key = operationKey(operation)
  const known = host.operations.get(key) ?? standard(backend.schema, operation)
  const node = known === undefined ? moduleRpc(backend, operation) : undefined
  const name = node === undefined ? operation.name : `${node.module}:${node.name}`
  // RFC 8341 section 3.2.4: nobody is kept from leaving.
  const leaving = operation.ns === BASE_NS && operation.name === "close-session"
  const permitted =
    host.datastore.access.mayExec(caller, calledOperation(backend.schema, operation)) &&
    (leaving || backend.allows?.(name, caller) !== false)
  if (!permitted)
    throw new QkdError("access-denied", `${caller.username} may not ${operation.name}`)
  if (known !== undefined) return known(host, operation, progress)
  if (node === undefined) throw new QkdError("operation-failed", "no operation")
  progress.layer = "application"
  return runModuleRpc(host, operation, name, node)
}

/** Operations of the standard whose module the server must have: what is not offered is unknown. */
const OF_MODULES = [MONITORING_NS, NMDA_NS]

function standard(schema: Schema, operation: XmlElement): Operation | undefined {
  const offered =
    !OF_MODULES.includes(operation.ns) ||
    schema.moduleByNamespace(operation.ns)?.implemented === true
  return offered ? STANDARD.get(operationKey(operation)) : undefined
}

/** Modules of operations that a server has without having their modules compiled. */
const MODULES: ReadonlyMap<string, string> = new Map([
  [BASE_NS, "ietf-netconf"],
  [NOTIFICATION_NS, "notifications"],
])
const IETF = "urn:ietf:params:xml:ns:yang:"

/** What access control is asked about. An `action` is asked about where the node it is at is known. */
function calledOperation(schema: Schema, { ns, name }: XmlElement): CalledOperation {
  const compiled = schema.moduleByNamespace(ns)?.name ?? MODULES.get(ns)
  return { module: compiled ?? (ns.startsWith(IETF) ? ns.slice(IETF.length) : ns), name }
}

/** @throws QkdError `unknown-namespace` or `unknown-element` when no module has such an rpc. */
function moduleRpc(backend: NetconfBackend, operation: XmlElement): SchemaNode {
  const module = backend.schema.moduleByNamespace(operation.ns)
  const info = { "bad-element": operation.name }
  if (module === undefined && operation.ns !== BASE_NS)
    throw new QkdError("unknown-namespace", `no module of namespace ${operation.ns}`, {
      info: { ...info, "bad-namespace": operation.ns },
    })
  const node = backend.schema.rpcs.get(`${module?.name ?? ""}:${operation.name}`)
  if (node === undefined)
    throw new QkdError("unknown-element", `no operation ${operation.name}`, { info })
  return node
}

async function runModuleRpc(
  host: OperationHost,
  operation: XmlElement,
  name: string,
  node: SchemaNode,
): Promise<Answer> {
  const { backend } = host
  const { schema } = backend
  if (backend.rpc === undefined)
    throw new QkdError("operation-not-supported", `${name} is not supported`)
  const child = (kind: "input" | "output"): SchemaNode | undefined =>
    [...node.children.values()].find((c) => c.kind === kind)
  const inside = child("input") ?? node
  refuseText({ up: undefined, node: inside }, operation)
  const input = decodeXml(schema, childrenOf(operation), inside)
  const faults = compileValidator(schema, "rpc-input")({ [name]: input })
  if (faults.length > 0) throw severalErrors(faults.map(errorOfFault))
  const output = await backend.rpc(name, input, host.caller)
  const body = encodeXml(schema, output, child("output") ?? node)
  return { body: body === "" ? "<ok/>" : body }
}
