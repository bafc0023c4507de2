// The driver at a scripted node, for tests: connects it, remembers what was written, closes it. Holds no assertions.

import { withProfile } from "../../../plugins/etsi015/index.js"
import {
  lendDriverHost,
  type NodeConfig,
  type NodeConnection,
  type NodeDriver,
  type PhysLinkConfig,
  type VirtLinkConfig,
} from "../../../src/plugin/index.js"
import { QKDN, type Script, ScriptedSession } from "./scripted.js"

export const CAP = "urn:ietf:params:netconf:capability:"
export const RUNNING = `${CAP}writable-running:1.0`
export const CANDIDATE = `${CAP}candidate:1.0`
export const CONFIRMED = `${CAP}confirmed-commit:1.1`
export const VALIDATE = `${CAP}validate:1.1`
export const ROLLBACK = `${CAP}rollback-on-error:1.0`
export const EVENTS = `${CAP}notification:1.0`
export const INTERLEAVE = `${CAP}interleave:1.0`
export const LINK = "00000000-0000-4000-8000-000000000010"
export const SECOND = "00000000-0000-4000-8000-000000000011"
export const APP = "00000000-0000-4000-8000-000000000030"
export const NEIGHBOUR = "00000000-0000-4000-8000-000000000002"

const target = {
  host: "h",
  port: 830,
  username: "u",
  privateKeyFile: "/k",
  hostKeyFingerprint: "SHA256:x",
}

export const phys: PhysLinkConfig = {
  type: "PHYS",
  qkdlId: LINK,
  enabled: true,
  local: { qkdnId: QKDN, qkdiId: 1 },
  remote: { qkdnId: NEIGHBOUR, qkdiId: 1 },
  wavelengthChannel: 34,
  role: "TRANSMITTER",
}
export const relay: VirtLinkConfig = {
  type: "VIRT",
  qkdlId: SECOND,
  enabled: true,
  local: { qkdnId: QKDN },
  remote: { qkdnId: NEIGHBOUR },
  nextHops: [NEIGHBOUR],
}
export const empty: NodeConfig = { qkdnId: QKDN, links: [], apps: [], peers: [] }
export const wanted: NodeConfig = { ...empty, links: [phys] }

export interface Bench {
  readonly connection: NodeConnection
  readonly sessions: ScriptedSession[]
  readonly session: ScriptedSession
  /** Edits as they were sent. */
  readonly edits: readonly string[]
  readonly log: readonly string[]
  /** Whether it began by keeping what an earlier connection may have left. */
  readonly settled: boolean
}

const SETTLE = "commit keyloom"

const ends: (() => Promise<void>)[] = []

export async function closeBenches(): Promise<void> {
  await Promise.all(ends.splice(0).map((end) => end()))
}

/** A scripted node does not hold what is written to it, so it is not read back unless a test says so. */
export function driverWith(profile: Readonly<Record<string, unknown>> = {}): NodeDriver {
  return withProfile("p", { readBack: false, ...profile })
}

export async function benchOf(script: Script, driver: NodeDriver = driverWith()): Promise<Bench> {
  const sessions: ScriptedSession[] = []
  const edits: string[] = []
  const log: string[] = []
  const told: Script = {
    ...script,
    edit: (datastore, xml, options) => {
      edits.push(xml)
      script.edit?.(datastore, xml, options)
    },
  }
  const lent = lendDriverHost({
    log: (level, message, facts) => log.push(`${level} ${message} ${JSON.stringify(facts)}`),
    openNetconf: () => {
      const session = new ScriptedSession(told)
      sessions.push(session)
      return Promise.resolve(session)
    },
  })
  ends.push(() => lent.close())
  const connection = await driver.connect(target, lent.host)
  const [session] = sessions
  if (session === undefined) throw new Error("no session was opened")
  // Each connection begins by keeping what an earlier one may have left provisional; tests look at what comes after.
  const settled = session.calls.indexOf(SETTLE)
  if (settled >= 0) session.calls.splice(settled, 1)
  return { connection, sessions, session, edits, log, settled: settled >= 0 }
}
