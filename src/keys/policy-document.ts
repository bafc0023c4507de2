// Parses a site policy strictly: unknown members, wrong types and contradictions are refused with their path.
// Does not look at signatures.

import { createPublicKey } from "node:crypto"
import { QkdError } from "../errors.js"
import { RELAY_SCHEMES } from "../model/app.js"
import type { RelayScheme } from "../model/app.js"
import { SitePolicy } from "./policy.js"
import type { PeerRole, PolicyDocument, PolicyDomain, PolicyPeer, PolicySae } from "./policy.js"

const PEER_ROLES: readonly PeerRole[] = ["end", "neighbour", "relay"]
/** RFC 3986: unreserved, reserved and percent. */
export const DOMAIN_SAE_ID = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]{1,64}$/
const MAX_ENTRIES = 10_000
const MAX_UINT32 = 4_294_967_295

/**
 * A policy from parsed JSON.
 *
 * @throws QkdError `unknown-element`, `missing-element`, `invalid-value` with a JSON pointer as path;
 * `invalid-value` for two entries that contradict each other (one SAE with two homes, a pin used twice).
 */
export function parsePolicy(value: unknown): SitePolicy {
  const top = members(
    value,
    "",
    ["version", "qkdnId", "saes", "peers", "relay", "limits"],
    ["minimum", "domains"],
  )
  const relay = members(top.relay, "/relay", ["allowed", "maxHops"], ["schemes"])
  const limits = members(
    top.limits,
    "/limits",
    ["minKeySizeBits", "maxKeySizeBits", "maxKeysPerRequest"],
    ["maxBpsPerApp"],
  )
  const document: PolicyDocument = {
    version: integer(top.version, "/version", 1, Number.MAX_SAFE_INTEGER),
    qkdnId: nodeId(top.qkdnId, "/qkdnId"),
    saes: array(top.saes, "/saes").map((sae, i) => parseSae(sae, `/saes/${i}`)),
    peers: array(top.peers, "/peers").map((peer, i) => parsePeer(peer, `/peers/${i}`)),
    relay: {
      allowed: boolean(relay.allowed, "/relay/allowed"),
      maxHops: integer(relay.maxHops, "/relay/maxHops", 1, 255),
      ...(relay.schemes === undefined ? {} : { schemes: parseSchemes(relay.schemes) }),
    },
    limits: {
      minKeySizeBits: wholeBytes(limits.minKeySizeBits, "/limits/minKeySizeBits"),
      maxKeySizeBits: wholeBytes(limits.maxKeySizeBits, "/limits/maxKeySizeBits"),
      maxKeysPerRequest: integer(limits.maxKeysPerRequest, "/limits/maxKeysPerRequest", 1, 65_536),
      ...(limits.maxBpsPerApp === undefined
        ? {}
        : { maxBpsPerApp: integer(limits.maxBpsPerApp, "/limits/maxBpsPerApp", 1, MAX_UINT32) }),
    },
    ...(top.minimum === undefined ? {} : { minimum: parseMinimum(top.minimum) }),
    ...(top.domains === undefined
      ? {}
      : { domains: array(top.domains, "/domains").map((d, i) => parseDomain(d, `/domains/${i}`)) }),
  }
  if (document.limits.minKeySizeBits > document.limits.maxKeySizeBits) {
    throw invalid("/limits/minKeySizeBits", "is above maxKeySizeBits")
  }
  refuseContradictions(document)
  return new SitePolicy(document)
}

function parseSae(value: unknown, path: string): PolicySae {
  const sae = members(value, path, ["saeId", "spkiSha256"], ["pskSha256"])
  const pins = array(sae.spkiSha256, `${path}/spkiSha256`)
  const psks = sae.pskSha256 === undefined ? [] : array(sae.pskSha256, `${path}/pskSha256`)
  return {
    saeId: saeId(sae.saeId, `${path}/saeId`),
    spkiSha256: pins.map((pin, i) => pinOf(pin, `${path}/spkiSha256/${i}`)),
    ...(sae.pskSha256 !== undefined && {
      pskSha256: psks.map((pin, i) => pinOf(pin, `${path}/pskSha256/${i}`)),
    }),
  }
}

function parsePeer(value: unknown, path: string): PolicyPeer {
  const peer = members(
    value,
    path,
    ["qkdnId", "relaySpkiSha256", "ackPublicKey", "roles"],
    ["saes"],
  )
  const roles = array(peer.roles, `${path}/roles`).map((role, i) => {
    const known = PEER_ROLES.find((name) => name === role)
    if (known === undefined) throw invalid(`${path}/roles/${i}`, "is not end, neighbour or relay")
    return known
  })
  return {
    qkdnId: nodeId(peer.qkdnId, `${path}/qkdnId`),
    relaySpkiSha256: pinOf(peer.relaySpkiSha256, `${path}/relaySpkiSha256`),
    ackPublicKey: ed25519(peer.ackPublicKey, `${path}/ackPublicKey`),
    roles,
    ...(peer.saes === undefined
      ? {}
      : { saes: array(peer.saes, `${path}/saes`).map((id, i) => saeId(id, `${path}/saes/${i}`)) }),
  }
}

function parseDomain(value: unknown, path: string): PolicyDomain {
  const domain = members(value, path, ["name", "spkiSha256", "url", "saes"])
  const pins = array(domain.spkiSha256, `${path}/spkiSha256`)
  if (pins.length === 0) throw invalid(`${path}/spkiSha256`, "is empty: nobody could be it")
  const ids = array(domain.saes, `${path}/saes`)
  return {
    name: saeId(domain.name, `${path}/name`),
    spkiSha256: pins.map((pin, i) => pinOf(pin, `${path}/spkiSha256/${i}`)),
    url: originOf(domain.url, `${path}/url`),
    saes: ids.map((id, i) => domainSae(id, `${path}/saes/${i}`)),
  }
}

/** An origin and nothing behind it: what is asked for there is ours to say. */
function originOf(value: unknown, path: string): string {
  const url = typeof value === "string" ? parsedUrl(value) : undefined
  if (url?.protocol !== "https:" || url.href !== `${url.origin}/`)
    throw invalid(path, "is not an https URL of host and port alone")
  return url.origin
}

function parsedUrl(value: string): URL | undefined {
  try {
    return new URL(value)
  } catch {
    return undefined
  }
}

function parseSchemes(value: unknown): readonly RelayScheme[] {
  const schemes = array(value, "/relay/schemes").map((scheme, i) => {
    const known = RELAY_SCHEMES.find((name) => name === scheme)
    if (known === undefined) throw invalid(`/relay/schemes/${i}`, "is no relay scheme")
    return known
  })
  if (new Set(schemes).size !== schemes.length) throw invalid("/relay/schemes", "names one twice")
  return schemes
}

function parseMinimum(value: unknown): NonNullable<PolicyDocument["minimum"]> {
  const { deliveryTls, disjointPaths } = members(
    value,
    "/minimum",
    [],
    ["deliveryTls", "disjointPaths"],
  )
  if (deliveryTls !== undefined && deliveryTls !== "TLSv1.2" && deliveryTls !== "TLSv1.3") {
    throw invalid("/minimum/deliveryTls", "is neither TLSv1.2 nor TLSv1.3")
  }
  return {
    ...(deliveryTls === undefined ? {} : { deliveryTls }),
    ...(disjointPaths === undefined
      ? {}
      : { disjointPaths: integer(disjointPaths, "/minimum/disjointPaths", 1, 16) }),
  }
}

/** Every name and every pin means one thing only. */
function refuseContradictions(policy: PolicyDocument): void {
  const nodes = new Set([policy.qkdnId])
  const homes = new Set<string>()
  const pins = new Set<string>()
  const once = (seen: Set<string>, key: string, path: string): void => {
    if (seen.has(key)) throw invalid(path, "appears twice in the policy")
    seen.add(key)
  }
  for (const [i, sae] of policy.saes.entries()) {
    once(homes, sae.saeId, `/saes/${i}/saeId`)
    for (const [j, pin] of sae.spkiSha256.entries()) once(pins, pin, `/saes/${i}/spkiSha256/${j}`)
    for (const [j, pin] of (sae.pskSha256 ?? []).entries())
      once(pins, pin, `/saes/${i}/pskSha256/${j}`)
  }
  const domains = new Set<string>()
  for (const [i, domain] of (policy.domains ?? []).entries()) {
    once(domains, domain.name, `/domains/${i}/name`)
    once(domains, domain.url, `/domains/${i}/url`)
    for (const [j, pin] of domain.spkiSha256.entries())
      once(pins, pin, `/domains/${i}/spkiSha256/${j}`)
    for (const [j, id] of domain.saes.entries()) once(homes, id, `/domains/${i}/saes/${j}`)
  }
  for (const [i, peer] of policy.peers.entries()) {
    once(nodes, peer.qkdnId, `/peers/${i}/qkdnId`)
    once(pins, peer.relaySpkiSha256, `/peers/${i}/relaySpkiSha256`)
    for (const [j, id] of (peer.saes ?? []).entries()) once(homes, id, `/peers/${i}/saes/${j}`)
    const roles = new Set<string>()
    for (const [j, role] of peer.roles.entries()) once(roles, role, `/peers/${i}/roles/${j}`)
  }
}

/** An object that has all of `needed`, perhaps some of `optional`, and nothing else. */
export function members<N extends string, O extends string = never>(
  value: unknown,
  path: string,
  needed: readonly N[],
  optional: readonly O[] = [],
): Record<N | O, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(path, "is not an object")
  }
  const found = new Map<string, unknown>(Object.entries(value))
  for (const name of found.keys()) {
    if (![...needed, ...optional].some((known) => known === name)) {
      const at = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`
      throw new QkdError("unknown-element", `${at} is not known in a site policy`, { path: at })
    }
  }
  for (const name of needed) {
    if (!found.has(name)) {
      const at = `${path}/${name}`
      throw new QkdError("missing-element", `${at} is missing`, { path: at })
    }
  }
  const result = {} as Record<N | O, unknown>
  for (const name of [...needed, ...optional]) result[name] = found.get(name)
  return result
}

/** An array of at most 10,000 entries. */
export function array(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(path, "is not an array")
  if (value.length > MAX_ENTRIES) throw invalid(path, `has more than ${MAX_ENTRIES} entries`)
  return value
}

function boolean(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw invalid(path, "is not true or false")
  return value
}

function integer(value: unknown, path: string, low: number, high: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < low || value > high) {
    throw invalid(path, `is not an integer from ${low} to ${high}`)
  }
  return value
}

function wholeBytes(value: unknown, path: string): number {
  const bits = integer(value, path, 8, 1_048_576)
  if (bits % 8 !== 0) throw invalid(path, "is not a multiple of 8")
  return bits
}

/** Text that `pattern` describes whole. */
export function text(value: unknown, path: string, pattern: RegExp, what: string): string {
  if (typeof value !== "string" || !pattern.test(value)) throw invalid(path, `is not ${what}`)
  return value
}

const nodeId = (value: unknown, path: string): string =>
  text(
    value,
    path,
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    "a lower-case UUID",
  )

/** Free format in ETSI 014; here without control characters, and short enough for a common name. */
const saeId = (value: unknown, path: string): string =>
  text(value, path, /^[^\p{Cc}\p{Cs}]{1,64}$/u, "an SAE id of 1 to 64 characters")

/** ETSI GS QKD 020: characters of URIs only. */
const domainSae = (value: unknown, path: string): string =>
  text(value, path, DOMAIN_SAE_ID, "an SAE id of 1 to 64 characters that URIs may have")

const pinOf = (value: unknown, path: string): string =>
  text(value, path, /^[0-9a-f]{64}$/, "a SHA-256 in lower-case hex")

function ed25519(value: unknown, path: string): string {
  const base64 = text(value, path, /^[A-Za-z0-9+/]{59}=$/, "an Ed25519 public key")
  try {
    const key = createPublicKey({
      key: Buffer.from(base64, "base64"),
      format: "der",
      type: "spki",
    })
    if (key.asymmetricKeyType === "ed25519") return base64
  } catch {
    // falls through: said below
  }
  throw invalid(path, "is not an Ed25519 public key (SubjectPublicKeyInfo, base64)")
}

export function invalid(path: string, fault: string): QkdError {
  return new QkdError("invalid-value", `${path === "" ? "the document" : path} ${fault}`, { path })
}
