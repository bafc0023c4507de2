// The server's data about itself, read like state: netconf-state (RFC 6022), streams (RFC 5277 section 3.4),
// modules-state (RFC 7895). Not part of any backend's schema.

import { escapeText, parseXml, writeXml, type XmlElement } from "../yang/xml-tree.js"
import type { Schema } from "../yang/schema.js"
import type { Caller } from "./backend.js"
import type { LockHolder, StoreName } from "./datastore-locks.js"
import { modulesStateXml, schemasXml } from "./modules.js"
import { MONITORING_NS, STREAMS_NS, YANG_LIBRARY_NS } from "./names.js"
import { eventTime } from "./subscription.js"
import { filterElements } from "./xml-filter.js"

/** RFC 6022 section 2.1.5: what a session has done. */
export interface SessionCounters {
  inRpcs: number
  inBadRpcs: number
  outRpcErrors: number
  outNotifications: number
}

export interface SessionView {
  readonly caller: Caller
  readonly loginMs: number
  readonly counters: Readonly<SessionCounters>
}

/** What there is to tell. */
export interface ServerView {
  readonly schema: Schema
  readonly capabilities: readonly string[]
  readonly sessions: readonly SessionView[]
  readonly stores: readonly { readonly name: StoreName; readonly lock: LockHolder | undefined }[]
  readonly canReplay: boolean
}

const MODULES: ReadonlyMap<string, string> = new Map([
  [MONITORING_NS, "ietf-netconf-monitoring"],
  [STREAMS_NS, "nc-notifications"],
  [YANG_LIBRARY_NS, "ietf-yang-library"],
])

/** The top-level node that each of them is about here. */
const TOPS: ReadonlyMap<string, string> = new Map([
  [MONITORING_NS, "netconf-state"],
  [STREAMS_NS, "netconf"],
  [YANG_LIBRARY_NS, "modules-state"],
])

/**
 * The part of a `get` that is about the server itself.
 *
 * With a filter, what it selects; without one, only what is in modules that the backend's own schema has:
 * a client that reads everything must be able to read it with the modules it was told of.
 */
export function monitoringXml(
  view: () => ServerView,
  filter: readonly XmlElement[] | undefined,
  mayRead: (module: string, name: string) => boolean,
): string {
  const named = (ns: string, schema: Schema): boolean =>
    filter === undefined
      ? schema.moduleByName(MODULES.get(ns) ?? "")?.implemented === true
      : filter.some((f) => f.ns === ns || f.ns === "")
  const namespaces = [...MODULES.keys()]
  if (filter !== undefined && !filter.some((f) => f.ns === "" || MODULES.has(f.ns))) return ""
  const now = view()
  const parts = namespaces
    .filter((ns) => named(ns, now.schema) && mayRead(MODULES.get(ns) ?? "", TOPS.get(ns) ?? ""))
    .map((ns) =>
      ns === MONITORING_NS
        ? netconfStateXml(now)
        : ns === STREAMS_NS
          ? streamsXml(now)
          : modulesStateXml(now.schema),
    )
  if (filter === undefined) return parts.join("")
  return filterElements(
    parts.map((xml) => parseXml(xml)),
    filter,
  )
    .map(writeXml)
    .join("")
}

function netconfStateXml(view: ServerView): string {
  const datastores = view.stores.map(({ name, lock }) => {
    const locks =
      lock === undefined
        ? ""
        : `<locks><global-lock><locked-by-session>${lock.sessionId}</locked-by-session><locked-time>${eventTime(lock.sinceMs)}</locked-time></global-lock></locks>`
    return `<datastore><name>${name}</name>${locks}</datastore>`
  })
  return [
    `<netconf-state xmlns="${MONITORING_NS}"><capabilities>`,
    ...view.capabilities.map((c) => `<capability>${escapeText(c)}</capability>`),
    `</capabilities><datastores>`,
    ...datastores,
    "</datastores>",
    schemasXml(view.schema),
    "<sessions>",
    ...view.sessions.map(sessionXml),
    "</sessions></netconf-state>",
  ].join("")
}

function sessionXml({ caller, loginMs, counters }: SessionView): string {
  return [
    `<session><session-id>${caller.sessionId}</session-id><transport>netconf-ssh</transport>`,
    `<username>${escapeText(caller.username)}</username>`,
    `<source-host>${escapeText(caller.address)}</source-host>`,
    `<login-time>${eventTime(loginMs)}</login-time>`,
    `<in-rpcs>${counters.inRpcs}</in-rpcs><in-bad-rpcs>${counters.inBadRpcs}</in-bad-rpcs>`,
    `<out-rpc-errors>${counters.outRpcErrors}</out-rpc-errors>`,
    `<out-notifications>${counters.outNotifications}</out-notifications></session>`,
  ].join("")
}

function streamsXml(view: ServerView): string {
  return `<netconf xmlns="${STREAMS_NS}"><streams><stream><name>NETCONF</name><description>All notifications of this server</description><replaySupport>${view.canReplay}</replaySupport></stream></streams></netconf>`
}
