// What a site policy may say, and how its faults are named.

import assert from "node:assert/strict"
import { generateKeyPairSync } from "node:crypto"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { ErrorTag } from "../../src/errors.js"
import { isQkdError } from "../errors-helper.js"
import { node, peer, pin, policyDocument } from "./policy-fixture.js"

function copy(): Record<string, unknown> {
  return JSON.parse(JSON.stringify(policyDocument())) as Record<string, unknown>
}

/** The document with the value at a JSON pointer replaced, or removed when undefined. */
function withValue(pointer: string, value: unknown): unknown {
  const document = copy()
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replace("~1", "/"))
  const last = steps.pop() ?? ""
  let at: Record<string, unknown> = document
  for (const step of steps) at = at[step] as Record<string, unknown>
  if (value === undefined) Reflect.deleteProperty(at, last)
  else at[last] = value
  return document
}

describe("a site policy", () => {
  it("is read as it was written", () => {
    const policy = parsePolicy(copy())
    assert.deepEqual(policy.document, policyDocument())
    assert.equal(policy.version, 7)
    assert.equal(policy.ownsSae("alice"), true)
    assert.equal(policy.ownsSae("bob"), false)
    assert.equal(policy.saeByPin(pin("alice")), "alice")
    assert.equal(policy.saeByPin(pin("bob")), undefined)
    assert.equal(policy.peerByPin(pin("relay 3"))?.qkdnId, node(3))
    assert.equal(policy.homeOf("alice"), node(1))
    assert.equal(policy.homeOf("carol"), node(4))
    assert.equal(policy.homeOf("dave"), undefined)
  })

  it("lets a site claim the SAEs it is listed with, or unlisted ones when it has no list", () => {
    const policy = parsePolicy(copy())
    assert.equal(policy.mayClaim(node(3), "bob"), true)
    assert.equal(policy.mayClaim(node(3), "dave"), false)
    assert.equal(policy.mayClaim(node(2), "dave"), true)
    assert.equal(policy.mayClaim(node(2), "bob"), false)
    assert.equal(policy.mayClaim(node(2), "alice"), false)
    assert.equal(policy.mayClaim(node(9), "dave"), false)
    assert.equal(policy.mayClaim(node(1), "alice"), false)
  })

  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
  const notEd25519 = p256.export({ type: "spki", format: "der" }).toString("base64")
  const faults: readonly [string, unknown, ErrorTag][] = [
    ["/version", 0, "invalid-value"],
    ["/version", 1.5, "invalid-value"],
    ["/version", "7", "invalid-value"],
    ["/version", undefined, "missing-element"],
    ["/qkdnId", "node-1", "invalid-value"],
    ["/qkdnId", node(1).replace("-4", "-4A"), "invalid-value"],
    ["/colour", "blue", "unknown-element"],
    ["/a~1b", 1, "unknown-element"],
    ["/saes", {}, "invalid-value"],
    ["/saes/0", "alice", "invalid-value"],
    ["/saes/0/saeId", "", "invalid-value"],
    ["/saes/0/saeId", "a\nb", "invalid-value"],
    ["/saes/0/saeId", "a".repeat(65), "invalid-value"],
    ["/saes/0/spkiSha256", pin("alice"), "invalid-value"],
    ["/saes/0/spkiSha256/0", pin("alice").toUpperCase(), "invalid-value"],
    ["/saes/0/spkiSha256/1", pin("alice"), "invalid-value"],
    ["/saes/0/pins", [], "unknown-element"],
    ["/peers/0/roles/0", "owner", "invalid-value"],
    ["/peers/0/roles/2", "end", "invalid-value"],
    ["/peers/0/ackPublicKey", "AAAA", "invalid-value"],
    ["/peers/0/ackPublicKey", notEd25519, "invalid-value"],
    ["/peers/0/ackPublicKey", undefined, "missing-element"],
    ["/peers/1/qkdnId", node(2), "invalid-value"],
    ["/peers/1/qkdnId", node(1), "invalid-value"],
    ["/peers/1/relaySpkiSha256", pin("relay 2"), "invalid-value"],
    ["/peers/1/relaySpkiSha256", pin("alice"), "invalid-value"],
    ["/peers/1/saes/0", "alice", "invalid-value"],
    ["/peers/2/saes/0", "bob", "invalid-value"],
    ["/relay/allowed", "yes", "invalid-value"],
    ["/relay/allowed", undefined, "missing-element"],
    ["/relay/maxHops", 0, "invalid-value"],
    ["/limits/minKeySizeBits", 7, "invalid-value"],
    ["/limits/minKeySizeBits", 12, "invalid-value"],
    ["/limits/minKeySizeBits", 8192, "invalid-value"],
    ["/limits/maxKeysPerRequest", 0, "invalid-value"],
    ["/limits/maxBpsPerApp", -1, "invalid-value"],
    ["/limits/maxBpsPerApp", null, "invalid-value"],
    ["/minimum", { ipsec: "ppk" }, "unknown-element"],
    ["/minimum", { deliveryTls: "TLSv1.1" }, "invalid-value"],
    ["/minimum", { disjointPaths: 0 }, "invalid-value"],
    ["/relay/schemes", ["trusted-courier"], "invalid-value"],
    ["/relay/schemes", ["hop-by-hop", "hop-by-hop"], "invalid-value"],
  ]
  for (const [pointer, value, tag] of faults) {
    it(`with ${value === undefined ? "nothing" : JSON.stringify(value)} at ${pointer} is refused with ${tag} there`, () => {
      let path: string | undefined
      assert.throws(
        () => parsePolicy(withValue(pointer, value)),
        (error: unknown) => {
          assert.ok(isQkdError(tag)(error), String(error))
          ;({ path } = error as { path?: string })
          return true
        },
      )
      assert.ok(path === pointer || path?.startsWith(`${pointer}/`), path)
    })
  }

  it("that is no object at all is refused", () => {
    for (const value of [null, [], "policy", 7, undefined]) {
      assert.throws(() => parsePolicy(value), isQkdError("invalid-value", undefined, ""))
    }
  })

  it("may lower the TLS version of delivery, and may leave ceilings out", () => {
    const { maxBpsPerApp: _ceiling, ...limits } = policyDocument().limits
    const document = policyDocument({ limits, minimum: { deliveryTls: "TLSv1.2" }, peers: [] })
    assert.deepEqual(parsePolicy(document).document, document)
    assert.deepEqual(parsePolicy({ ...document, minimum: {} }).document.minimum, {})
    assert.equal(parsePolicy({ ...document, peers: [peer(2)] }).hasRole(node(2), "relay"), true)
  })
})
