// What a maker's node takes and what it refuses, as data: a vendor plugin can be nothing but this. Checked here,
// used by `entries`.

import { QkdError } from "../../src/plugin/index.js"

export interface DeviceProfile {
  /** The name under which the driver appears. */
  readonly name: string
  /**
   * Leaves never written to this node, such as `phys_wavelength`. Without `virt_next_hop` or `virt_prev_hop` a
   * node cannot be part of a relay path, and asking for one fails.
   */
  readonly omit: readonly string[]
  /** Milliseconds until an unanswered edit or read counts as failed. */
  readonly timeoutMs: number
}

export const PLAIN_PROFILE: DeviceProfile = { name: "etsi015", omit: [], timeoutMs: 15_000 }

/** Leaves that may be left out without the entry becoming another thing. */
const MAY_BE_OMITTED = new Set([
  "phys_channel_att",
  "phys_wavelength",
  "phys_qkd_role",
  "virt_prev_hop",
  "virt_next_hop",
  "virt_bandwidth",
  "qkdl_enable",
  "app_priority",
  "app_qos",
  "app_type",
  "expiration_time",
  "backing_qkdl_id",
  "local_qkdn_id",
  "remote_qkdn_id",
])

/** @throws QkdError `unknown-element` or `invalid-value` with path. */
export function parseProfile(name: string, value: unknown): DeviceProfile {
  if (typeof value !== "object" || value === null)
    throw new QkdError("invalid-value", "a device profile is an object", { path: "/profile" })
  for (const member of Object.keys(value))
    if (member !== "omit" && member !== "timeoutMs")
      throw new QkdError("unknown-element", `a device profile has no ${member}`, {
        path: `/profile/${member}`,
      })
  const {
    omit = [],
    timeoutMs = PLAIN_PROFILE.timeoutMs,
  }: { omit?: unknown; timeoutMs?: unknown } = value
  if (!Array.isArray(omit))
    throw new QkdError("invalid-value", "must be a list of leaves", { path: "/profile/omit" })
  const leaves = omit.map((leaf: unknown) => {
    if (typeof leaf === "string" && MAY_BE_OMITTED.has(leaf)) return leaf
    throw new QkdError("invalid-value", `${String(leaf)} cannot be left out`, {
      path: "/profile/omit",
    })
  })
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 100 && timeoutMs <= 600_000))
    throw new QkdError("invalid-value", "must be 100 to 600000", { path: "/profile/timeoutMs" })
  return { name, omit: leaves, timeoutMs }
}
