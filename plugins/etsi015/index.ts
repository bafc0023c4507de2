// The plugin `etsi015`: drives any node that speaks ETSI GS QKD 015 V2.1.1 over NETCONF. A maker whose node is
// almost that writes a profile (see docs/PLUGINS.md) and no code.

import type { DriverHost, NodeConnection, NodeDriver, NodeTarget } from "../../src/plugin/index.js"
import { abilitiesOf } from "./abilities.js"
import { Etsi015Connection } from "./connection.js"
import { type DeviceProfile, parseProfile, PLAIN_PROFILE } from "./profile.js"

function driverOf(profile: DeviceProfile): NodeDriver {
  return {
    name: profile.name,
    contract: 1,
    connect: (_target: NodeTarget, host: DriverHost) => connect(profile, host),
  }
}

/** Subscribed before anything is read: what happens in between is not lost (RFC 5277). */
async function connect(profile: DeviceProfile, host: DriverHost): Promise<NodeConnection> {
  const first = await host.openNetconf()
  try {
    const { timeoutMs } = profile
    const abilities = await abilitiesOf(first, timeoutMs)
    if (!abilities.notifications)
      return new Etsi015Connection({ requests: first }, abilities, profile, host)
    await first.createSubscription({ timeoutMs })
    const requests = abilities.interleave ? first : await host.openNetconf()
    return new Etsi015Connection({ requests, events: first }, abilities, profile, host)
  } catch (error) {
    await first.close()
    throw error
  }
}

/**
 * The driver for a maker's variant.
 *
 * @param profile `{ omit?, timeoutMs? }`
 * @throws QkdError `unknown-element` or `invalid-value` with the path in the profile.
 */
export function withProfile(name: string, profile: unknown): NodeDriver {
  return driverOf(parseProfile(name, profile))
}

export default driverOf(PLAIN_PROFILE)
