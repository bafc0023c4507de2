// From certificates to names of users (RFC 7407): every way of mapping, on certificates that OpenSSL made.

import assert from "node:assert/strict"
import { createHash, X509Certificate } from "node:crypto"
import {
  altNamesOf,
  certificateFingerprint,
  checkCertToName,
  usernameOf,
  verifiedChain,
  type CertToName,
  type MapType,
} from "../../src/transport/certificate-names.js"
import { isQkdError } from "../errors-helper.js"
import { CertificateFolder } from "./tls-fixture.js"

describe("a certificate", () => {
  const folder = new CertificateFolder()
  const read = (name: string): X509Certificate => new X509Certificate(folder.pem(`${name}.pem`))
  const chain = (name: string): X509Certificate[] => [read(name), read("ca")]
  let fingerprint: string

  before(() => {
    for (const name of ["ca", "other"]) folder.authority(name)
    const names = "URI:urn:x,email:Olga.B@OPS.Example,DNS:Desk.Example,IP:192.0.2.7"
    folder.certificate("all", "ca", "/CN=olga", names)
    folder.certificate("six", "ca", "/O=ops", "IP:2001:DB8::a:1")
    folder.certificate("odd", "ca", "/CN=one/CN=two", "@alt\n[alt]\nemail.1=a, DNS:root@x.example")
    folder.certificate("bare", "ca", "/O=ops")
    fingerprint = certificateFingerprint(folder.pem("ca.pem"))
  })
  after(() => {
    folder.remove()
  })

  const by = (mapType: MapType, name?: string): CertToName[] => [
    { id: 1, fingerprint, mapType, ...(name !== undefined && { name }) },
  ]

  it("names its user in each of the six ways", () => {
    const named = (mapType: MapType, name?: string): string | undefined =>
      usernameOf(chain("all"), by(mapType, name))
    assert.equal(named("specified", "root of all"), "root of all")
    assert.equal(named("common-name"), "olga")
    assert.equal(named("san-rfc822-name"), "Olga.B@ops.example")
    assert.equal(named("san-dns-name"), "desk.example")
    assert.equal(named("san-ip-address"), "192.0.2.7")
    assert.equal(named("san-any"), "Olga.B@ops.example")
  })

  it("writes an IPv6 address as 32 digits", () => {
    const name = usernameOf(chain("six"), by("san-ip-address"))
    assert.equal(name, "20010db80000000000000000000a0001")
  })

  it("names nobody when it has no such name, several common names, or names that hide others", () => {
    for (const mapType of ["common-name", "san-any"] as const)
      assert.equal(usernameOf(chain("bare"), by(mapType)), undefined)
    assert.equal(usernameOf(chain("odd"), by("common-name")), undefined)
    assert.equal(usernameOf(chain("odd"), by("san-dns-name")), undefined)
    assert.equal(usernameOf(chain("bare"), by("specified", "")), undefined)
    assert.equal(usernameOf(chain("bare"), by("specified", "a\u0000b")), undefined)
  })

  it("is found by its own fingerprint or its authority's, lowest id first, else not", () => {
    const own = certificateFingerprint(folder.pem("all.pem"))
    const other = certificateFingerprint(folder.pem("other.pem"))
    const entry = (id: number, print: string, name: string): CertToName => ({
      id,
      fingerprint: print,
      mapType: "specified",
      name,
    })
    const entries = [entry(9, fingerprint, "by authority"), entry(3, own, "by itself")]
    assert.equal(usernameOf(chain("all"), entries), "by itself")
    assert.equal(usernameOf(chain("six"), entries), "by authority")
    assert.equal(usernameOf(chain("all"), [entry(1, other, "x")]), undefined)
    assert.equal(usernameOf([], entries), undefined)
  })

  it("is found by SHA-256, -384 and -512 in any case, with or without colons, and by nothing weaker", () => {
    const print = (octet: string, hash: string): string =>
      octet + createHash(hash).update(read("ca").raw).digest("hex")
    const found = (text: string): string | undefined =>
      usernameOf(chain("all"), [{ id: 1, fingerprint: text, mapType: "common-name" }])
    assert.equal(found(print("04", "sha256").toUpperCase()), "olga")
    assert.equal(found(print("05", "sha384")), "olga")
    assert.equal(found(print("06", "sha512")), "olga")
    assert.equal(found(print("02", "sha1")), undefined)
    assert.equal(found(print("01", "md5")), undefined)
    assert.throws(() => {
      checkCertToName([{ id: 4, fingerprint: print("02", "sha1"), mapType: "common-name" }])
    }, isQkdError("invalid-value"))
    assert.throws(() => {
      checkCertToName([{ id: 4, fingerprint: "04:ab:cd", mapType: "common-name" }])
    }, isQkdError("invalid-value"))
    checkCertToName(by("common-name"))
  })

  it("does not borrow an authority that has not signed it", () => {
    const all = [read("all"), read("other"), read("ca")]
    assert.deepEqual(verifiedChain(all).length, 1)
    assert.equal(usernameOf(verifiedChain(all), by("common-name")), undefined)
    assert.equal(verifiedChain(chain("all")).length, 2)
  })

  it("has its alternative names read one by one, however odd", () => {
    assert.deepEqual(
      altNamesOf(read("all")).map(({ kind }) => kind),
      ["URI", "email", "DNS", "IP Address"],
    )
    assert.equal(
      altNamesOf(read("odd")).some(({ kind }) => kind === "DNS"),
      false,
    )
  })
})
