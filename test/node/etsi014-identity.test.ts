// Where an SAE's certificate carries its id, certificates that are revoked, and a server that changes its own while it
// runs (ETSI GS QKD 014, 5.1; threats N3, I4). Certificates and lists by OpenSSL, requests by curl and node:https.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { once } from "node:events"
import https from "node:https"
import { TLSSocket } from "node:tls"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { SitePolicy } from "../../src/keys/policy.js"
import { listenEtsi014 } from "../../src/node/etsi014.js"
import type { Etsi014Options } from "../../src/node/etsi014.js"
import type { Face } from "../../src/node/http-face.js"
import { SILENT } from "../../src/node/log.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { SiteNetworks } from "../../src/transport/site-networks.js"
import { readRevocationLists } from "../../src/transport/revocation.js"
import { node } from "../keys/policy-fixture.js"
import { CertificateFolder } from "../transport/tls-fixture.js"
import { FakeDesk, FakeKeyManager } from "./fakes-014.js"

describe("the identity of an SAE", function () {
  this.timeout(180_000)
  const folder = new CertificateFolder()
  const names: Readonly<Record<string, readonly [string, string]>> = {
    cn: ["/CN=alice", ""],
    "cn-and-others": ["/O=Acme/CN=alice", "URI:https://acme.example,DNS:host.example"],
    "cn-twice": ["/CN=alice/CN=bob", ""],
    "cn-other": ["/CN=bob", ""],
    "uri-plain": ["/O=Acme", "URI:alice"],
    "uri-urn": ["/O=Acme", "URI:urn:keyloom:sae:alice"],
    "uri-twice": ["/CN=alice", "URI:alice,URI:bob"],
    "uri-longer": ["/CN=alice", "URI:alice/x"],
    dns: ["/O=Acme", "DNS:alice"],
    "dns-twice": ["/CN=alice", "DNS:alice,DNS:bob"],
    "dns-capital": ["/CN=alice", "DNS:Alice"],
    "dns-wildcard": ["/CN=alice", "DNS:*"],
  }
  let policy: SitePolicy
  let server: Face | undefined

  before(() => {
    folder.authority("kme")
    folder.authority("sae")
    folder.certificate("server", "kme", "/CN=kme", "IP:127.0.0.1")
    folder.certificate("server-2", "kme", "/CN=kme", "IP:127.0.0.1")
    for (const [name, [subject, alternatives]] of Object.entries(names))
      folder.certificate(name, "sae", subject, alternatives)
    policy = parsePolicy({
      version: 1,
      qkdnId: node(1),
      saes: [
        {
          saeId: "alice",
          spkiSha256: Object.keys(names).map((name) => spkiSha256(folder.pem(`${name}.pem`))),
        },
      ],
      peers: [],
      relay: { allowed: false, maxHops: 1 },
      limits: { minKeySizeBits: 64, maxKeySizeBits: 4096, maxKeysPerRequest: 128 },
    })
  })
  afterEach(() => server?.close())
  after(() => {
    folder.remove()
  })

  const shown = (
    name: string,
  ): { identity: Etsi014Options["identity"]; callerAuthorities: string[] } => ({
    identity: {
      certificatePem: folder.pem(`${name}.pem`),
      privateKeyPem: folder.pem(`${name}.key`),
    },
    callerAuthorities: [folder.pem("sae.pem")],
  })

  async function serve(over: Partial<Etsi014Options> = {}): Promise<number> {
    server = await listenEtsi014({
      ...{ host: "127.0.0.1", port: 0, ...shown("server") },
      policy: () => policy,
      keyManager: new FakeKeyManager(),
      desk: new FakeDesk(),
      audit: () => undefined,
      log: SILENT,
      ...over,
    })
    return server.port
  }

  const agentOf = (name: string): https.Agent =>
    new https.Agent({
      cert: folder.pem(`${name}.pem`),
      key: folder.pem(`${name}.key`),
      ca: folder.pem("kme.pem"),
      keepAlive: true,
      maxSockets: 1,
    })

  const pins = new WeakMap<object, string>()
  /** Status and the server's own key; 0 when the connection ended. */
  function ask(agent: https.Agent, port: number): Promise<readonly [number, string]> {
    return new Promise((resolve) => {
      const path = "/api/v1/keys/bob/enc_keys"
      const outgoing = https.get({ agent, host: "127.0.0.1", port, path }, (incoming) => {
        const { socket } = incoming
        const own = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
        // Node forgets it after the first answer of a connection.
        if (own !== undefined) pins.set(socket, spkiSha256(own))
        incoming.resume().once("end", () => {
          resolve([incoming.statusCode ?? 0, pins.get(socket) ?? ""])
        })
      })
      outgoing.once("error", () => {
        resolve([0, ""])
      })
    })
  }

  const believed = {
    "common-name": [
      "cn",
      "cn-and-others",
      "uri-twice",
      "uri-longer",
      "dns-twice",
      "dns-capital",
      "dns-wildcard",
    ],
    "san-uri": ["uri-plain", "uri-urn"],
    "san-dns": ["dns"],
  } as const

  for (const [saeIdentity, good] of Object.entries(believed) as [
    keyof typeof believed,
    readonly string[],
  ][])
    it(`is the ${saeIdentity} where the site says so, exact, and the only one of its kind`, async () => {
      const port = await serve({ saeIdentity })
      for (const name of Object.keys(names)) {
        const agent = agentOf(name)
        const [status] = await ask(agent, port)
        assert.equal(status, good.includes(name) ? 200 : 401, name)
        agent.destroy()
      }
    })

  it("N8: is nobody outside the site's networks: its keys are not there for whoever records the line", async () => {
    const from = new SiteNetworks(["10.1.0.0/16", "127.0.0.3/32", "2001:db8:1::/48"], "/")
    const port = await serve({ limits: { from } })
    /** curl's exit code, and what HTTP said. */
    const asked = (address: string): Promise<string> =>
      new Promise((resolve) => {
        const files = ["--cert", folder.file("cn.pem"), "--key", folder.file("cn.key")]
        const args = [
          "-s",
          "-m",
          "10",
          "--interface",
          address,
          "-k",
          ...files,
          "-w",
          "%{http_code}",
        ]
        execFile(
          "curl",
          [...args, "-o", "/dev/null", `https://127.0.0.1:${port}/api/v1/keys/bob/enc_keys`],
          (fault, stdout) => {
            resolve(`${fault === null ? 0 : String(fault.code)} ${stdout}`)
          },
        )
      })
    assert.equal(await asked("127.0.0.1"), "0 200", "the host itself")
    assert.equal(await asked("127.0.0.3"), "0 200", "a network of the site")
    assert.match(await asked("127.0.0.2"), /^(35|56) 000$/, "another: ended within the handshake")
    for (const [address, isOurs] of [
      ["10.1.255.1", true],
      ["::ffff:10.1.0.9", true],
      ["2001:db8:1:ff::1", true],
      ["10.2.0.1", false],
      ["2001:db8:2::1", false],
      ["::ffff:10.2.0.1", false],
      ["", false],
    ] as const)
      assert.equal(from.has(address), isOurs, address)
  })

  it("N3: is nobody once its certificate is revoked: on the connection that stands, and on new ones", async () => {
    const listed = (revoked: readonly string[]): ReturnType<typeof readRevocationLists> =>
      readRevocationLists(folder.revoke("sae", revoked), [folder.pem("sae.pem")])
    const port = await serve({ revocation: listed([]) })
    const [lost, kept] = [agentOf("cn"), agentOf("cn-and-others")]
    assert.deepEqual([(await ask(lost, port))[0], (await ask(kept, port))[0]], [200, 200])
    const sockets = Object.values(lost.freeSockets).flatMap((list) => list ?? [])
    const ended = once(sockets[0] ?? lost, "close")
    assert.equal(server?.renew({ ...shown("server"), revocation: listed(["cn"]) }), 1)
    await ended
    assert.equal((await ask(lost, port))[0], 0)
    assert.equal((await ask(kept, port))[0], 200)
    lost.destroy()
    kept.destroy()
  })

  it("meets another certificate of the server on new connections, while those that stand go on", async () => {
    const port = await serve()
    const [old, fresh] = [agentOf("cn"), agentOf("cn-and-others")]
    const pin = (name: string): string => spkiSha256(folder.pem(`${name}.pem`))
    assert.deepEqual(await ask(old, port), [200, pin("server")])
    server?.renew(shown("server-2"))
    assert.deepEqual(await ask(old, port), [200, pin("server")], "the kept connection")
    assert.deepEqual(await ask(fresh, port), [200, pin("server-2")])
    const broken = { ...shown("server-2"), identity: { certificatePem: "no", privateKeyPem: "no" } }
    assert.throws(() => server?.renew(broken), { tag: "invalid-value" })
    const later = agentOf("cn")
    assert.deepEqual(
      await ask(later, port),
      [200, pin("server-2")],
      "an unusable one changes nothing",
    )
    for (const agent of [old, fresh, later]) agent.destroy()
  })
})
