// The schema that the controller's NETCONF and RESTCONF serve: the network, what runs over it, access control, and the
// protocols' own modules.

import {
  NOTIFICATION_FEATURES,
  NOTIFICATION_IMPORTS,
  NOTIFICATION_MODULES,
} from "../netconf/notification-modules.js"
import {
  PROTOCOL_FEATURES,
  PROTOCOL_IMPORTS,
  PROTOCOL_MODULES,
} from "../netconf/protocol-modules.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { compileSchema, type Schema } from "../yang/schema.js"

/** The types of 015 are implemented, not only imported: else every identity would be refused. */
const IMPLEMENTED = [
  ...new Set([
    "etsi-qkd-node-types",
    "keyloom-network",
    "keyloom-connectivity",
    "keyloom-maintenance",
    "ietf-netconf-acm",
    ...PROTOCOL_MODULES,
    ...NOTIFICATION_MODULES,
  ]),
]
/** The node's model lends its groupings; its data is the nodes' own. */
const IMPORTED = ["etsi-qkd-sdn-node", ...PROTOCOL_IMPORTS, ...NOTIFICATION_IMPORTS]

/** Compiles it; costs some hundred milliseconds. */
export function networkSchema(): Schema {
  return compileSchema(loadYangFiles([...new Set([...IMPLEMENTED, ...IMPORTED])]), {
    implement: IMPLEMENTED,
    features: { ...PROTOCOL_FEATURES, ...NOTIFICATION_FEATURES },
  })
}

/** What a RESTCONF server tells of itself (RFC 8040 section 9). */
export function restconfOwnSchema(): Schema {
  const implement = ["ietf-restconf-monitoring"]
  return compileSchema(loadYangFiles([...implement, "ietf-inet-types", "ietf-yang-types"]), {
    implement,
  })
}
