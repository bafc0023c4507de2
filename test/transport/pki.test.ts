// The certificate authority, judged by OpenSSL.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import {
  createAuthority,
  issueRelayCertificate,
  issueSaeCertificate,
  issueServerCertificate,
  saeUri,
  spkiSha256,
  validFor,
} from "../../src/transport/pki.js"
import { isQkdError } from "../errors-helper.js"

describe("the certificate authority", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-pki-"))
  const authority = createAuthority("esch SAE clients", validFor(30))
  const other = createAuthority("esch SAE clients", validFor(30))

  after(() => {
    rmSync(folder, { recursive: true })
  })

  function file(name: string, pem: string): string {
    const full = path.join(folder, name)
    writeFileSync(full, pem)
    return full
  }

  function openssl(...args: string[]): string {
    return execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  }

  function verifies(ca: string, certificate: string, purpose: string): boolean {
    try {
      openssl(
        ...["verify", "-x509_strict", "-purpose", purpose],
        ...["-CAfile", file("ca.pem", ca), file("leaf.pem", certificate)],
      )
      return true
    } catch {
      return false
    }
  }

  it("issues server, SAE and relay certificates that OpenSSL's strict checks accept for their purpose only", () => {
    const server = issueServerCertificate(authority, "kme", ["127.0.0.1"], validFor(1))
    const sae = issueSaeCertificate(authority, "sae-esch", validFor(1))
    const relay = issueRelayCertificate(authority, "node-1", ["::1"], validFor(1))
    const verdicts = [server, sae, relay].map((leaf) =>
      ["sslserver", "sslclient"].map((p) =>
        verifies(authority.certificatePem, leaf.certificatePem, p),
      ),
    )
    assert.deepEqual(verdicts, [
      [true, false],
      [false, true],
      [true, true],
    ])
  })

  it("is not taken for another authority of the same name", () => {
    const sae = issueSaeCertificate(other, "sae-esch", validFor(1))
    assert.equal(verifies(authority.certificatePem, sae.certificatePem, "sslclient"), false)
  })

  it("does not let a leaf act as an authority", () => {
    const sae = issueSaeCertificate(authority, "sae-esch", validFor(1))
    assert.throws(
      () => issueSaeCertificate(sae, "sae-mallory", validFor(1)),
      isQkdError("invalid-value"),
    )
  })

  it("refuses an authority whose key and certificate do not belong together", () => {
    const mixed = {
      certificatePem: authority.certificatePem,
      privateKeyPem: other.privateKeyPem,
    }
    assert.throws(() => issueSaeCertificate(mixed, "x", validFor(1)), isQkdError("invalid-value"))
  })

  it("puts hosts, SAE id and node id where the other end looks for them", () => {
    const hosts = ["127.0.0.1", "localhost", "::1", "2001:db8::7:0", "kme.example.org"]
    const server = new X509Certificate(
      issueServerCertificate(authority, "kme", hosts, validFor(1)).certificatePem,
    )
    for (const ip of ["127.0.0.1", "::1", "2001:db8::7:0"]) assert.ok(server.checkIP(ip), ip)
    for (const host of ["localhost", "kme.example.org"]) assert.ok(server.checkHost(host), host)
    assert.equal(server.checkIP("127.0.0.2"), undefined)
    const sae = new X509Certificate(
      issueSaeCertificate(authority, "sae/é 1", validFor(1)).certificatePem,
    )
    assert.equal(sae.toLegacyObject().subject.CN, "sae/é 1")
    assert.equal(sae.subjectAltName, `URI:${saeUri("sae/é 1")}`)
  })

  it("writes validity as asked, before and after 2050", () => {
    for (const [from, to] of [
      ["2031-02-03T04:05:06Z", "2049-12-31T23:59:59Z"],
      ["2049-12-31T23:59:58Z", "2050-01-01T00:00:00Z"],
      ["2050-01-01T00:00:00Z", "2199-06-07T08:09:10Z"],
    ] as const) {
      const ca = createAuthority("x", {
        notBeforeMs: Date.parse(from),
        notAfterMs: Date.parse(to),
      })
      const read = new X509Certificate(ca.certificatePem)
      assert.equal(Date.parse(read.validFrom), Date.parse(from))
      assert.equal(Date.parse(read.validTo), Date.parse(to))
    }
  })

  it("gives every certificate its own key and serial number", () => {
    const leaves = Array.from(
      { length: 20 },
      () => new X509Certificate(issueSaeCertificate(authority, "s", validFor(1)).certificatePem),
    )
    assert.equal(new Set(leaves.map((leaf) => leaf.serialNumber)).size, 20)
    assert.equal(new Set(leaves.map((leaf) => spkiSha256(leaf))).size, 20)
    for (const { serialNumber } of leaves) assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/)
  })

  it("pins the public key as curl and OpenSSL do", () => {
    const { certificatePem } = issueSaeCertificate(authority, "s", validFor(1))
    const leaf = file("pin.pem", certificatePem)
    const publicKey = file("pin.pub", openssl("x509", "-in", leaf, "-noout", "-pubkey"))
    const der = path.join(folder, "pin.der")
    openssl("pkey", "-pubin", "-in", publicKey, "-outform", "DER", "-out", der)
    const digest = openssl("dgst", "-sha256", "-hex", der).trim().split(" ").pop() ?? ""
    assert.equal(spkiSha256(certificatePem), digest)
  })

  it("refuses names no certificate can carry, and a validity that ends before it begins", () => {
    const bad: (() => unknown)[] = [
      () => createAuthority("", validFor(1)),
      () => createAuthority("x".repeat(65), validFor(1)),
      () => createAuthority("x", { notBeforeMs: 2000, notAfterMs: 1000 }),
      () => issueServerCertificate(authority, "kme", [], validFor(1)),
      () => issueServerCertificate(authority, "kme", ["no such host"], validFor(1)),
      () => issueServerCertificate(authority, "kme", ["::ffff:127.0.0.1"], validFor(1)),
    ]
    for (const act of bad) assert.throws(act, isQkdError("invalid-value"))
  })
})
