// get-schema (RFC 6022 section 3.1).

import { QkdError } from "../errors.js"
import { escapeText, textOf } from "../yang/xml-tree.js"
import { MONITORING_NS } from "./names.js"
import type { Operation, OperationTable } from "./operation.js"
import { parametersOf, qualifiedOf, type QualifiedName } from "./parameters.js"

const getSchema: Operation = (host, operation, progress) => {
  const names = ["identifier", "version", "format"]
  const parameters = parametersOf(operation, names, ["identifier"])
  const [identifier = "", version] = names.map((name) => {
    const element = parameters.get(name)
    return element === undefined ? undefined : textOf(element).trim()
  })
  const none = (name: string, what: string): QkdError =>
    new QkdError("invalid-value", what, { info: { "bad-element": name } })
  const format = parameters.get("format")
  if (format !== undefined && !isYang(qualifiedOf(format)))
    throw none("format", `no format ${textOf(format).trim()}, only yang`)
  progress.layer = "application"
  const named = host.backend.schema.modules.filter((m) => m.name === identifier)
  if (named.length === 0) throw none("identifier", `no module ${identifier}`)
  const [found, second] =
    version === undefined ? named : named.filter((m) => m.revision === version)
  if (found === undefined) throw none("version", `no revision ${version ?? ""} of ${identifier}`)
  if (second !== undefined)
    throw new QkdError("operation-failed", `several revisions of ${identifier}`, {
      appTag: "data-not-unique",
    })
  return { body: `<data xmlns="${MONITORING_NS}">${escapeText(found.text)}</data>` }
}

/** Without a prefix that is declared it is taken for the module's own identity, as most clients write it. */
function isYang({ ns, prefixed, name }: QualifiedName): boolean {
  return name === "yang" && (!prefixed || ns === undefined || ns === MONITORING_NS)
}

export const MONITORING_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${MONITORING_NS} get-schema`, getSchema],
])
