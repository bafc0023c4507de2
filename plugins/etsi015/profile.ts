// What a maker's node takes and what it refuses, as data: a vendor plugin can be nothing but this. Read from JSON,
// checked against `profile.schema.json`, chosen by name or by what the node says in its hello. Drives nothing.

import { readdirSync, readFileSync } from "node:fs"
import {
  Ajv2020,
  type AnySchemaObject,
  type ErrorObject,
  type ValidateFunction,
} from "ajv/dist/2020.js"
import { QkdError } from "../../src/plugin/index.js"

export interface DeviceProfile {
  /** The name under which it is shown. */
  readonly name: string
  readonly match: readonly { readonly capability: string }[]
  /** Of `etsi-qkd-sdn-node`; empty: any. */
  readonly revisions: readonly string[]
  /** Leaves never written to this node, such as `phys_wavelength`; those behind strict conditions among them. */
  readonly omit: readonly string[]
  readonly learn: boolean
  /** Empty: identities are written without. */
  readonly identityPrefix: string
  readonly linkStatus: { readonly onCreate?: "OFF" | "PENDING"; readonly keep?: boolean }
  readonly datastore: "auto" | "quick" | "running" | "candidate"
  readonly edits: "auto" | "each"
  readonly lock: boolean
  readonly validate: boolean
  readonly readBack: boolean
  readonly confirmedCommit: boolean
  readonly notifications: boolean
  readonly pollS?: number
  readonly filter: "subtree" | "xpath" | "none"
  /** Milliseconds between the hellos and the first request of a session. */
  readonly settleMs: number
  /** Milliseconds until an unanswered edit or read counts as failed. */
  readonly timeoutMs: number
}

/** Behind the `when` conditions of V2.1.1 (docs/decisions/0001). */
const CONDITIONAL = [
  "phys_channel_att",
  "phys_wavelength",
  "phys_qkd_role",
  "virt_prev_hop",
  "virt_next_hop",
  "virt_bandwidth",
]

/**
 * Leaves that only describe: without them the entry does the same. Only these may be left out because a node refused
 * them. Never limits, never what makes a path or an association.
 */
export const LEARNABLE: ReadonlySet<string> = new Set([
  "phys_channel_att",
  "phys_wavelength",
  "phys_qkd_role",
  "virt_bandwidth",
  "app_priority",
  "jitter",
  "clients_shared_path_enable",
  "clients_shared_keys_required",
])

type Written = Partial<DeviceProfile> & { readonly when?: "lenient" | "strict" }

const here = new URL("./", import.meta.url)
const schema: unknown = JSON.parse(readFileSync(new URL("profile.schema.json", here), "utf8"))
const check: ValidateFunction<Written> = new Ajv2020({ strict: true }).compile(
  schema as AnySchemaObject,
)

/**
 * A profile as its maker wrote it, complete.
 *
 * @param name where it names itself nowhere
 * @throws QkdError `unknown-element` or `invalid-value` with path.
 */
export function parseProfile(name: string, value: unknown): DeviceProfile {
  if (!check(value)) throw faultOf(check.errors?.[0], value)
  const { when, omit = [], description: _, ...rest }: Written & { description?: string } = value
  return {
    name,
    match: [],
    revisions: [],
    learn: true,
    identityPrefix: "etsi-qkdn-types",
    linkStatus: {},
    datastore: "auto",
    edits: "auto",
    lock: true,
    validate: true,
    readBack: true,
    confirmedCommit: true,
    notifications: true,
    filter: "subtree",
    settleMs: 0,
    timeoutMs: 15_000,
    ...rest,
    omit: when === "strict" ? [...new Set([...omit, ...CONDITIONAL])] : omit,
  }
}

function faultOf(error: ErrorObject | undefined, value: unknown): QkdError {
  const params: Readonly<Record<string, unknown>> = error?.params ?? {}
  const unknown = params.additionalProperty
  const where = `/profile${error?.instancePath ?? ""}`
  if (typeof unknown === "string")
    return new QkdError("unknown-element", `a device profile has no ${unknown}`, {
      path: `${where}/${unknown}`,
    })
  const given = (error?.instancePath ?? "")
    .split("/")
    .slice(1)
    .reduce<unknown>(
      (at, step) => (typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined),
      value,
    )
  const shown = JSON.stringify(given ?? null).slice(0, 80)
  return new QkdError("invalid-value", `${where}: ${shown} ${error?.message ?? "is invalid"}`, {
    path: where,
  })
}

/** The profiles that ship, by name. */
export const SHIPPED: ReadonlyMap<string, DeviceProfile> = new Map(
  readdirSync(new URL("profiles/", here)).map((file): [string, DeviceProfile] => {
    const text = readFileSync(new URL(`profiles/${file}`, here), "utf8")
    const profile = parseProfile(file.replace(/\.json$/, ""), JSON.parse(text))
    return [profile.name, profile]
  }),
)

const PLAIN = "official-lenient"

/** @throws QkdError `data-missing` when no profile of this name ships. */
export function shippedProfile(name: string): DeviceProfile {
  const profile = SHIPPED.get(name)
  if (profile !== undefined) return profile
  const known = [...SHIPPED.keys()].join(", ")
  throw new QkdError("data-missing", `no device profile is called ${name} (there are ${known})`)
}

/** The shipped profile that a node's capabilities ask for; the plain one where none does. */
export function profileFor(capabilities: readonly string[]): DeviceProfile {
  const fits = ({ match }: DeviceProfile): boolean =>
    match.some(({ capability }) => capabilities.some((one) => one.startsWith(capability)))
  return [...SHIPPED.values()].find(fits) ?? shippedProfile(PLAIN)
}

/** @throws QkdError `operation-not-supported` when the node announces a revision that the profile does not speak. */
export function assertSpeaks(profile: DeviceProfile, capabilities: readonly string[]): void {
  if (profile.revisions.length === 0) return
  for (const capability of capabilities) {
    if (!/[?&]module=etsi-qkd-sdn-node(&|$)/.test(capability)) continue
    const revision = /[?&]revision=([0-9-]+)/.exec(capability)?.[1]
    if (revision === undefined || profile.revisions.includes(revision)) continue
    throw new QkdError(
      "operation-not-supported",
      `the node speaks revision ${revision} of etsi-qkd-sdn-node, profile ${profile.name} ${profile.revisions.join(", ")}`,
    )
  }
}
