// Nodes that call home, and nodes over TLS: driven by the ETSI 015 driver exactly as those that are called over SSH.
// The node's agent, its listeners and calls are real, and so are driver, fleet and sessions.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { SouthEvent } from "../../src/controller/ports.js"
import type { NodeTarget } from "../../src/model/network.js"
import type { NodeConfig } from "../../src/model/node.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { NetconfServer } from "../../src/netconf/server.js"
import { Agent } from "../../src/node/agent.js"
import type { NodeSettings } from "../../src/node/config.js"
import type { CallHomeManager } from "../../src/transport/call-home.js"
import { memoryConfigStore } from "../../src/node/config-store.js"
import { SILENT } from "../../src/node/log.js"
import { openNetconf, type NetconfWays } from "../../src/node/node-netconf.js"
import { lendDriverHost } from "../../src/plugin/driver-host.js"
import { loadNodeDriver } from "../../src/plugin/load.js"
import { Fleet } from "../../src/south/fleet.js"
import { NodeSessions } from "../../src/south/node-sessions.js"
import { certificateFingerprint } from "../../src/transport/certificate-names.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { generateSshKey, sshFingerprint } from "../../src/transport/ssh-keys.js"
import { physLink, SELF, TO_WEST, WEST } from "../node/agent-fixtures.js"
import { ALLOW_ALL, schema } from "../node/agent-site.js"
import { makeCertificates, type CertificateFolder } from "../transport/tls-fixture.js"

const WANTED: NodeConfig = {
  qkdnId: SELF,
  links: [physLink(TO_WEST, 1, WEST)],
  apps: [],
  peers: [{ qkdnId: WEST, host: "127.0.0.1", port: 4020 }],
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!holds()) {
    assert(Date.now() < deadline, `never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe("a node that is reached in another way", function () {
  this.timeout(180_000)
  let folder: CertificateFolder
  let dir: string
  let sessions: NodeSessions
  let fleet: Fleet
  const heard: SouthEvent[] = []
  const said: string[] = []
  const hostKey = generateSshKey("host")
  const userKey = generateSshKey("controller")
  const closers: (() => Promise<void> | void)[] = []

  before(() => {
    folder = makeCertificates()
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-call-home-"))
    writeFileSync(path.join(dir, "host"), hostKey.privateKey, { mode: 0o600 })
    writeFileSync(path.join(dir, "user"), userKey.privateKey, { mode: 0o600 })
  })
  after(() => {
    folder.remove()
    rmSync(dir, { recursive: true, force: true })
  })
  beforeEach(() => {
    heard.length = 0
    said.length = 0
    sessions = new NodeSessions({ log: (_level, message) => said.push(message) })
    fleet = new Fleet({
      submit: (event) => {
        heard.push(event)
        return Promise.resolve()
      },
      loadDriver: (name) => loadNodeDriver(name),
      lend: (qkdnId, target, signal) =>
        lendDriverHost({
          log: () => undefined,
          signal,
          openNetconf: (own) => sessions.open(qkdnId, target, own),
        }),
      arrival: (qkdnId, target, signal) => sessions.arrival(qkdnId, target, signal),
      log: () => undefined,
      timings: { backoffFirstMs: 10, backoffMaxMs: 100 },
    })
  })
  afterEach(async () => {
    await fleet.close()
    await sessions.close()
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** The node, serving and calling. */
  async function node(
    callHome: readonly CallHomeManager[],
    withTls = false,
  ): Promise<{ agent: Agent; server: NetconfServer; ways: NetconfWays }> {
    const agent = await Agent.open({
      ...{ qkdnId: SELF, version: "test", qkdiIds: [1], requestTimeoutMs: 1000 },
      ...{ statisticsPeriodS: 60, statisticsRows: 10, schema: schema(), guard: ALLOW_ALL },
      ...{ store: memoryConfigStore(), clock: systemClock, log: SILENT },
    })
    const server = new NetconfServer({
      ...{ backend: agent, initial: agent.initial, clock: systemClock, candidate: true },
    })
    agent.attachServer(server)
    const fingerprint = certificateFingerprint(folder.pem("operators.pem"))
    const settings: NodeSettings["netconf"] = {
      ...{ host: "127.0.0.1", port: 0, hostKeyFile: path.join(dir, "host") },
      users: [
        { name: "controller", publicKeys: [userKey.publicKey], groups: ["controller"] },
        { name: "ada", publicKeys: [], groups: ["controller"] },
      ],
      ...{ resetAccess: false, forgetLeader: false, callHome },
      ...(withTls && {
        tls: {
          ...{ host: "127.0.0.1", port: 0, tls12: false },
          ...{ certFile: folder.file("node.pem"), keyFile: folder.file("node.key") },
          caFile: folder.file("operators.pem"),
          certToName: [{ id: 1, fingerprint, mapType: "common-name" }],
        },
      }),
    }
    const timings = { backoffFirstMs: 20, backoffMaxMs: 200 }
    const ways = await openNetconf(settings, server, SILENT, timings)
    closers.push(async () => {
      server.close()
      agent.stop()
      await ways.close()
    })
    return { agent, server, ways }
  }

  const sshTarget = (more: Partial<NodeTarget> = {}): NodeTarget => ({
    ...{ host: "", port: 830, username: "controller", privateKeyFile: path.join(dir, "user") },
    hostKeyFingerprint: sshFingerprint(hostKey.publicKey),
    callHome: true,
    ...more,
  })
  const tlsTarget = (more: Partial<NodeTarget> = {}): NodeTarget => ({
    ...{ host: "127.0.0.1", port: 830, username: "", privateKeyFile: "", hostKeyFingerprint: "" },
    tls: {
      ...{ certFile: folder.file("ada.pem"), keyFile: folder.file("ada.key") },
      caFile: folder.file("nodes.pem"),
      serverKeySha256: spkiSha256(folder.pem("node.pem")),
    },
    ...more,
  })
  const call = (transport: "ssh" | "tls", port: number): CallHomeManager => ({
    ...{ name: "manager", transport, host: "127.0.0.1", port },
  })
  const count = (kind: SouthEvent["kind"]): number => heard.filter((e) => e.kind === kind).length

  /** Read, configured, and heard: as any node. */
  async function driven({ agent, server }: Awaited<ReturnType<typeof node>>): Promise<void> {
    await until(() => count("node-connected") === 1, "it is connected")
    fleet.sync(SELF, WANTED, 1)
    await until(() => count("node-synced") === 1, "it is configured")
    assert.match(JSON.stringify(server.datastore.running), new RegExp(TO_WEST))
    agent.tell({ kind: "interface-down", qkdiId: 1, reason: "dark" })
    const dark = (e: SouthEvent): boolean =>
      e.kind === "node-event" && e.event.kind === "interface-down"
    await until(() => heard.some(dark), "it is heard")
  }

  it("calls home over SSH: read, configured and heard like any other, and again when it is lost", async () => {
    const port = await sessions.listenSsh({ host: "127.0.0.1", port: 0 })
    fleet.manage(SELF, "etsi015", sshTarget())
    const site = await node([call("ssh", port)])
    await driven(site)
    const { server } = site
    assert.equal(server.sessions[0]?.username, "controller")
    server.close("cut")
    await until(() => count("node-lost") === 1, "it is lost")
    await until(() => count("node-connected") === 2, "it has called again")
  })

  it("calls home over TLS", async () => {
    const files = {
      ...{ certFile: folder.file("ada.pem"), keyFile: folder.file("ada.key") },
      caFile: folder.file("nodes.pem"),
    }
    const port = await sessions.listenTls({ host: "127.0.0.1", port: 0, files })
    fleet.manage(SELF, "etsi015", tlsTarget({ host: "", callHome: true }))
    const site = await node([call("tls", port)], true)
    await driven(site)
    assert.deepEqual(
      site.server.sessions.map(({ username, transport }) => [username, transport]),
      [["ada", "netconf-tls"]],
    )
  })

  it("is called over TLS", async () => {
    const site = await node([], true)
    const port = site.ways.tlsPort
    assert(port !== undefined)
    fleet.manage(SELF, "etsi015", tlsTarget({ port }))
    await driven(site)
  })

  it("N2: is nobody before it is expected, when it has another key, and once it is forgotten", async () => {
    const port = await sessions.listenSsh({ host: "127.0.0.1", port: 0 })
    const { server } = await node([call("ssh", port)])
    const refused = (): number => said.filter((s) => s === "a call home was refused").length
    await until(() => refused() > 1, "a node not in the inventory is refused")
    const other = sshFingerprint(generateSshKey("other").publicKey)
    fleet.manage(SELF, "etsi015", sshTarget({ hostKeyFingerprint: other }))
    const before = refused()
    await until(() => refused() > before + 1, "another key is refused")
    assert.equal(server.sessions.length, 0)
    assert.equal(count("node-connected"), 0)
    fleet.manage(SELF, "etsi015", sshTarget())
    await until(() => count("node-connected") === 1, "the right key is taken")
    await fleet.forget(SELF)
    const then = refused()
    await until(() => refused() > then, "a forgotten node is refused")
  })

  it("does not keep others from being connected while it does not call", async () => {
    await sessions.listenSsh({ host: "127.0.0.1", port: 0 })
    for (let i = 0; i < 40; i++)
      fleet.manage(`silent ${i}`, "etsi015", sshTarget({ hostKeyFingerprint: `SHA256:${i}` }))
    const site = await node([])
    const { host, port } = site.ways
    const { callHome: _, ...called } = sshTarget({ host, port })
    fleet.manage(SELF, "etsi015", called)
    await driven(site)
    assert.equal(count("node-lost"), 0, "who has not called yet is not lost")
  })
})
