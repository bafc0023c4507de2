// The operations of a server, one rpc at a time: parameters, datastore, answer (RFC 6241 section 7, RFC 5277
// section 2.1, RFC 6022 section 3.1, RPCs of modules). Does not frame, order or count.

import { QkdError } from "../errors.js"
import { filterSubtree } from "../yang/filter.js"
import type { JsonObject } from "../yang/json.js"
import type { SchemaNode } from "../yang/schema.js"
import { compileValidator, type Validator } from "../yang/validate.js"
import { decodeXml, encodeXml } from "../yang/xml.js"
import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { Caller, NetconfBackend } from "./backend.js"
import { errorOfFault, type Datastore } from "./datastore.js"
import { parseSessionId } from "./messages.js"
import { getSchemaXml } from "./modules.js"
import { BASE_NS, MONITORING_NS, NOTIFICATION_NS, YANG_NS } from "./names.js"
import { choiceOf, datastoreOf, parametersOf, subtreeOf } from "./parameters.js"
import { severalErrors, type ErrorType } from "./rpc-error.js"

/** What the operation layer needs of the session and server around it. */
export interface OperationHost {
  readonly backend: NetconfBackend
  readonly datastore: Datastore
  readonly caller: Caller
  /** False once the session has ended. */
  alive(): boolean
  nowMs(): number
  monitoring(filter: readonly XmlElement[] | undefined): string
  /** @throws QkdError when the session has a subscription, or a parameter is wrong. @returns the start, to be called after the reply. */
  subscribe(operation: XmlElement): () => void
  /** Ends this session after the reply. */
  closeSession(): void
  /** @throws QkdError `invalid-value` when there is no such session. */
  killSession(sessionId: number): void
}

export interface Answer {
  /** What goes into the rpc-reply. */
  readonly body: string
  /** Done once the reply has left. */
  readonly after?: () => void
}

/** Where the work has got to, for error-type: parameters are `protocol`, data is `application`. */
export interface Progress {
  layer: ErrorType
}

type Operation = (
  host: OperationHost,
  operation: XmlElement,
  progress: Progress,
) => Answer | Promise<Answer>

const OK: Answer = { body: "<ok/>" }

const get: Operation = (host, operation, progress) => {
  const filter = subtreeOf(parametersOf(operation, ["filter"]))
  progress.layer = "application"
  const own = selected(host, host.datastore.data(), filter)
  return { body: `<data>${own}${host.monitoring(filter)}</data>` }
}

const getConfig: Operation = (host, operation, progress) => {
  const parameters = parametersOf(operation, ["source", "filter"], ["source"])
  datastoreOf(parameters, "source")
  const filter = subtreeOf(parameters)
  progress.layer = "application"
  return { body: `<data>${selected(host, host.datastore.running, filter)}</data>` }
}

function selected(
  host: OperationHost,
  data: JsonObject,
  filter: readonly XmlElement[] | undefined,
): string {
  const { schema } = host.backend
  return encodeXml(schema, filter === undefined ? data : filterSubtree(schema, data, filter))
}

/** All three error-options are taken: an edit here is all or nothing, whatever was asked for. */
const editConfig: Operation = async (host, operation, progress) => {
  const names = ["target", "default-operation", "test-option", "error-option", "config", "url"]
  const parameters = parametersOf(operation, names, ["target"])
  datastoreOf(parameters, "target")
  const defaultOperation = choiceOf(parameters, "default-operation", ["merge", "replace", "none"])
  const testOption = choiceOf(parameters, "test-option", ["test-then-set", "set", "test-only"])
  choiceOf(parameters, "error-option", ["stop-on-error", "continue-on-error", "rollback-on-error"])
  const config = parameters.get("config")
  if (parameters.has("url"))
    throw new QkdError("operation-not-supported", "no url here", { info: { "bad-element": "url" } })
  if (config === undefined)
    throw new QkdError("missing-element", "edit-config wants config", {
      info: { "bad-element": "config" },
    })
  progress.layer = "application"
  const edit = childrenOf(config)
  const testOnly = testOption === "test-only"
  await host.datastore.edit({ edit, defaultOperation, testOnly }, host.caller, () => host.alive())
  return OK
}

const lock: Operation = async (host, operation) => {
  datastoreOf(parametersOf(operation, ["target"], ["target"]), "target")
  await host.datastore.lock(host.caller.sessionId, host.nowMs())
  // The session may have ended while the lock waited for its turn.
  if (!host.alive()) host.datastore.release(host.caller.sessionId)
  return OK
}

const unlock: Operation = async (host, operation) => {
  datastoreOf(parametersOf(operation, ["target"], ["target"]), "target")
  await host.datastore.unlock(host.caller.sessionId)
  return OK
}

const validate: Operation = (host, operation, progress) => {
  const parameters = parametersOf(operation, ["source"], ["source"])
  const source = datastoreOf(parameters, "source", ["config"])
  progress.layer = "application"
  host.datastore.validate(source.name === "config" ? childrenOf(source) : "running")
  return OK
}

const closeSession: Operation = (host, operation) => {
  parametersOf(operation, [])
  return {
    body: "<ok/>",
    after: () => {
      host.closeSession()
    },
  }
}

const killSession: Operation = (host, operation) => {
  const parameters = parametersOf(operation, ["session-id"], ["session-id"])
  const element = parameters.get("session-id")
  const id = parseSessionId(element === undefined ? "" : textOf(element))
  // RFC 6241 section 7.9: the own session is ended with close-session.
  if (id === host.caller.sessionId)
    throw new QkdError("invalid-value", "a session cannot kill itself", {
      info: { "bad-element": "session-id" },
    })
  host.killSession(id)
  return OK
}

const createSubscription: Operation = (host, operation) => ({
  body: "<ok/>",
  after: host.subscribe(operation),
})

const getSchema: Operation = (host, operation) => ({
  body: getSchemaXml(host.backend.schema, operation),
})

const notSupported: Operation = (_host, operation) => {
  throw new QkdError("operation-not-supported", `${operation.name} is not supported`, {
    info: { "bad-element": operation.name },
  })
}

/** By namespace and name. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  [`${BASE_NS} get`, get],
  [`${BASE_NS} get-config`, getConfig],
  [`${BASE_NS} edit-config`, editConfig],
  [`${BASE_NS} lock`, lock],
  [`${BASE_NS} unlock`, unlock],
  [`${BASE_NS} validate`, validate],
  [`${BASE_NS} close-session`, closeSession],
  [`${BASE_NS} kill-session`, killSession],
  [`${BASE_NS} copy-config`, notSupported],
  [`${BASE_NS} delete-config`, notSupported],
  [`${BASE_NS} commit`, notSupported],
  [`${BASE_NS} discard-changes`, notSupported],
  [`${BASE_NS} cancel-commit`, notSupported],
  [`${NOTIFICATION_NS} create-subscription`, createSubscription],
  [`${MONITORING_NS} get-schema`, getSchema],
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
  const known = OPERATIONS.get(`${operation.ns} ${operation.name}`)
  const node = known === undefined ? moduleRpc(backend, operation) : undefined
  const name = node === undefined ? operation.name : `${node.module}:${node.name}`
  if (known !== closeSession && backend.allows?.(name, caller) === false)
    throw new QkdError("access-denied", `${caller.username} may not ${operation.name}`)
  if (known !== undefined) return known(host, operation, progress)
  if (node === undefined) throw new QkdError("operation-failed", "no operation")
  progress.layer = "application"
  return runModuleRpc(host, operation, name, node)
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

const validators = new WeakMap<NetconfBackend, Validator>()

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
  const input = decodeXml(schema, childrenOf(operation), child("input") ?? node)
  const validateInput = validators.get(backend) ?? compileValidator(schema, "rpc-input")
  validators.set(backend, validateInput)
  const faults = validateInput({ [name]: input })
  if (faults.length > 0) throw severalErrors(faults.map(errorOfFault))
  const output = await backend.rpc(name, input, host.caller)
  const body = encodeXml(schema, output, child("output") ?? node)
  return { body: body === "" ? "<ok/>" : body }
}
