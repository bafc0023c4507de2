// The schema a node's NETCONF server serves: ETSI GS QKD 015 V2.1.1, keyloom-node, access control (RFC 8341), and the
// modules of NETCONF itself.

import {
  PROTOCOL_FEATURES,
  PROTOCOL_IMPORTS,
  PROTOCOL_MODULES,
} from "../netconf/protocol-modules.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { compileSchema, type Schema } from "../yang/schema.js"

const IMPLEMENTED = [
  "etsi-qkd-node-types",
  "etsi-qkd-sdn-node",
  "keyloom-node",
  "ietf-netconf-acm",
  ...PROTOCOL_MODULES,
]

/**
 * Compiles it; costs tens of milliseconds. The types module is implemented, not only imported: else every
 * identity would be refused.
 */
export function agentSchema(): Schema {
  return compileSchema(loadYangFiles([...IMPLEMENTED, ...PROTOCOL_IMPORTS]), {
    implement: IMPLEMENTED,
    features: PROTOCOL_FEATURES,
  })
}
