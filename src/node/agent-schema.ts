// The schema a node's NETCONF server serves: ETSI GS QKD 015 V2.1.1, keyloom-node, access control (RFC 8341), and the
// modules of NETCONF itself.

import {
  NOTIFICATION_FEATURES,
  NOTIFICATION_MODULES,
  NOTIFICATION_SOURCES,
} from "../netconf/notification-modules.js"
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
  ...new Set([...PROTOCOL_MODULES, ...NOTIFICATION_MODULES]),
]

/**
 * Compiles it; costs tens of milliseconds. The types module is implemented, not only imported: else every
 * identity would be refused.
 */
export function agentSchema(): Schema {
  const sources = new Set([...IMPLEMENTED, ...PROTOCOL_IMPORTS, ...NOTIFICATION_SOURCES])
  return compileSchema(loadYangFiles([...sources]), {
    implement: IMPLEMENTED,
    features: { ...PROTOCOL_FEATURES, ...NOTIFICATION_FEATURES },
  })
}
