// Threat C1: random configurations under random policies. What is accepted must be allowed by a second
// reading of the policy, written from the other side: who would come to see a key, and who may.

import assert from "node:assert/strict"
import fc from "fast-check"
import { mayConfigureApp, mayConfigureLink, mayRelay } from "../../src/keys/policy-decisions.js"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { PeerRole, PolicyDocument } from "../../src/keys/policy.js"
import { sitePolicyView } from "../../src/keys/policy-site.js"
import type { AppConfig } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import { ackKey, node, pin } from "./policy-fixture.js"

const SAES = ["s0", "s1", "s2", "s3"]
const ROLES: readonly PeerRole[] = ["end", "neighbour", "relay"]
const US = node(1)
const RUNS = 6000

const anyNode = fc.integer({ min: 1, max: 5 }).map(node)
const anySae = fc.constantFrom(...SAES)

/** Random, but never contradicting itself: each SAE has at most one home, each node one entry. */
const anyPolicy = fc
  .record({
    homes: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 4, maxLength: 4 }),
    peers: fc.array(
      fc.record({
        known: fc.boolean(),
        listed: fc.boolean(),
        roles: fc.oneof(fc.constant([...ROLES]), fc.subarray([...ROLES])),
      }),
      { minLength: 4, maxLength: 4 },
    ),
    allowed: fc.boolean(),
    maxHops: fc.integer({ min: 1, max: 4 }),
    ceiling: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  })
  .map(({ homes, peers, allowed, maxHops, ceiling }): PolicyDocument => {
    const at = (home: number): string[] => SAES.filter((_sae, i) => homes[i] === home)
    return {
      version: 1,
      qkdnId: US,
      saes: at(1).map((saeId) => ({ saeId, spkiSha256: [pin(saeId)] })),
      peers: peers.flatMap(({ known, listed, roles }, i) =>
        known
          ? [
              {
                qkdnId: node(i + 2),
                relaySpkiSha256: pin(`relay ${i}`),
                ackPublicKey: ackKey,
                roles,
                ...(listed ? { saes: at(i + 2) } : {}),
              },
            ]
          : [],
      ),
      relay: { allowed, maxHops },
      limits: {
        minKeySizeBits: 8,
        maxKeySizeBits: 256,
        maxKeysPerRequest: 1,
        ...(ceiling === undefined ? {} : { maxBpsPerApp: ceiling }),
      },
    }
  })

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 6 })

const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const anyApp = fc
  .record({
    type: fc.constantFrom("CLIENT" as const, "CLIENT" as const, "INTERNAL" as const),
    server: anySae,
    clients: fc.array(anySae, { maxLength: 3 }),
    local: maybe(fc.oneof(fc.constant(US), anyNode)),
    remote: maybe(anyNode),
    fed: fc.boolean(),
    maxBps: maybe(fc.integer({ min: 0, max: 4 })),
    minBps: maybe(fc.integer({ min: 0, max: 4 })),
  })
  .map(
    ({ type, server, clients, local, remote, fed, maxBps, minBps }): AppConfig => ({
      appId: "a",
      type,
      serverAppId: server,
      clientAppIds: clients,
      priority: 0,
      qos: {
        ...(maxBps === undefined ? {} : { maxBps }),
        ...(minBps === undefined ? {} : { minBps }),
      },
      backingQkdlIds: fed ? ["l"] : [],
      ...(local === undefined ? {} : { localQkdnId: local }),
      ...(remote === undefined ? {} : { remoteQkdnId: remote }),
    }),
  )

const anyLink = fc
  .record({
    phys: fc.boolean(),
    local: fc.oneof(fc.constant(US), anyNode),
    remote: anyNode,
    prev: maybe(anyNode),
    next: fc.array(anyNode, { maxLength: 2 }),
  })
  .map(({ phys, local, remote, prev, next }): LinkConfig => {
    const common = {
      qkdlId: "l",
      enabled: true,
      local: { qkdnId: local },
      remote: { qkdnId: remote },
    }
    return phys
      ? { ...common, type: "PHYS" }
      : {
          ...common,
          type: "VIRT",
          nextHops: next,
          ...(prev === undefined ? {} : { prevHop: prev }),
        }
  })

/** Mostly a walk without loops over us, judged at its end or on the way; now and then with a flaw. */
const anyPath = fc
  .record({
    walk: fc.shuffledSubarray([1, 2, 3, 4, 5].map(node), { minLength: 2, maxLength: 5 }),
    flaw: rarely(fc.record({ at: fc.integer({ min: 0, max: 4 }), becomes: anyNode })),
    goesOn: fc.boolean(),
    source: rarely(anyNode),
    destination: rarely(anyNode),
  })
  .map(({ walk, flaw, goesOn, source, destination }) => {
    const nodes = walk.map((at, i) => (flaw?.at === i ? flaw.becomes : at))
    const ends = {
      source: source ?? nodes[0] ?? US,
      destination: destination ?? nodes.at(-1) ?? US,
    }
    const next = goesOn ? nodes.pop() : undefined
    return { ...ends, nodes, ...(next === undefined ? {} : { next }) }
  })

/** The roles a policy gives a node, by looking through its text. */
function rolesOf(policy: PolicyDocument, qkdnId: string): readonly string[] {
  for (const peer of policy.peers) if (peer.qkdnId === qkdnId) return peer.roles
  return []
}

/** Sites where the policy lets this SAE take its keys. */
function homesOf(policy: PolicyDocument, saeId: string): string[] {
  if (policy.saes.some((sae) => sae.saeId === saeId)) return [policy.qkdnId]
  const listed = policy.peers.filter((peer) => peer.saes?.includes(saeId))
  if (listed.length > 0) return listed.map((peer) => peer.qkdnId)
  return policy.peers.filter((peer) => peer.saes === undefined).map((peer) => peer.qkdnId)
}

/** With this application in force: every site that would hand its keys out, and to whom. */
function slowApp(policy: PolicyDocument, app: AppConfig): boolean {
  const named = [app.serverAppId, ...app.clientAppIds]
  const rate = Math.max(app.qos.maxBps ?? 0, app.qos.minBps ?? 0)
  if (policy.limits.maxBpsPerApp !== undefined && rate > policy.limits.maxBpsPerApp) return false
  if ((app.localQkdnId ?? US) !== US) return false
  if (app.remoteQkdnId !== undefined && !rolesOf(policy, app.remoteQkdnId).includes("end"))
    return false
  if (app.type === "INTERNAL") {
    const listed = [...policy.saes, ...policy.peers.flatMap((p) => p.saes ?? [])].map((sae) =>
      typeof sae === "string" ? sae : sae.saeId,
    )
    return named.every((saeId) => !listed.includes(saeId))
  }
  const here = named.filter((saeId) => homesOf(policy, saeId).includes(US))
  const away = named.filter((saeId) => !homesOf(policy, saeId).includes(US))
  if (here.length !== 1 || away.length === 0) return false
  const { remoteQkdnId } = app
  if (remoteQkdnId === undefined) return app.backingQkdlIds.length === 0
  return away.every((saeId) => homesOf(policy, saeId).includes(remoteQkdnId))
}

/** With this link in force: which nodes get key bytes from us or feed us, and as what. */
function slowLink(policy: PolicyDocument, link: LinkConfig): boolean {
  const ends = new Set([link.local.qkdnId, link.remote.qkdnId])
  if (link.type === "PHYS") {
    return link.local.qkdnId === US && rolesOf(policy, link.remote.qkdnId).includes("neighbour")
  }
  const hops = [...(link.prevHop === undefined ? [] : [link.prevHop]), ...link.nextHops]
  const involved = new Set([US, ...ends, ...hops])
  if (ends.size !== 2 || new Set(hops).size !== hops.length || hops.includes(US)) return false
  if (hops.length !== (ends.has(US) ? 1 : 2) || link.nextHops.length > 1) return false
  if (!ends.has(US) && (!policy.relay.allowed || policy.relay.maxHops === 1)) return false
  for (const other of involved) {
    if (other === US) continue
    const roles = rolesOf(policy, other)
    if (hops.includes(other) && !roles.includes("neighbour")) return false
    if (!roles.includes(ends.has(other) ? "end" : "relay")) return false
  }
  return true
}

function slowPath(policy: PolicyDocument, path: Parameters<typeof mayRelay>[1]): boolean {
  const walk = path.next === undefined ? [...path.nodes] : [...path.nodes, path.next]
  if (!path.nodes.includes(US) || walk.shift() !== path.source) return false
  const seen = new Set([path.source])
  let previous = path.source
  let links = 0
  for (const at of walk) {
    if (seen.has(at) || previous === path.destination) return false
    seen.add(at)
    links += 1
    const touchesUs = at === US || previous === US
    const other = at === US ? previous : at
    if (touchesUs && !rolesOf(policy, other).includes("neighbour")) return false
    previous = at
  }
  if (path.next === undefined && previous !== path.destination) return false
  if (path.source === path.destination || links > policy.relay.maxHops) return false
  for (const end of [path.source, path.destination]) {
    if (end !== US && !rolesOf(policy, end).includes("end")) return false
  }
  for (const at of seen) {
    if (at === path.source || at === path.destination) continue
    if (at === US ? !policy.relay.allowed : !rolesOf(policy, at).includes("relay")) return false
  }
  return true
}

/** Both readings agree on every case; and both verdicts were met often enough to mean something. */
function agree<T>(
  cases: fc.Arbitrary<T>,
  fast: (policy: PolicyDocument, item: T) => boolean,
  slow: (policy: PolicyDocument, item: T) => boolean,
): void {
  let accepted = 0
  fc.assert(
    fc.property(anyPolicy, cases, (policy, item) => {
      const verdict = fast(policy, item)
      if (verdict) {
        accepted += 1
        assert.ok(slow(policy, item), "accepted, though the policy does not allow it")
      } else assert.ok(!slow(policy, item), "refused, though the policy allows it")
    }),
    { numRuns: RUNS, seed: 15 },
  )
  assert.ok(accepted > RUNS / 200, `only ${accepted} of ${RUNS} were accepted`)
}

describe("threat C1, random configurations under random policies", () => {
  it("C1: accepts an application only if every site that would hand out its keys may", () => {
    agree(anyApp, (p, app) => mayConfigureApp(parsePolicy(p), app).allowed, slowApp)
  })

  it("C1: accepts a link only if every node that would see its keys may", () => {
    agree(anyLink, (p, link) => mayConfigureLink(parsePolicy(p), link).allowed, slowLink)
  })

  it("R3: takes part in a path only if every node on it may", () => {
    agree(anyPath, (p, path) => mayRelay(parsePolicy(p), path).allowed, slowPath)
  })

  it("tells the key manager the same", () => {
    fc.assert(
      fc.property(anyPolicy, anyNode, anySae, (document, qkdnId, saeId) => {
        const view = sitePolicyView(() => parsePolicy(document))
        const roles = rolesOf(document, qkdnId)
        assert.equal(view.allowsEnd(qkdnId), roles.includes("end"))
        assert.equal(view.allowsNeighbour(qkdnId), roles.includes("neighbour"))
        assert.equal(view.ownsSae(saeId), homesOf(document, saeId).includes(US))
        const entry = document.peers.find((peer) => peer.qkdnId === qkdnId)
        assert.equal(view.peer(qkdnId)?.spkiSha256, entry?.relaySpkiSha256)
        assert.equal(view.peerByPin(entry?.relaySpkiSha256 ?? "")?.qkdnId, entry?.qkdnId)
        assert.equal(view.qkdnId, US)
        assert.equal(view.maxHops, document.relay.maxHops)
      }),
      { numRuns: 300 },
    )
  })

  it("hands out peers' signing keys as the 32 bytes that the policy pins", () => {
    const document = { ...fc.sample(anyPolicy, { numRuns: 1, seed: 1 })[0] } as PolicyDocument
    const peer = {
      qkdnId: node(2),
      relaySpkiSha256: pin("r"),
      ackPublicKey: ackKey,
      roles: [],
    }
    let current = parsePolicy({ ...document, saes: [], peers: [peer] })
    const view = sitePolicyView(() => current)
    const raw = view.peer(node(2))?.signPublicKey
    assert.deepEqual(Buffer.from(raw ?? []), Buffer.from(ackKey, "base64").subarray(-32))
    current = parsePolicy({ ...document, version: 2, saes: [], peers: [] })
    assert.equal(view.peer(node(2)), undefined, "a new policy counts at the next question")
  })
})
