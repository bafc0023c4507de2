// `keyloom policy` as the people who sign site policies run it: two of them, each with a key of their own, and a node that
// takes what both have signed and nothing else (THREATS C1, C2).

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { policyChanges } from "../../src/keys/policy-changes.js"
import { openSignedPolicy } from "../../src/keys/policy-signature.js"
import { node, peer, pin, policyDocument } from "./policy-fixture.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

describe("keyloom policy", function () {
  this.timeout(180_000)
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-policy-"))
  const at = (name: string): string => path.join(dir, name)
  const signers: string[] = []
  after(() => {
    rmSync(dir, { recursive: true })
  })

  function policy(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    const options = { cwd: root, encoding: "utf8" } as const
    return spawnSync(process.execPath, ["bin/keyloom.js", "policy", ...args], options)
  }

  function done(...args: string[]): string {
    const { status, stdout, stderr } = policy(...args)
    assert.equal(status, 0, stderr)
    return stdout
  }

  const fingerprint = (): string =>
    /^sha256 ([0-9a-f]{64})$/m.exec(done("show", at("policy.json")))?.[1] ?? ""

  before(() => {
    writeFileSync(at("policy.json"), JSON.stringify(policyDocument({ version: 8 })))
    writeFileSync(at("phrase"), "correct horse\n")
    signers.push(done("keygen", "--out", at("ada.pem")).trim())
    const locked = ["--passphrase-file", at("phrase")]
    signers.push(done("keygen", "--out", at("bob.pem"), ...locked).trim())
  })

  it("makes keys for one person each, and never over another", () => {
    assert.equal(statSync(at("ada.pem")).mode & 0o777, 0o600)
    assert.match(readFileSync(at("bob.pem"), "latin1"), /ENCRYPTED/)
    const again = policy("keygen", "--out", at("ada.pem"))
    assert.equal(again.status, 1)
    assert.match(again.stderr, /is there already/)
  })

  it("tells who signs what the policy says, and what it changes", () => {
    const added = policyDocument({ version: 9, peers: [...policyDocument().peers, peer(6)] })
    writeFileSync(at("next.json"), JSON.stringify(added))
    const text = done("show", at("next.json"), "--previous", at("policy.json"))
    assert.match(text, /signed by nobody/)
    assert.match(text, new RegExp(`^  \\+ peers/${node(6)}: `, "m"))
    assert.match(text, /^ {2}~ version: 8 -> 9$/m)
    assert.doesNotMatch(text, /WARNING/)
    assert.match(done("show", at("policy.json"), "--previous", at("next.json")), /WARNING/)
  })

  it("signs nothing that was not read: the fingerprint must be given", () => {
    const wrong = policy(
      "sign",
      at("policy.json"),
      "--key",
      at("ada.pem"),
      "--sha256",
      "0".repeat(64),
    )
    assert.equal(wrong.status, 2)
    assert.match(wrong.stderr, /not the fingerprint/)
    const short = fingerprint().slice(0, 8)
    assert.equal(
      policy("sign", at("policy.json"), "--key", at("ada.pem"), "--sha256", short).status,
      2,
    )
  })

  it("takes two people: one, or one twice, is not enough for the node", () => {
    const sha256 = fingerprint()
    const verify = ["verify", at("policy.json"), "--threshold", "2", "--signer", ...signers]
    const ada = ["sign", at("policy.json"), "--key", at("ada.pem"), "--sha256", sha256]
    assert.match(done(...ada), /1 signature$/m)
    assert.match(policy(...verify).stderr, /1 of 2 needed/)
    const twice = policy(...ada)
    assert.equal(twice.status, 1)
    assert.match(twice.stderr, /takes another person/)
    const bob = ["sign", at("policy.json"), "--key", at("bob.pem"), "--sha256", sha256]
    assert.match(policy(...bob).stderr, /passphrase/)
    done(...bob, "--passphrase-file", at("phrase"))
    assert.match(done(...verify), /version 8/)
    const signed: unknown = JSON.parse(readFileSync(at("policy.json"), "utf8"))
    assert.equal(openSignedPolicy(signed, { signers, threshold: 2 }).version, 8)
  })

  it("adds nothing to a policy that was changed after it was signed", () => {
    const text = readFileSync(at("policy.json"), "utf8").replace('"maxHops": 4', '"maxHops": 9')
    writeFileSync(at("changed.json"), text)
    const shown = policy("show", at("changed.json"))
    assert.equal(shown.status, 2)
    assert.match(shown.stderr, /\/signatures\/0\/signature.*changed after it was signed/s)
  })

  it("names every change by its entry, and none where there is none", () => {
    const before = policyDocument()
    assert.deepEqual(policyChanges(before, policyDocument()), [])
    const after = policyDocument({
      saes: [{ saeId: "alice", spkiSha256: [pin("alice's new key")] }],
      relay: { allowed: false, maxHops: 4 },
      peers: before.peers.slice(1),
    })
    assert.deepEqual(
      policyChanges(before, after).map((line) => line.replace(/:.*/, "")),
      [`- peers/${node(2)}`, "~ relay/allowed", "~ saes/alice"],
    )
  })
})
