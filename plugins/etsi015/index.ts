// The plugin `etsi015`: drives any node that speaks ETSI GS QKD 015 V2.1.1 over NETCONF. A maker whose node is
// almost that writes a profile (see docs/PLUGINS.md) and no code.

import type {
  DriverHost,
  NetconfClientSession,
  NodeConnection,
  NodeDriver,
  NodeTarget,
} from "../../src/plugin/index.js"
import { type Abilities, abilitiesOf } from "./abilities.js"
import { Etsi015Connection, type Sessions } from "./connection.js"
import {
  assertSpeaks,
  type DeviceProfile,
  parseProfile,
  profileFor,
  shippedProfile,
} from "./profile.js"

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
  const first = await host.openNetconf()
  const made = (
    sessions: Sessions,
    abilities: Abilities,
    profile: DeviceProfile,
  ): Promise<NodeConnection> => {
    const connection = new Etsi015Connection(sessions, abilities, profile, host)
    return connection.settle().then(() => connection)
  }
  try {
    const profile = choose(first)
    assertSpeaks(profile, first.capabilities)
    if (profile.settleMs > 0) await host.sleep(profile.settleMs)
    const abilities = await abilitiesOf(first, profile)
    if (!abilities.notifications) return await made({ requests: first }, abilities, profile)
    await first.createSubscription({ timeoutMs: profile.timeoutMs })
    const requests = abilities.interleave ? first : await host.openNetconf()
    if (requests !== first && profile.settleMs > 0) await host.sleep(profile.settleMs)
    return await made({ requests, events: first }, abilities, profile)
  } catch (error) {
    await first.close()
    throw error
  }
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
