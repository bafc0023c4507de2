// The schema that the controller's NETCONF and RESTCONF serve: the network, what runs over it, and access control.

import { loadYangFiles } from "../transport/yang-files.js"
import { compileSchema, type Schema } from "../yang/schema.js"

/** The types of 015 are implemented, not only imported: else every identity would be refused. */
const IMPLEMENTED = [
  "etsi-qkd-node-types",
  "keyloom-network",
  "keyloom-connectivity",
  "ietf-netconf-acm",
]
/** The node's model lends its groupings; its data is the nodes' own. */
const IMPORTED = ["etsi-qkd-sdn-node", "ietf-inet-types", "ietf-yang-types"]

/** Compiles it; costs tens of milliseconds. Without features: no bound on jitter can be agreed. */
export function networkSchema(): Schema {
  return compileSchema(loadYangFiles([...IMPLEMENTED, ...IMPORTED]), {
    implement: IMPLEMENTED,
    features: { "keyloom-connectivity": [] },
  })
}
