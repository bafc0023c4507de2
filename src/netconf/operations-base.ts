// get, get-config, edit-config, lock, unlock, close-session, kill-session (RFC 6241 section 7).

import { QkdError } from "../errors.js"
import type { DefaultsMode } from "../yang/defaults.js"
import type { JsonObject } from "../yang/json.js"
import { encodeXml } from "../yang/xml.js"
import { childrenOf, textOf } from "../yang/xml-tree.js"
import { parseSessionId } from "./messages.js"
import { BASE_NS } from "./names.js"
import { OK, type Operation, type OperationHost, type OperationTable } from "./operation.js"
import { choiceOf, datastoreOf, parametersOf, type Parameters } from "./parameters.js"
import { defaultsModeOf, filterOf, reported, selectedBy, type Filter } from "./reading.js"

const get: Operation = (host, operation, progress) => {
  const parameters = parametersOf(operation, ["filter", "with-defaults"])
  const [filter, mode] = askedFor(host, parameters)
  progress.layer = "application"
  return { body: shown(host, host.datastore.data(host.caller), filter, mode, false) }
}

const getConfig: Operation = (host, operation, progress) => {
  const parameters = parametersOf(operation, ["source", "filter", "with-defaults"], ["source"])
  const source = datastoreOf(parameters, "source", host.datastores.names).name
  const [filter, mode] = askedFor(host, parameters)
  progress.layer = "application"
  return { body: shown(host, host.datastores.config(source, host.caller), filter, mode, true) }
}

function askedFor(
  host: OperationHost,
  parameters: Parameters,
): [Filter | undefined, DefaultsMode | undefined] {
  return [filterOf(host.backend.schema, parameters), defaultsModeOf(parameters)]
}

function shown(
  host: OperationHost,
  data: JsonObject,
  filter: Filter | undefined,
  mode: DefaultsMode | undefined,
  configOnly: boolean,
): string {
  const { schema } = host.backend
  const told = reported(schema, data, mode, configOnly, (all) =>
    host.datastore.access.readable(host.caller, all),
  )
  const found = selectedBy(schema, told, filter)
  return `<data>${encodeXml(schema, found)}</data>`
}

/** All three error-options are taken: an edit here is all or nothing, whatever was asked for. */
const editConfig: Operation = async (host, operation, progress) => {
  const names = ["target", "default-operation", "test-option", "error-option", "config", "url"]
  const parameters = parametersOf(operation, names, ["target"])
  const writable = host.datastores.names.filter((name) => name !== "startup")
  const target = datastoreOf(parameters, "target", writable).name
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
  const validated = parameters.has("test-option") && testOption === "test-then-set"
  const request = { edit, defaultOperation, testOnly, validated }
  await host.datastores.edit(target, request, host.caller, () => host.alive())
  return OK
}

const lock: Operation = async (host, operation) => {
  const parameters = parametersOf(operation, ["target"], ["target"])
  const target = datastoreOf(parameters, "target", host.datastores.names).name
  await host.datastores.lock(target, host.caller.sessionId, host.nowMs())
  // The session may have ended while the lock waited for its turn.
  if (!host.alive()) await host.datastores.release(host.caller.sessionId)
  return OK
}

const unlock: Operation = async (host, operation) => {
  const parameters = parametersOf(operation, ["target"], ["target"])
  const target = datastoreOf(parameters, "target", host.datastores.names).name
  await host.datastores.unlock(target, host.caller.sessionId)
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

export const BASE_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${BASE_NS} get`, get],
  [`${BASE_NS} get-config`, getConfig],
  [`${BASE_NS} edit-config`, editConfig],
  [`${BASE_NS} lock`, lock],
  [`${BASE_NS} unlock`, unlock],
  [`${BASE_NS} close-session`, closeSession],
  [`${BASE_NS} kill-session`, killSession],
])
