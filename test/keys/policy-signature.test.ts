// Two people sign a site policy; nothing else makes it valid, and nothing makes it older.

import assert from "node:assert/strict"
import fc from "fast-check"
import {
  canonicalJson,
  openSignedPolicy,
  policyMark,
  refuseRollback,
  signPolicy,
} from "../../src/keys/policy-signature.js"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { PolicyDocument } from "../../src/keys/policy.js"
import { isQkdError } from "../errors-helper.js"
import { newSigner, policyDocument } from "./policy-fixture.js"
import type { Signer } from "./policy-fixture.js"

const [ann, ben, cleo, mallory] = [newSigner(), newSigner(), newSigner(), newSigner()] as const
const trust = { signers: [ann.id, ben.id, cleo.id], threshold: 2 }
const denied = isQkdError("access-denied", "policy")

function signed(policy: PolicyDocument, ...signers: readonly Signer[]): unknown {
  const document = {
    policy,
    signatures: signers.map(({ privateKey }) => signPolicy(policy, privateKey)),
  }
  return JSON.parse(JSON.stringify(document)) as unknown
}

describe("a signed site policy", () => {
  it("is opened with signatures of any two of three trusted signers", () => {
    for (const pair of [
      [ann, ben],
      [cleo, ann],
      [ben, cleo, ann],
      [mallory, ben, cleo],
    ]) {
      assert.equal(openSignedPolicy(signed(policyDocument(), ...pair), trust).version, 7)
    }
  })

  it("is refused with too few, untrusted or repeated signatures", () => {
    for (const few of [[], [ann], [ann, mallory], [mallory]]) {
      assert.throws(() => openSignedPolicy(signed(policyDocument(), ...few), trust), denied)
    }
    const twice = signed(policyDocument(), ann, ann)
    assert.throws(() => openSignedPolicy(twice, trust), isQkdError("invalid-value"))
  })

  it("is refused when anything in it was changed after signing", () => {
    const open = (policy: PolicyDocument): unknown => {
      const envelope = signed(policyDocument(), ann, ben) as { policy: unknown }
      return openSignedPolicy({ ...envelope, policy }, trust)
    }
    assert.ok(open(policyDocument()))
    assert.throws(() => open(policyDocument({ version: 8 })), denied)
    const { saes } = policyDocument()
    const [alice] = saes
    assert.ok(alice)
    assert.throws(
      () => open(policyDocument({ saes: [...saes, { ...alice, saeId: "eve" }] })),
      denied,
    )
    assert.throws(() => open(policyDocument({ relay: { allowed: true, maxHops: 5 } })), denied)
    assert.throws(() => open({ ...policyDocument(), more: 1 } as PolicyDocument), denied)
  })

  it("is refused when a trusted signer's signature is broken, even beside enough good ones", () => {
    const envelope = signed(policyDocument(), ann, ben, cleo) as {
      signatures: { signature: string }[]
    }
    const other = signPolicy(policyDocument({ version: 8 }), cleo.privateKey).signature
    assert.ok(envelope.signatures[2])
    envelope.signatures[2].signature = other
    assert.throws(
      () => openSignedPolicy(envelope, trust),
      isQkdError("access-denied", "policy", "/signatures/2"),
    )
  })

  it("does not depend on the order of members or on white space", () => {
    const envelope = signed(policyDocument(), ann, ben) as { policy: object }
    const turned = Object.fromEntries(Object.entries(envelope.policy).reverse())
    assert.equal(openSignedPolicy({ ...envelope, policy: turned }, trust).version, 7)
  })

  it("is checked for form after its signatures, with the path of the fault", () => {
    const odd = { ...policyDocument(), colour: "blue" } as PolicyDocument
    const fault = isQkdError("unknown-element", undefined, "/colour")
    assert.throws(() => openSignedPolicy(signed(odd, ann, ben), trust), fault)
    assert.throws(() => openSignedPolicy(signed(odd, ann), trust), denied)
    const envelope = { ...(signed(policyDocument(), ann, ben) as object), note: "x" }
    assert.throws(
      () => openSignedPolicy(envelope, trust),
      isQkdError("unknown-element", undefined, "/note"),
    )
  })

  it("cannot be opened where fewer signers are trusted than must sign", () => {
    for (const threshold of [0, 4]) {
      assert.throws(
        () => openSignedPolicy(signed(policyDocument(), ann, ben), { ...trust, threshold }),
        isQkdError("invalid-value"),
      )
    }
  })

  it("never goes back to an older version, nor to another policy of the same version", () => {
    const now = parsePolicy(policyDocument())
    const mark = policyMark(now)
    refuseRollback(now, undefined)
    refuseRollback(now, mark)
    refuseRollback(parsePolicy(policyDocument({ version: 8 })), mark)
    assert.throws(() => {
      refuseRollback(parsePolicy(policyDocument({ version: 6 })), mark)
    }, denied)
    assert.throws(() => {
      refuseRollback(parsePolicy(policyDocument({ peers: [] })), mark)
    }, denied)
  })
})

describe("canonical JSON", () => {
  it("sorts members by UTF-16 code units and writes no white space", () => {
    const value = { b: [1, "x\n", null], "\u{1f600}": true, "\ufb33": 0.5, a: { z: 1, "": -0 } }
    assert.equal(
      canonicalJson(value),
      '{"a":{"":0,"z":1},"b":[1,"x\\n",null],"\u{1f600}":true,"\ufb33":0.5}',
    )
  })

  it("is the same for equal values and another for different ones", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        assert.deepEqual(JSON.parse(canonicalJson(a)), JSON.parse(JSON.stringify(a)))
        const parsed = JSON.parse(JSON.stringify(a)) as unknown
        assert.equal(canonicalJson(parsed), canonicalJson(a))
        const same = isDeepEqual(JSON.parse(canonicalJson(a)), JSON.parse(canonicalJson(b)))
        assert.equal(canonicalJson(a) === canonicalJson(b), same)
      }),
      { numRuns: 300 },
    )
  })

  it("has no form for what is not JSON", () => {
    for (const value of [undefined, Number.NaN, Infinity, 1n, () => 1]) {
      assert.throws(() => canonicalJson(value), isQkdError("invalid-value"))
    }
  })
})

function isDeepEqual(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}
