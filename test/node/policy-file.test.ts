// The policy a node obeys survives restarts, and never becomes an older one.

import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { signPolicy } from "../../src/keys/policy-signature.js"
import type { PolicyDocument } from "../../src/keys/policy.js"
import { PolicyFile } from "../../src/node/policy-file.js"
import { isQkdError } from "../errors-helper.js"
import { newSigner, node, peer, policyDocument } from "../keys/policy-fixture.js"

const signers = [newSigner(), newSigner()]
const denied = isQkdError("access-denied", "policy")

describe("the policy file", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-policy-"))
  const policyFile = path.join(folder, "policy.json")
  const markFile = path.join(folder, "state", "policy-version.json")

  beforeEach(() => {
    rmSync(path.dirname(markFile), { recursive: true, force: true })
  })

  after(() => {
    rmSync(folder, { recursive: true })
  })

  function put(over: Partial<PolicyDocument> = {}): void {
    const policy = policyDocument(over)
    const signatures = signers.map((signer) => signPolicy(policy, signer.privateKey))
    writeFileSync(policyFile, JSON.stringify({ policy, signatures }))
  }

  function load(qkdnId = node(1)): Promise<PolicyFile> {
    const trust = { signers: signers.map((signer) => signer.id), threshold: 2 }
    return PolicyFile.open({ qkdnId, policyFile, markFile, trust })
  }

  it("gives agent and key manager the policy it holds", async () => {
    put()
    const { current, guard, view } = await load()
    assert.deepEqual(current.document, policyDocument())
    assert.equal(guard.version, 7)
    assert.deepEqual(guard.saeIds, ["alice"])
    assert.equal(guard.mayConfigurePeer({ qkdnId: node(2), host: "h", port: 1 }), undefined)
    assert.match(guard.mayConfigurePeer({ qkdnId: node(9), host: "h", port: 1 }) ?? "", /\/peers/)
    assert.equal(view.allowsEnd(node(4)), true)
    const path = { source: node(1), destination: node(4), nodes: [node(1)] }
    assert.equal(view.refusesPath({ ...path, next: node(2) }), undefined)
    assert.match(view.refusesPath({ ...path, next: node(5) }) ?? "", /not trusted as a relay/)
  })

  it("refuses an older version after a restart, and the same version with other content", async () => {
    put({ version: 9 })
    await load()
    put({ version: 8 })
    await assert.rejects(load(), denied)
    put({ version: 9, peers: [peer(2)] })
    await assert.rejects(load(), denied)
    put({ version: 9 })
    assert.equal((await load()).current.version, 9)
    put({ version: 10, peers: [] })
    assert.equal((await load()).current.version, 10)
  })

  it("keeps the mark readable by the node alone", async () => {
    put()
    await load()
    assert.equal(statSync(markFile).mode & 0o777, 0o600)
    assert.match(readFileSync(markFile, "utf8"), /"version":7/)
  })

  it("does not take a damaged mark for a first start", async () => {
    put({ version: 9 })
    await load()
    put({ version: 8 })
    for (const text of ["", "{", "{}", '{"version":"9","sha256":"x"}', "null"]) {
      writeFileSync(markFile, text)
      await assert.rejects(load(), isQkdError("invalid-value"))
    }
  })

  it("takes a newer policy while running, and keeps the one in force when the new one is bad", async () => {
    put()
    const file = await load()
    const { guard, view } = file
    assert.equal(await file.reload(), false)
    put({ version: 8, peers: [] })
    assert.equal(await file.reload(), true)
    assert.equal(guard.version, 8)
    assert.equal(view.allowsEnd(node(4)), false)
    put({ version: 7 })
    await assert.rejects(file.reload(), denied)
    writeFileSync(policyFile, "{")
    await assert.rejects(file.reload(), isQkdError("malformed-message"))
    rmSync(policyFile)
    await assert.rejects(file.reload(), isQkdError("data-missing"))
    assert.equal(guard.version, 8)
  })

  it("refuses a policy that was signed for another node, or not signed at all", async () => {
    put()
    await assert.rejects(load(node(2)), denied)
    writeFileSync(policyFile, JSON.stringify({ policy: policyDocument(), signatures: [] }))
    await assert.rejects(load(), denied)
    rmSync(policyFile)
    await assert.rejects(load(), isQkdError("data-missing"))
  })

  it("refuses a policy in which a member appears twice", async () => {
    put()
    const text = readFileSync(policyFile, "utf8")
    writeFileSync(policyFile, text.replace('"version":7', '"version":6,"version":7'))
    await assert.rejects(load(), isQkdError("malformed-message"))
  })
})
