// establish-, modify-, delete-, kill- and resync-subscription over NETCONF (RFC 8640). What they do is in
// `subscribed.ts`; here they are decoded, answered and bound to their session.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json.js"
import type { SchemaNode } from "../yang/schema.js"
import { compileValidator } from "../yang/validate.js"
import { decodeXml, encodeXml, refuseText } from "../yang/xml.js"
import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import { errorOfFault } from "./datastore.js"
import { SUBSCRIBED_NS, YANG_PUSH_NS } from "./names.js"
import {
  OK,
  type Answer,
  type Operation,
  type OperationHost,
  type OperationTable,
} from "./operation.js"
import { severalErrors } from "./rpc-error.js"
import { subscriptionError } from "./subscribed-errors.js"
import type { Established, SubscriptionDesk } from "./subscribed.js"

/** The operations of one desk. */
export function subscribedOperations(desk: SubscriptionDesk): OperationTable {
  const establish: Operation = (host, operation, progress) => {
    host.style.take("RFC 8639")
    assertXml(operation)
    const { node, input } = decoded(host, operation)
    progress.layer = "application"
    const made = desk.establish(host.receiver, input, childrenOf(operation))
    const output = [...node.children.values()].find((c) => c.kind === "output")
    return answerOf(made, encodeXml(host.backend.schema, made.output, output ?? node))
  }
  const modify: Operation = (host, operation, progress) => {
    const { input } = decoded(host, operation)
    progress.layer = "application"
    return answerOf(desk.modify(host.receiver, input, childrenOf(operation)))
  }
  const remove: Operation = (host, operation, progress) => {
    const { input } = decoded(host, operation)
    progress.layer = "application"
    desk.delete(host.receiver, input)
    return OK
  }
  const kill: Operation = (host, operation, progress) => {
    const { input } = decoded(host, operation)
    progress.layer = "application"
    desk.kill(input)
    return OK
  }
  const resync: Operation = (host, operation, progress) => {
    const { input } = decoded(host, operation)
    progress.layer = "application"
    return answerOf(desk.resync(host.receiver, input))
  }
  return new Map<string, Operation>([
    [`${SUBSCRIBED_NS} establish-subscription`, establish],
    [`${SUBSCRIBED_NS} modify-subscription`, modify],
    [`${SUBSCRIBED_NS} delete-subscription`, remove],
    [`${SUBSCRIBED_NS} kill-subscription`, kill],
    [`${YANG_PUSH_NS} resync-subscription`, resync],
  ])
}

function answerOf(made: Established, body = "<ok/>"): Answer {
  return {
    body,
    after: () => {
      made.start()
    },
  }
}

function decoded(
  { backend: { schema } }: OperationHost,
  operation: XmlElement,
): { readonly node: SchemaNode; readonly input: JsonObject } {
  const name = `${schema.moduleByNamespace(operation.ns)?.name ?? ""}:${operation.name}`
  const node = schema.rpcs.get(name)
  if (node === undefined)
    throw new QkdError("unknown-element", `no operation ${operation.name}`, {
      info: { "bad-element": operation.name },
    })
  const inside = [...node.children.values()].find((c) => c.kind === "input") ?? node
  refuseText({ up: undefined, node: inside }, operation)
  const input = decodeXml(schema, childrenOf(operation), inside)
  const faults = compileValidator(schema, "rpc-input")({ [name]: input })
  if (faults.length > 0) throw severalErrors(faults.map(errorOfFault))
  return { node, input }
}

/** Asked before decoding: where JSON is no feature of the server, its name is no value of the schema either. */
function assertXml(operation: XmlElement): void {
  const encoding = childrenOf(operation).find((c) => c.name === "encoding")
  if (encoding === undefined || !/^(?:[^:]*:)?encode-json$/.test(textOf(encoding).trim())) return
  throw subscriptionError(
    "ietf-subscribed-notifications:encoding-unsupported",
    "notifications of a NETCONF session are in XML",
    "establish",
    childrenOf(operation).some((c) => c.ns === YANG_PUSH_NS) ? "datastore" : "stream",
  )
}
