// The controller's NETCONF over TLS: its setting in the configuration file, and one face that serves the same users
// over SSH and TLS, each with the role the file gives.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { readControllerConfig, type ControllerConfig } from "../../src/cli/controller-config.js"
import { QkdError } from "../../src/errors.js"
import type { ClientSession } from "../../src/netconf/client-session.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { connectNetconfTls } from "../../src/transport/tls-client.js"
import { isQkdError } from "../errors-helper.js"
import { listening, type Listening } from "./network-listening.js"
import { all, appsXml, appXml } from "./network-site.js"

const FINGERPRINT = `04:${"ab:".repeat(31)}ab`
const SPECIFIED = "ietf-x509-cert-to-name:specified"

describe("the setting of NETCONF over TLS in the controller's file", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-controller-"))
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  const vera = { name: "vera", role: "observer" }
  const entry = { id: 1, fingerprint: FINGERPRINT, "map-type": SPECIFIED, name: "vera" }
  const tls = { cert_file: "c", key_file: "k", ca_file: "/ca", "cert-to-name": [entry] }

  function read(netconf: object): ControllerConfig {
    const file = path.join(dir, "controller.json")
    const token = [{ name: "t", sha256: "0".repeat(64), role: "operator" }]
    const whole = { host_key_file: "h", user: [vera], ...netconf }
    const controller = { store_dir: "s", http: { port: 0 }, token, netconf: whole }
    writeFileSync(file, JSON.stringify({ controller }))
    return readControllerConfig(file)
  }

  function refused(netconf: object): QkdError {
    try {
      read(netconf)
    } catch (error) {
      if (error instanceof QkdError) return error
      throw error
    }
    return assert.fail("it was not refused")
  }

  it("is read with its defaults, and its users need no SSH key", () => {
    assert.deepEqual(read({ tls }).netconfTls, {
      ...{ host: "127.0.0.1", port: 6513, tls12: false },
      ...{ certFile: path.join(dir, "c"), keyFile: path.join(dir, "k"), caFile: "/ca" },
      certToName: [{ id: 1, fingerprint: FINGERPRINT, mapType: "specified", name: "vera" }],
    })
    const ssh = read({ user: [{ ...vera, public_key: ["ssh-ed25519 AAAA"] }] })
    assert.equal(ssh.netconfTls, undefined)
  })

  it("names orchestrators to call, with the ports of RFC 8071", () => {
    const call_home = [
      { name: "first", host: "nms.example" },
      { name: "second", host: "192.0.2.1", transport: "tls", period_s: 60, idle_s: 30 },
    ]
    assert.deepEqual(read({ tls, call_home }).managers, [
      { name: "first", transport: "ssh", host: "nms.example", port: 4334 },
      {
        ...{ name: "second", transport: "tls", host: "192.0.2.1", port: 4335 },
        ...{ periodMs: 60_000, idleMs: 30_000 },
      },
    ])
    const ssh = { user: [{ ...vera, public_key: ["ssh-ed25519 AAAA"] }] }
    assert.deepEqual(read(ssh).managers, [])
    assert.match(refused({ ...ssh, call_home }).message, /takes the tls container/)
  })

  it("is refused, with its path, where it could let nobody in or somebody unknown", () => {
    const keyless = refused({})
    assert.match(keyless.path ?? "", /netconf\/user\[name='vera'\]$/)
    assert.match(keyless.message, /can come over TLS only/)
    const stranger = refused({ tls: { ...tls, "cert-to-name": [{ ...entry, name: "mallory" }] } })
    assert.match(stranger.path ?? "", /netconf\/tls\/cert-to-name\[id='1'\]$/)
    assert.match(stranger.message, /only one of the users/)
    const sha1 = { ...entry, fingerprint: `02:${"ab:".repeat(19)}ab` }
    const weak = refused({ tls: { ...tls, "cert-to-name": [sha1] } })
    assert.match(weak.path ?? "", /controller\/netconf\/tls\/cert-to-name\[id='1'\]\/fingerprint$/)
    const { ca_file: _, ...incomplete } = tls
    assert.equal(refused({ tls: incomplete }).tag, "data-missing")
    assert.match(refused({ tls: { ...tls, colour: "red" } }).path ?? "", /netconf\/tls\/colour$/)
  })
})

describe("the controller's NETCONF over TLS", function () {
  this.timeout(180_000)
  let site: Listening

  before(async () => {
    site = await listening()
  })
  after(() => site.close())

  const overTls = (name: string): Promise<ClientSession> =>
    connectNetconfTls({
      ...{ host: "127.0.0.1", port: site.ports.tlsPort ?? 0 },
      certFile: site.folder.file(`${name}.pem`),
      keyFile: site.folder.file(`${name}.key`),
      caFile: site.folder.file("nodes.pem"),
      serverKeySha256: spkiSha256(site.folder.pem("node.pem")),
    })
  const overSsh = (): Promise<ClientSession> =>
    connectNetconfSsh({
      ...{ host: "127.0.0.1", port: site.ports.port, username: "ada" },
      privateKeyFile: site.folder.file("ada.ssh"),
      hostKeyFingerprint: site.ports.hostKeyFingerprint,
    })

  it("serves the same users over SSH and TLS: one reads, one orders, nobody else comes in", async () => {
    const [vera, ada, adaBySsh] = [await overTls("vera"), await overTls("ada"), await overSsh()]
    const order = appsXml(appXml(1, "a", "b"))
    await assert.rejects(vera.editConfig("running", order), isQkdError("access-denied"))
    await ada.editConfig("running", order)
    await adaBySsh.editConfig("running", appsXml(appXml(2, "b", "c")))
    assert.equal(all("qkd_app", await vera.getConfig("running")).length, 2)
    for (const name of ["nobody", "bare", "mallory"]) await assert.rejects(overTls(name))
    const refusals = site.said.filter(({ message }) => message === "NETCONF over TLS refused")
    assert.deepEqual(
      refusals.map(({ facts }) => "why" in facts && facts.why),
      ["no user by that certificate", "no user by that certificate", "certificate"],
    )
    for (const client of [vera, ada, adaBySsh]) await client.close()
  })

  it("ends on both ports when the controller stops", async () => {
    const sessions = [await overTls("vera"), await overSsh()]
    await site.face.close()
    for (const session of sessions) await session.closedReason
    await assert.rejects(overTls("ada"), isQkdError("operation-failed", "node-unreachable"))
    await assert.rejects(overSsh(), isQkdError("operation-failed", "node-unreachable"))
  })
})
