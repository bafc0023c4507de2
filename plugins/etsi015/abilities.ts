// What a node can do and how it is therefore written, from what it announces and what its profile says of it. Reads
// capabilities, sends at most one question.

import {
  childrenOf,
  type NetconfClientSession,
  textOf,
  type XmlElement,
} from "../../src/plugin/index.js"
import type { DeviceProfile } from "./profile.js"

export interface Abilities {
  /** Where a change of this node alone is written. */
  readonly target: "running" | "candidate"
  /** A refused edit leaves nothing behind; else each entry is an edit of its own, undone by hand. */
  readonly rollbackOnError: boolean
  readonly validate: boolean
  /**
   * A commit can be taken back, on request, or by the node itself if it is not confirmed in time; and it outlives the
   * session (RFC 6241 section 8.4; version 1.0 could do neither).
   */
  readonly confirmedCommit: boolean
  /** Running is copied there after each change, or a restart of the node would forget it. */
  readonly startup: boolean
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
  profile: DeviceProfile,
): Promise<Abilities> {
  const { capabilities } = session
  const offers = (name: string): boolean =>
    capabilities.some((one) => one === CAPABILITY + name || one.startsWith(`${CAPABILITY}${name}?`))
  const candidate = offers("candidate:1.0")
  const choice = profile.datastore
  const onCandidate =
    choice === "candidate" ||
    (choice === "auto" && candidate) ||
    (choice === "quick" && candidate && !offers("writable-running:1.0"))
  return {
    target: onCandidate ? "candidate" : "running",
    rollbackOnError: offers("rollback-on-error:1.0") && profile.edits === "auto",
    validate: profile.validate && (offers("validate:1.1") || offers("validate:1.0")),
    confirmedCommit:
      profile.confirmedCommit &&
      profile.datastore !== "running" &&
      candidate &&
      offers("confirmed-commit:1.1"),
    startup: offers("startup:1.0"),
    notifications: profile.notifications && offers("notification:1.0"),
    interleave: offers("interleave:1.0"),
    keyloom: announces(capabilities) || (await inLibrary(session, profile.timeoutMs)),
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
