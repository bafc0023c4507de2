// The plugin `etsi015`: drives any node that speaks ETSI GS QKD 015 V2.1.1 over NETCONF. A maker whose node is
// almost that writes a profile (see docs/PLUGINS.md) and no code.

import {
  type DriverHost,
  type NetconfClientSession,
  type NodeConnection,
  type NodeDriver,
  type NodeTarget,
  QkdError,
} from "../../src/plugin/index.js"
import { type Abilities, abilitiesOf } from "./abilities.js"
import { Etsi015Connection, type Sessions } from "./connection.js"
import { listenToState, listenToStream, offersPush } from "./listening.js"
import {
  assertSpeaks,
  type DeviceProfile,
  parseProfile,
  profileFor,
  shippedProfile,
} from "./profile.js"
import { leadXml } from "./rpcs.js"

type Choose = (session: NetconfClientSession) => DeviceProfile

function driverOf(name: string, choose: Choose): NodeDriver {
  return {
    name,
    contract: 1,
    connect: (_target: NodeTarget, host: DriverHost) => connect(choose, host),
  }
}

/** Subscribed before anything is read: what happens in between is not lost (RFC 5277). */
async function connect(choose: Choose, host: DriverHost): Promise<NodeConnection> {
  const opened: NetconfClientSession[] = []
  const open = async (): Promise<NetconfClientSession> => {
    const session = await host.openNetconf()
    opened.push(session)
    return session
  }
  try {
    const first = await open()
    const profile = choose(first)
    assertSpeaks(profile, first.capabilities)
    if (profile.settleMs > 0) await host.sleep(profile.settleMs)
    const abilities = await abilitiesOf(first, profile)
    const sessions = await sessionsOf(first, open, abilities, profile, host)
    if (abilities.keyloom && host.leader !== undefined)
      await lead(sessions.requests, host.leader, profile)
    const connection = new Etsi015Connection(sessions, abilities, profile, host)
    await connection.settle()
    return connection
  } catch (error) {
    await Promise.all(opened.map((session) => session.close()))
    throw error
  }
}

async function sessionsOf(
  first: NetconfClientSession,
  open: () => Promise<NetconfClientSession>,
  abilities: Abilities,
  profile: DeviceProfile,
  host: DriverHost,
): Promise<Sessions> {
  const { notifications, interleave, keyloom } = abilities
  if (!notifications) return { requests: first }
  const pushed = offersPush(first) ? await listenToState(first, profile, host, keyloom) : undefined
  if (pushed !== undefined) return { requests: first, events: pushed }
  const session = offersPush(first) ? await another(first, open, profile, host) : first
  const events = await listenToStream(session, profile)
  if (interleave) return { requests: session, events }
  const requests = await open()
  if (profile.settleMs > 0) await host.sleep(profile.settleMs)
  return { requests, events }
}

/**
 * The node obeys nobody who led earlier from now on (THREATS C3).
 *
 * @throws QkdError app-tag `stale-leader` when another controller leads it.
 */
async function lead(
  session: NetconfClientSession,
  leader: NonNullable<DriverHost["leader"]>,
  { timeoutMs }: DeviceProfile,
): Promise<void> {
  try {
    await session.rpc(leadXml(leader), { timeoutMs })
  } catch (error) {
    // A node of before there were terms.
    const unknown = ["operation-not-supported", "unknown-element"]
    if (!(error instanceof QkdError) || !unknown.includes(error.tag)) throw error
  }
}

/** In the place of one that asked for the wrong kind of subscription. */
async function another(
  spent: NetconfClientSession,
  open: () => Promise<NetconfClientSession>,
  profile: DeviceProfile,
  host: DriverHost,
): Promise<NetconfClientSession> {
  await spent.close()
  const session = await open()
  if (profile.settleMs > 0) await host.sleep(profile.settleMs)
  return session
}

/**
 * The driver for a maker's variant.
 *
 * @param profile as `profile.schema.json` has it
 * @throws QkdError `unknown-element` or `invalid-value` with the path in the profile.
 */
export function withProfile(name: string, profile: unknown): NodeDriver {
  const parsed = parseProfile(name, profile)
  return driverOf(name, () => parsed)
}

/** The driver with a profile that ships. @throws QkdError `data-missing` when there is none of this name. */
export function withShippedProfile(profile: string): NodeDriver {
  const found = shippedProfile(profile)
  return driverOf(`etsi015:${profile}`, () => found)
}

/** Looks for the profile that fits what the node says of itself. */
export default driverOf("etsi015", (session) => profileFor(session.capabilities))
