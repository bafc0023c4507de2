// Namespaces, media types and capability URIs of RESTCONF. Constants only.

import type { Encoding } from "./message.js"

/** RFC 8040 section 8. */
export const RESTCONF_NS = "urn:ietf:params:xml:ns:yang:ietf-restconf"
/** RFC 8072 section 3. */
export const YANG_PATCH_NS = "urn:ietf:params:xml:ns:yang:ietf-yang-patch"
/** RFC 6243 section 6: the attribute that marks a default. */
export const WITH_DEFAULTS_NS = "urn:ietf:params:xml:ns:netconf:default:1.0"

export const DATA_MEDIA: Readonly<Record<Encoding, string>> = {
  json: "application/yang-data+json",
  xml: "application/yang-data+xml",
}
export const PATCH_MEDIA: Readonly<Record<Encoding, string>> = {
  json: "application/yang-patch+json",
  xml: "application/yang-patch+xml",
}
/** RFC 8040 section 3.7; registered by RFC 6020 section 14. */
export const YANG_MEDIA = "application/yang"
export const EVENT_STREAM_MEDIA = "text/event-stream"

/** RFC 8040 section 4.6: what PATCH takes, for OPTIONS and for 415. */
export const ACCEPT_PATCH = [...Object.values(DATA_MEDIA), ...Object.values(PATCH_MEDIA)].join(", ")

const CAPABILITY = "urn:ietf:params:restconf:capability:"

/** RFC 8040 section 9.1.1; nothing is named here that is not done. */
export const CAPABILITIES: readonly string[] = [
  `${CAPABILITY}defaults:1.0?basic-mode=explicit`,
  `${CAPABILITY}depth:1.0`,
  `${CAPABILITY}fields:1.0`,
  `${CAPABILITY}with-defaults:1.0`,
  `${CAPABILITY}yang-patch:1.0`,
]
/** RFC 8527 section 3.2; only where operational has a name. */
export const OPERATIONAL_CAPABILITIES: readonly string[] = [
  `${CAPABILITY}with-operational-defaults:1.0`,
  `${CAPABILITY}with-origin:1.0`,
]
/** Only with an event stream; replay only where events are kept. */
export const FILTER_CAPABILITY = `${CAPABILITY}filter:1.0`
export const REPLAY_CAPABILITY = `${CAPABILITY}replay:1.0`
