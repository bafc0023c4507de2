// The modules of NETCONF itself that a server may have beside those of its data, to be compiled into the one schema:
// what a server then offers of RFC 6022, 6243, 8525 and 8526 follows from what its schema has. Names only.

import type { Schema } from "../yang/schema.js"

export const WITH_DEFAULTS_MODULE = "ietf-netconf-with-defaults"
export const MONITORING_MODULE = "ietf-netconf-monitoring"
export const LIBRARY_MODULE = "ietf-yang-library"
export const NMDA_MODULE = "ietf-netconf-nmda"
export const STREAMS_MODULE = "nc-notifications"

/** For `compileSchema`, with `PROTOCOL_IMPORTS`. */
export const PROTOCOL_MODULES: readonly string[] = [
  "ietf-netconf",
  WITH_DEFAULTS_MODULE,
  MONITORING_MODULE,
  "ietf-datastores",
  LIBRARY_MODULE,
  "ietf-origin",
  NMDA_MODULE,
  "notifications",
  STREAMS_MODULE,
]

/** What they only borrow from. */
export const PROTOCOL_IMPORTS: readonly string[] = [
  "ietf-inet-types",
  "ietf-yang-types",
  "ietf-yang-metadata",
]

/** All that any of our servers can do; one without a candidate or a startup configuration leaves those out. */
export const PROTOCOL_FEATURES: Readonly<Record<string, readonly string[]>> = {
  "ietf-netconf": [
    "writable-running",
    "candidate",
    "confirmed-commit",
    "rollback-on-error",
    "validate",
    "startup",
    "xpath",
  ],
}

export function implementsModule(schema: Schema, name: string): boolean {
  return schema.moduleByName(name)?.implemented === true
}
