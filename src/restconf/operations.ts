// POST of an operation or an action (RFC 8040 sections 3.6 and 4.4.2): input checked, the backend asked, output told.

import { QkdError } from "../errors.js"
import { errorOfFault } from "../netconf/datastore.js"
import { severalErrors } from "../netconf/rpc-error.js"
import { dataPathText, type DataPath } from "../yang/data-path.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema, SchemaNode } from "../yang/schema.js"
import {
  compileInnerValidator,
  compileValidator,
  type Validator,
  type YangFault,
} from "../yang/validate.js"
import { inputBody, parseDocument } from "./body.js"
import type { Desk, KnownRequest } from "./desk.js"
import { RestconfFault, notFound } from "./fault.js"
import { answerEncoding, bodyMedia } from "./media.js"
import type { RestconfAnswer } from "./message.js"
import { DATA_MEDIA } from "./names.js"
import { outputText } from "./representation.js"
import { resourceAt } from "./resource-path.js"

/** @throws QkdError `operation-not-supported`, `access-denied`, or as input and backend have it. */
export async function invokeRpc(
  desk: Desk,
  request: KnownRequest,
  schema: Schema,
  node: SchemaNode,
): Promise<RestconfAnswer> {
  const { backend, access } = desk
  const { caller } = request
  const name = `${node.module}:${node.name}`
  const may = access.mayExec(caller, { module: node.module, name: node.name })
  if (!may || backend.allows?.(name, caller) === false) throw denied(caller.username, node.name)
  const input = inputOf(desk, request, schema, node)
  refuse(compileValidator(schema, "rpc-input")({ [name]: input }))
  if (backend.rpc === undefined || schema !== backend.schema) throw notSupported(name)
  return answer(schema, node, await backend.rpc(name, input, caller), request)
}

const actionValidators = new WeakMap<SchemaNode, Validator>()

/** @throws QkdError as `invokeRpc`; 404 when the node the action belongs to is not there. */
export async function invokeAction(
  desk: Desk,
  request: KnownRequest,
  schema: Schema,
  path: DataPath,
  node: SchemaNode,
): Promise<RestconfAnswer> {
  const { backend, access, datastore } = desk
  const { caller } = request
  const at = dataPathText(path)
  const member =
    node.module === path.at(-1)?.node.module ? node.name : `${node.module}:${node.name}`
  const called = { module: node.module, name: node.name, path: `${at}/${member}` }
  if (!access.mayExec(caller, called)) throw denied(caller.username, node.name)
  const input = inputOf(desk, request, schema, node)
  const inner = partOf(node, "input")
  const validate = actionValidators.get(node) ?? compileInnerValidator(schema, inner, "rpc-input")
  actionValidators.set(node, validate)
  refuse(validate(input))
  if (resourceAt(datastore.data(caller), path) === undefined)
    throw notFound("the node of this action is not there", at)
  if (backend.action === undefined || schema !== backend.schema) throw notSupported(node.name)
  return answer(schema, node, await backend.action(at, node.name, input, caller), request)
}

/** What was sent, or nothing: an operation without input takes an empty body too. */
function inputOf(desk: Desk, request: KnownRequest, schema: Schema, node: SchemaNode): JsonObject {
  const { headers, body } = request
  // Before anything is done: an answer nobody can read must not follow a deed.
  answerEncoding(headers["accept"], headers["content-type"])
  const document =
    body.length === 0
      ? undefined
      : parseDocument(body, bodyMedia(headers["content-type"], false).encoding, desk.bodyLimits)
  return inputBody(schema, node, partOf(node, "input"), document)
}

/** Section 3.6.2: 200 with the output, 204 without. */
function answer(
  schema: Schema,
  node: SchemaNode,
  output: JsonObject,
  request: KnownRequest,
): RestconfAnswer {
  if (Object.keys(output).length === 0) return { status: 204, headers: {} }
  const { accept, "content-type": sent } = request.headers
  const encoding = answerEncoding(accept, sent)
  return {
    status: 200,
    headers: { "Content-Type": DATA_MEDIA[encoding], "Cache-Control": "no-cache" },
    body: outputText(schema, node, partOf(node, "output"), output, encoding),
  }
}

/** The compiler gives every operation both (RFC 7950 section 7.14). */
function partOf(node: SchemaNode, part: "input" | "output"): SchemaNode {
  return node.children.get(`${node.module}:${part}`) ?? node
}

/** What a datastore would call missing data is, in an input, an element that was not sent (RFC 6241 appendix A). */
function refuse(faults: readonly YangFault[]): void {
  const told = faults.map((fault) =>
    fault.tag === "data-missing" && fault.appTag === undefined
      ? errorOfFault({ ...fault, tag: "missing-element" })
      : errorOfFault(fault),
  )
  if (told.length > 0) throw severalErrors(told)
}

function denied(username: string, name: string): QkdError {
  return new QkdError("access-denied", `${username} may not ${name}`)
}

function notSupported(name: string): RestconfFault {
  return new RestconfFault(501, "operation-not-supported", `${name} is not supported`)
}
