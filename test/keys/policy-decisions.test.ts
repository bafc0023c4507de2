// Threats C1, C2, R3: whatever a controller asks, a node accepts only what its signed policy allows.

import assert from "node:assert/strict"
import {
  effectiveMaxBps,
  mayConfigureApp,
  mayConfigureLink,
  mayConfigurePeer,
  mayFeedApp,
  mayRelay,
  policyError,
} from "../../src/keys/policy-decisions.js"
import type { PolicyOutcome } from "../../src/keys/policy-decisions.js"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { AppConfig } from "../../src/model/app.js"
import type { LinkConfig, VirtLinkConfig } from "../../src/model/link.js"
import { node, policyDocument } from "./policy-fixture.js"

const policy = parsePolicy(policyDocument())
const relayless = parsePolicy(policyDocument({ relay: { allowed: false, maxHops: 4 } }))
const singleHop = parsePolicy(policyDocument({ relay: { allowed: true, maxHops: 1 } }))

function app(over: Partial<AppConfig> = {}): AppConfig {
  return {
    appId: "a",
    type: "CLIENT",
    serverAppId: "alice",
    clientAppIds: ["bob"],
    priority: 0,
    qos: {},
    backingQkdlIds: ["l"],
    localQkdnId: node(1),
    remoteQkdnId: node(3),
    ...over,
  }
}

function phys(local: number, remote: number): LinkConfig {
  return {
    type: "PHYS",
    qkdlId: "l",
    enabled: true,
    local: { qkdnId: node(local) },
    remote: { qkdnId: node(remote) },
  }
}

function virt(
  ends: readonly [number, number],
  prev: number | null,
  ...next: number[]
): VirtLinkConfig {
  return {
    type: "VIRT",
    qkdlId: "v",
    enabled: true,
    local: { qkdnId: node(ends[0]) },
    remote: { qkdnId: node(ends[1]) },
    ...(prev === null ? {} : { prevHop: node(prev) }),
    nextHops: next.map(node),
  }
}

function clause(outcome: PolicyOutcome): string {
  return outcome.allowed ? "allowed" : outcome.clause
}

describe("the site policy on applications", () => {
  const cases: readonly [string, Partial<AppConfig>, string][] = [
    ["joins an own SAE with one at its home", {}, "allowed"],
    [
      "may be asked for from the other end",
      { serverAppId: "bob", clientAppIds: ["alice"] },
      "allowed",
    ],
    [
      "reaches an unlisted SAE at a site without a list",
      { clientAppIds: ["dave"], remoteQkdnId: node(2) },
      "allowed",
    ],
    ["has no SAE of this site", { serverAppId: "carol" }, "/saes"],
    ["has an own SAE only", { clientAppIds: [] }, "/saes"],
    ["names an own SAE twice", { clientAppIds: ["alice"] }, "/saes"],
    ["adds a listener", { clientAppIds: ["bob", "eve"] }, "/peers/1/saes"],
    ["binds an SAE to a site that is not its home", { remoteQkdnId: node(2) }, "/peers/0/saes"],
    ["binds an SAE to a site that may not claim it", { remoteQkdnId: node(4) }, "/peers/2/saes"],
    ["ends at a site unknown to the policy", { remoteQkdnId: node(9) }, "/peers"],
    [
      "ends at a mere neighbour",
      { clientAppIds: ["dave"], remoteQkdnId: node(5) },
      "/peers/3/roles",
    ],
    ["ends at this node itself", { remoteQkdnId: node(1) }, "/peers"],
    ["stands at another node", { localQkdnId: node(2) }, "/qkdnId"],
    ["takes more than the ceiling", { qos: { maxBps: 5001 } }, "/limits/maxBpsPerApp"],
    ["is promised more than the ceiling", { qos: { minBps: 5001 } }, "/limits/maxBpsPerApp"],
    ["takes the ceiling", { qos: { minBps: 1, maxBps: 5000 } }, "allowed"],
    ["is internal and names an own SAE", { type: "INTERNAL" }, "/saes"],
    ["is internal and names an SAE of a peer", { type: "INTERNAL", serverAppId: "x" }, "/saes"],
    ["is internal", { type: "INTERNAL", serverAppId: "x", clientAppIds: ["y"] }, "allowed"],
    [
      "is internal and ends nowhere known",
      { type: "INTERNAL", serverAppId: "x", clientAppIds: [], remoteQkdnId: node(9) },
      "/peers",
    ],
  ]
  for (const [what, over, expected] of cases) {
    it(`${expected === "allowed" ? "allows" : "refuses"} one that ${what}`, () => {
      assert.equal(clause(mayConfigureApp(policy, app(over))), expected)
    })
  }

  it("lets one wait for its remote node, but feeds it by no link until then", () => {
    const { remoteQkdnId: _remote, ...waiting } = app()
    assert.equal(clause(mayConfigureApp(policy, waiting)), "/peers")
    assert.equal(clause(mayConfigureApp(policy, { ...waiting, backingQkdlIds: [] })), "allowed")
  })

  it("binds an application to the lesser of its own rate and the site's", () => {
    const { maxBpsPerApp: _none, ...limits } = policyDocument().limits
    const free = parsePolicy(policyDocument({ limits }))
    assert.equal(effectiveMaxBps(policy, app()), 5000)
    assert.equal(effectiveMaxBps(policy, app({ qos: { maxBps: 100 } })), 100)
    assert.equal(effectiveMaxBps(policy, app({ qos: { maxBps: 9999 } })), 5000)
    assert.equal(effectiveMaxBps(free, app()), undefined)
    assert.equal(effectiveMaxBps(free, app({ qos: { maxBps: 100 } })), 100)
    assert.equal(clause(mayConfigureApp(free, app({ qos: { maxBps: 1e9 } }))), "allowed")
  })

  it("says in its refusal what binds and where", () => {
    const outcome = mayConfigureApp(policy, app({ remoteQkdnId: node(2) }))
    assert.ok(!outcome.allowed)
    const error = policyError(outcome, "/qkd_node/x")
    assert.equal(error.tag, "access-denied")
    assert.equal(error.appTag, "policy")
    assert.equal(error.path, "/qkd_node/x")
    assert.match(error.message, /\/peers\/0\/saes.*may not claim bob/)
  })
})

describe("the site policy on links", () => {
  const cases: readonly [string, LinkConfig, string][] = [
    ["a fibre to a neighbour", phys(1, 5), "allowed"],
    ["a fibre to a far end", phys(1, 4), "/peers/2/roles"],
    ["a fibre to a stranger", phys(1, 9), "/peers"],
    ["a fibre that starts elsewhere", phys(2, 1), "/qkdnId"],
    ["an end of a path over a relay", virt([1, 4], null, 2), "allowed"],
    ["the other end of such a path", virt([4, 1], 2), "allowed"],
    ["a path to a neighbour itself", virt([1, 3], null, 3), "allowed"],
    ["an end of a path to a mere neighbour", virt([1, 5], null, 2), "/peers/3/roles"],
    ["an end of a path over an untrusted relay", virt([1, 4], null, 5), "/peers/3/roles"],
    ["an end of a path over a node that is no neighbour", virt([1, 3], null, 4), "/peers/2/roles"],
    ["an end of a path to a stranger", virt([1, 9], null, 2), "/peers"],
    ["an end that would pass the key on", virt([1, 4], 2, 3), "/relay/allowed"],
    ["an end that would copy the key", virt([1, 4], null, 2, 3), "/peers"],
    ["an end without a hop", virt([1, 4], null), "/peers"],
    ["a relay between its neighbours", virt([3, 4], 3, 2), "allowed"],
    ["a path from a node to itself", virt([4, 4], 3, 2), "/qkdnId"],
    ["a relay that would copy the key", virt([3, 4], 3, 2, 5), "/peers"],
    ["a relay back to where it came from", virt([3, 4], 3, 3), "/peers"],
    ["a relay without a next hop", virt([3, 4], 3), "/peers"],
    ["a relay without a previous hop", virt([3, 4], null, 2), "/peers"],
    ["a relay to an untrusted node", virt([3, 4], 3, 5), "/peers/3/roles"],
    ["a relay for a stranger", virt([9, 3], 2, 3), "/peers"],
  ]
  for (const [what, link, expected] of cases) {
    it(`${expected === "allowed" ? "allows" : "refuses"} ${what}`, () => {
      assert.equal(clause(mayConfigureLink(policy, link)), expected)
    })
  }

  it("refuses any relaying where the site does not relay, but not its own paths", () => {
    assert.equal(clause(mayConfigureLink(relayless, virt([3, 4], 3, 2))), "/relay/allowed")
    assert.equal(clause(mayConfigureLink(singleHop, virt([3, 4], 3, 2))), "/relay/maxHops")
    assert.equal(clause(mayConfigureLink(relayless, virt([1, 4], null, 2))), "allowed")
  })

  it("takes addresses only of nodes that it names", () => {
    assert.equal(clause(mayConfigurePeer(policy, node(4))), "allowed")
    assert.equal(clause(mayConfigurePeer(policy, node(9))), "/peers")
    assert.equal(clause(mayConfigurePeer(policy, node(1))), "/peers")
  })
})

describe("the site policy on a key's path", () => {
  const path = (nodes: readonly number[], next: number | null, from: number, to: number) => ({
    source: node(from),
    destination: node(to),
    nodes: nodes.map(node),
    ...(next === null ? {} : { next: node(next) }),
  })
  const cases: readonly [string, ReturnType<typeof path>, string][] = [
    ["sending to a neighbour", path([1], 3, 1, 3), "allowed"],
    ["sending over a relay", path([1], 2, 1, 4), "allowed"],
    ["the whole way back at the source", path([1, 2, 3, 4], null, 1, 4), "allowed"],
    ["arriving over relays", path([4, 3, 2, 1], null, 4, 1), "allowed"],
    ["relaying", path([4, 3, 1], 2, 4, 2), "allowed"],
    ["relaying on after its destination", path([4, 3, 1], 2, 4, 3), "/qkdnId"],
    ["sending over an untrusted relay", path([1], 5, 1, 4), "/peers/3/roles"],
    ["a way that went over an untrusted relay", path([1, 2, 5, 4], null, 1, 4), "/peers/3/roles"],
    ["a way that went over a stranger", path([4, 9, 3, 1], null, 4, 1), "/peers"],
    ["a way that went over a mere end", path([1, 2, 4, 3], null, 1, 3), "/peers/2/roles"],
    ["a loop", path([1, 2], 1, 1, 4), "/relay/maxHops"],
    ["more hops than allowed", path([4, 2, 3, 6, 7, 1], null, 4, 1), "/relay/maxHops"],
    ["a path that ends short", path([1, 2], null, 1, 4), "/qkdnId"],
    ["a path beyond its destination", path([1, 3], 2, 1, 3), "/qkdnId"],
    ["a path from someone else's start", path([2, 1], null, 3, 1), "/qkdnId"],
    ["a path that is not ours", path([2, 3], null, 2, 3), "/qkdnId"],
    ["a key for a stranger", path([3, 1], 2, 3, 9), "/peers"],
    ["a key from and for one node", path([1], 2, 1, 1), "/qkdnId"],
  ]
  for (const [what, hop, expected] of cases) {
    it(`${expected === "allowed" ? "allows" : "refuses"} ${what}`, () => {
      assert.equal(clause(mayRelay(policy, hop)), expected)
    })
  }

  it("refuses to relay where the site does not, but still sends and takes", () => {
    assert.equal(clause(mayRelay(relayless, path([4, 3, 1], 2, 4, 2))), "/relay/allowed")
    assert.equal(clause(mayRelay(relayless, path([1], 2, 1, 4))), "allowed")
    assert.equal(clause(mayRelay(relayless, path([4, 3, 1], null, 4, 1))), "allowed")
  })
})

describe("a site that asks how keys of its SAEs are relayed", () => {
  const strict = parsePolicy(
    policyDocument({
      relay: { allowed: true, maxHops: 4, schemes: ["destination-combines"] },
      minimum: { disjointPaths: 2 },
    }),
  )
  const clauseOf = (outcome: PolicyOutcome): string =>
    outcome.allowed ? "allowed" : outcome.clause
  const path = virt([1, 3], null, 2)
  const direct = phys(1, 3)
  const good = { keyCombination: "all", relayScheme: "destination-combines" } as const

  it("takes enough paths with a scheme it allows, and direct links as they are", () => {
    assert.equal(clauseOf(mayFeedApp(strict, app(good), [path, path])), "allowed")
    assert.equal(clauseOf(mayFeedApp(strict, app(), [direct])), "allowed")
    assert.equal(clauseOf(mayFeedApp(policy, app(), [path])), "allowed")
  })

  it("takes no fewer, and no other", () => {
    const { relayScheme } = good
    assert.equal(clauseOf(mayFeedApp(strict, app(good), [path])), "/minimum/disjointPaths")
    // Two paths of which either carries whole keys are one path too few.
    assert.equal(
      clauseOf(mayFeedApp(strict, app({ relayScheme }), [path, path])),
      "/minimum/disjointPaths",
    )
    assert.equal(
      clauseOf(mayFeedApp(strict, app({ keyCombination: "all" }), [path, path])),
      "/relay/schemes",
    )
  })
})
