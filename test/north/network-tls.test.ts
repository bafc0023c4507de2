// The controller's NETCONF over TLS: its setting in the configuration file, and one face that serves the same users
// over SSH and TLS, each with the role the file gives.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { readControllerConfig, type ControllerConfig } from "../../src/cli/controller-config.js"
import { QkdError } from "../../src/errors.js"
import type { ClientSession } from "../../src/netconf/client-session.js"
import { NetworkFace } from "../../src/north/network-face.js"
import { unconfirmedFile } from "../../src/north/unconfirmed-file.js"
import { MemoryStore } from "../../src/store/memory.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { generateSshKey } from "../../src/transport/ssh-keys.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { connectNetconfTls } from "../../src/transport/tls-client.js"
import { Bench } from "../controller/fakes.js"
import { isQkdError } from "../errors-helper.js"
import { entriesFor, makeCertificates, type CertificateFolder } from "../transport/tls-fixture.js"
import { all, appsXml, appXml, link, node, schema } from "./network-site.js"

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
  this.timeout(60_000)
  let folder: CertificateFolder
  let face: NetworkFace
  let ports: Awaited<ReturnType<NetworkFace["listen"]>>
  const said: { readonly message: string; readonly why: unknown }[] = []
  const login = generateSshKey()

  before(async () => {
    folder = makeCertificates()
    folder.certificate("vera", "operators", "/CN=vera")
    folder.certificate("nobody", "operators", "/CN=nobody")
    writeFileSync(folder.file("ada.ssh"), login.privateKey)
    const bench = await Bench.open(new MemoryStore())
    for (const name of "abc") await bench.submit({ kind: "node-added", node: node(name) })
    for (const ends of ["ab", "bc"]) await bench.submit({ kind: "link-added", link: link(ends) })
    face = await NetworkFace.open({
      controller: bench.controller,
      schema: schema(),
      unconfirmed: unconfirmedFile(folder.file("unconfirmed.json")),
      clock: systemClock,
      log: (_level, message, facts) => said.push({ message, why: facts?.["why"] }),
    })
    ports = await face.listen({
      ...{ host: "127.0.0.1", port: 0, hostKey: generateSshKey().privateKey },
      users: [
        { name: "ada", role: "operator", publicKeys: [login.publicKey] },
        { name: "vera", role: "observer", publicKeys: [] },
      ],
      tls: {
        ...{ host: "127.0.0.1", port: 0, certToName: entriesFor(folder) },
        mutual: {
          identity: {
            certificatePem: folder.pem("node.pem"),
            privateKeyPem: folder.pem("node.key"),
          },
          authorities: [folder.pem("operators.pem")],
        },
      },
    })
  })
  after(async () => {
    await face.close()
    folder.remove()
  })

  const overTls = (name: string): Promise<ClientSession> =>
    connectNetconfTls({
      ...{ host: "127.0.0.1", port: ports.tlsPort ?? 0 },
      certFile: folder.file(`${name}.pem`),
      keyFile: folder.file(`${name}.key`),
      caFile: folder.file("nodes.pem"),
      serverKeySha256: spkiSha256(folder.pem("node.pem")),
    })
  const overSsh = (): Promise<ClientSession> =>
    connectNetconfSsh({
      ...{ host: "127.0.0.1", port: ports.port, username: "ada" },
      privateKeyFile: folder.file("ada.ssh"),
      hostKeyFingerprint: ports.hostKeyFingerprint,
    })

  it("serves the same users over SSH and TLS: one reads, one orders, nobody else comes in", async () => {
    const [vera, ada, adaBySsh] = [await overTls("vera"), await overTls("ada"), await overSsh()]
    const order = appsXml(appXml(1, "a", "b"))
    await assert.rejects(vera.editConfig("running", order), isQkdError("access-denied"))
    await ada.editConfig("running", order)
    await adaBySsh.editConfig("running", appsXml(appXml(2, "b", "c")))
    assert.equal(all("qkd_app", await vera.getConfig("running")).length, 2)
    for (const name of ["nobody", "bare", "mallory"]) await assert.rejects(overTls(name))
    const refusals = said.filter(({ message }) => message === "NETCONF over TLS refused")
    assert.deepEqual(
      refusals.map(({ why }) => why),
      ["no user by that certificate", "no user by that certificate", "certificate"],
    )
    for (const client of [vera, ada, adaBySsh]) await client.close()
  })

  it("ends on both ports when the controller stops", async () => {
    const sessions = [await overTls("vera"), await overSsh()]
    await face.close()
    for (const session of sessions) await session.closedReason
    await assert.rejects(overTls("ada"), isQkdError("operation-failed", "node-unreachable"))
    await assert.rejects(overSsh(), isQkdError("operation-failed", "node-unreachable"))
  })
})
