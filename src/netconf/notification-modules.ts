// The modules of RFC 6470, RFC 8639 and RFC 8641, to be compiled into the one schema of a server: what it then offers of
// them follows from what its schema has. Names only.

/** For `compileSchema` to implement. */
export const NOTIFICATION_MODULES: readonly string[] = [
  "ietf-netconf-notifications",
  "ietf-subscribed-notifications",
  "ietf-datastores",
  "ietf-yang-push",
]

/** What they only borrow from. */
export const NOTIFICATION_IMPORTS: readonly string[] = [
  "ietf-inet-types",
  "ietf-yang-types",
  "ietf-netconf",
  "ietf-netconf-acm",
  "ietf-interfaces",
  "ietf-ip",
  "ietf-yang-schema-mount",
  "ietf-network-instance",
  "ietf-restconf",
  "ietf-yang-patch",
]

export const NOTIFICATION_SOURCES: readonly string[] = [
  ...NOTIFICATION_MODULES,
  ...NOTIFICATION_IMPORTS,
]

/** Not offered: configured subscriptions, marking and weighing, JSON (a NETCONF session carries XML alone). */
export const NOTIFICATION_FEATURES: Readonly<Record<string, readonly string[]>> = {
  "ietf-subscribed-notifications": ["encode-xml", "replay", "subtree", "xpath"],
  "ietf-yang-push": ["on-change"],
}
