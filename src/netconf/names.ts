// Namespaces, capability URIs and sizes of NETCONF. Constants only.

/** RFC 6241 section 3.1. */
export const BASE_NS = "urn:ietf:params:xml:ns:netconf:base:1.0"
/** RFC 5277 section 4: `create-subscription`, `notification`. */
export const NOTIFICATION_NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
/** RFC 5277 section 3.4: the list of streams. */
export const STREAMS_NS = "urn:ietf:params:xml:ns:netmod:notification"
/** RFC 6022: `get-schema`, `netconf-state`. */
export const MONITORING_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
/** RFC 8639: `establish-subscription` and its kin. */
export const SUBSCRIBED_NS = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
/** RFC 8641: what of datastores can be subscribed to. */
export const YANG_PUSH_NS = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
/** RFC 6243: the parameter. */
export const WITH_DEFAULTS_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
/** RFC 8526: `get-data`, `edit-data`. */
export const NMDA_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
/** RFC 8342: names of datastores. */
export const DATASTORES_NS = "urn:ietf:params:xml:ns:yang:ietf-datastores"
/** RFC 8342: origins. */
export const ORIGIN_NS = "urn:ietf:params:xml:ns:yang:ietf-origin"
/** RFC 7950 section 15: error-info of YANG's own faults. */
export const YANG_NS = "urn:ietf:params:xml:ns:yang:1"
export const XML_NS = "http://www.w3.org/XML/1998/namespace"
/** Children of error-info that no standard names. */
export const OWN_INFO_NS = "urn:keyloom:netconf:error-info"

export const BASE_1_0 = "urn:ietf:params:netconf:base:1.0"
export const BASE_1_1 = "urn:ietf:params:netconf:base:1.1"

export const CAPABILITY = "urn:ietf:params:netconf:capability:"

/** RFC 6241 sections 8.3, 8.4, 8.7: of servers that have what they need. */
export const CANDIDATE = `${CAPABILITY}candidate:1.0`
export const CONFIRMED_COMMIT = `${CAPABILITY}confirmed-commit:1.1`
export const STARTUP = `${CAPABILITY}startup:1.0`

/** RFC 6243 section 4: what a client has set is reported, but for what it asks for otherwise. */
export const WITH_DEFAULTS_CAPABILITY = `${CAPABILITY}with-defaults:1.0?basic-mode=explicit&also-supported=report-all,report-all-tagged,trim`
/** RFC 8526 section 3.1.1.2. */
export const WITH_OPERATIONAL_DEFAULTS = `${CAPABILITY}with-operational-defaults:1.0`

/** What our server does, apart from the modules it serves. Nothing is named here that is not done. */
export const SERVER_CAPABILITIES: readonly string[] = [
  BASE_1_0,
  BASE_1_1,
  `${CAPABILITY}writable-running:1.0`,
  `${CAPABILITY}rollback-on-error:1.0`,
  `${CAPABILITY}validate:1.1`,
  `${CAPABILITY}xpath:1.0`,
  `${CAPABILITY}notification:1.0`,
  `${CAPABILITY}interleave:1.0`,
]

export const CLIENT_CAPABILITIES: readonly string[] = [BASE_1_0, BASE_1_1]

/** RFC 6241 section 8.1: session ids are 1..4294967295. */
export const MAX_SESSION_ID = 4_294_967_295
