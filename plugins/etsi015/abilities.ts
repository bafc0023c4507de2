// What a node can do, from what it announces: which datastore is written, how an edit stays all or nothing,
// whether events come, whether it has module keyloom-node. Reads capabilities, sends at most one question.

import {
  childrenOf,
  type NetconfClientSession,
  textOf,
  type XmlElement,
} from "../../src/plugin/index.js"

export interface Abilities {
  readonly target: "running" | "candidate"
  readonly rollbackOnError: boolean
  readonly notifications: boolean
  /** Requests may go over the session that carries notifications (RFC 5277 section 6). */
  readonly interleave: boolean
  readonly keyloom: boolean
}

const CAPABILITY = "urn:ietf:params:netconf:capability:"
const LIBRARY_NS = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
const KEYLOOM = "keyloom-node"

export async function abilitiesOf(
  session: NetconfClientSession,
  timeoutMs: number,
): Promise<Abilities> {
  const { capabilities } = session
  const offers = (name: string): boolean =>
    capabilities.some((one) => one === CAPABILITY + name || one.startsWith(`${CAPABILITY}${name}?`))
  return {
    target: offers("writable-running:1.0") || !offers("candidate:1.0") ? "running" : "candidate",
    rollbackOnError: offers("rollback-on-error:1.0"),
    notifications: offers("notification:1.0"),
    interleave: offers("interleave:1.0"),
    keyloom: announces(capabilities) || (await inLibrary(session, timeoutMs)),
  }
}

function announces(capabilities: readonly string[]): boolean {
  return capabilities.some((one) => /[?&;]module=keyloom-node(&|$)/.test(one))
}

/** YANG 1.1 modules need not be in the hello (RFC 7950 section 5.6.4): then the YANG library has them (RFC 8525). */
async function inLibrary(session: NetconfClientSession, timeoutMs: number): Promise<boolean> {
  if (!session.capabilities.some((one) => one.startsWith(`${CAPABILITY}yang-library:1.1`)))
    return false
  const filter = `<yang-library xmlns="${LIBRARY_NS}"><module-set><module><name>${KEYLOOM}</name></module></module-set></yang-library>`
  return (await session.get(filter, { timeoutMs })).some(namesIt)
}

function namesIt(element: XmlElement): boolean {
  if (element.name === "name" && textOf(element).trim() === KEYLOOM) return true
  return childrenOf(element).some(namesIt)
}
