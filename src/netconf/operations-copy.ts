// copy-config, delete-config, validate (RFC 6241 sections 7.3, 7.4, 8.6): whole configurations.

import { QkdError } from "../errors.js"
import { applyEdit } from "../yang/edit.js"
import type { DefaultsMode } from "../yang/defaults.js"
import type { JsonObject } from "../yang/json.js"
import { childrenOf, type XmlElement } from "../yang/xml-tree.js"
import type { Caller } from "./backend.js"
import { OWNER } from "./datastore.js"
import type { StoreName } from "./datastore-locks.js"
import { BASE_NS } from "./names.js"
import { OK, type Operation, type OperationHost, type OperationTable } from "./operation.js"
import { defaultsModeOf, reported } from "./reading.js"
import { datastoreOf, parametersOf } from "./parameters.js"

const copyConfig: Operation = async (host, operation, progress) => {
  const parameters = parametersOf(
    operation,
    ["target", "source", "with-defaults"],
    ["target", "source"],
  )
  const { names } = host.datastores
  const target = datastoreOf(parameters, "target", names).name
  const source = datastoreOf(parameters, "source", [...names, "config"])
  if (source.name === target)
    throw new QkdError("invalid-value", `${target} cannot be copied to itself`, {
      info: { "bad-element": "source" },
    })
  const mode = defaultsModeOf(parameters)
  progress.layer = "application"
  // RFC 8341 section 3.2.6: what the caller may not read is no part of the source, unless running is just kept.
  const reader = source.name === "running" && target === "startup" ? OWNER : host.caller
  const content = contentOf(host, source, reader, mode)
  await host.datastores.replace(target, content, host.caller, () => host.alive())
  return OK
}

type Source = XmlElement & { readonly name: StoreName | "config" }

/**
 * An inline configuration is read at once, a datastore when its turn has come. What a mode reports is what is copied:
 * defaults filled in count as set by a client from then on, unless they are tagged (RFC 6243 sections 4.5.3 and 6).
 */
function contentOf(
  host: OperationHost,
  source: Source,
  reader: Caller,
  mode: DefaultsMode | undefined,
): () => JsonObject {
  const { name } = source
  const { schema } = host.backend
  const kept = mode === "report-all-tagged" ? undefined : mode
  if (name !== "config")
    return () =>
      reported(schema, host.datastores.config(name, reader), kept, true, (all) =>
        host.datastore.access.readable(reader, all),
      )
  const whole = applyEdit(schema, {}, childrenOf(source), "replace")
  return () => whole
}

const deleteConfig: Operation = async (host, operation, progress) => {
  const parameters = parametersOf(operation, ["target"], ["target"])
  // Section 7.4: running cannot be deleted; a candidate is discarded or copied over instead.
  const deletable = host.datastores.names.filter((name) => name === "startup")
  datastoreOf(parameters, "target", deletable)
  progress.layer = "application"
  await host.datastores.startup?.delete(host.caller)
  return OK
}

const validate: Operation = async (host, operation, progress) => {
  const parameters = parametersOf(operation, ["source"], ["source"])
  const { names, running, candidate, startup } = host.datastores
  const source = datastoreOf(parameters, "source", [...names, "config"])
  progress.layer = "application"
  if (source.name === "candidate") await candidate?.validate(host.caller)
  else if (source.name === "startup") running.assertValid(startup?.config ?? {})
  else running.validate(source.name === "config" ? childrenOf(source) : "running")
  return OK
}

export const COPY_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${BASE_NS} copy-config`, copyConfig],
  [`${BASE_NS} delete-config`, deleteConfig],
  [`${BASE_NS} validate`, validate],
])
