// Call home (RFC 8071): devices that call us over SSH and TLS, strangers who do, and managers that are not ours.

import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import net from "node:net"
import path from "node:path"
import { writeXml } from "../../src/yang/xml-tree.js"
import type { ClientSession } from "../../src/netconf/client-session.js"
import { callHome, type CallHomeReport } from "../../src/transport/call-home.js"
import {
  listenSshCallHome,
  listenTlsCallHome,
  type CallHomeLimits,
  type CallHomeListener,
  type CallHomeRefusal,
} from "../../src/transport/call-home-listener.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import { generateSshKey, sshFingerprint } from "../../src/transport/ssh-keys.js"
import { NetconfSshServer } from "../../src/transport/ssh-server.js"
import { readSshLogin } from "../../src/transport/ssh.js"
import { root } from "../support/demo.js"
import { freePort } from "../support/free-port.js"
import { OkServer, sshFixture, USER, type SshFixture } from "./ssh-fixture.js"
import {
  makeCertificates,
  tlsFixture,
  type CertificateFolder,
  type TlsFixture,
} from "./tls-fixture.js"

const QUICK = { backoffFirstMs: 20, backoffMaxMs: 200 }

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (!holds()) {
    assert(Date.now() < deadline, what)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A manager that listens, and what came of it. */
class Manager {
  readonly sessions: { readonly id: string; readonly session: ClientSession }[] = []
  readonly refusals: CallHomeRefusal[] = []
  listener: CallHomeListener | undefined

  get port(): number {
    return this.listener?.port ?? 0
  }

  readonly hooks = {
    host: "127.0.0.1",
    onSession: (id: string, session: ClientSession): void => {
      this.sessions.push({ id, session })
    },
    onRefused: (refusal: CallHomeRefusal): void => {
      this.refusals.push(refusal)
    },
  }

  async session(at: number): Promise<ClientSession> {
    await until(() => this.sessions.length > at, `call ${at} has come`)
    const found = this.sessions[at]
    assert(found)
    return found.session
  }
}

describe("call home", function () {
  this.timeout(180_000)
  const closers: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** A manager that expects the device with this host key. */
  async function sshManager(
    fixture: SshFixture,
    expected: readonly string[],
    limits: Partial<CallHomeLimits> = {},
    port = 0,
  ): Promise<Manager> {
    const manager = new Manager()
    const login = await readSshLogin(fixture.target)
    manager.listener = await listenSshCallHome({
      ...manager.hooks,
      port,
      limits,
      expected: (key) => (expected.includes(key) ? { id: "node a", login } : undefined),
    })
    closers.push(() => manager.listener?.close())
    return manager
  }

  /** A device behind SSH that calls there. */
  async function device(port: number, periodMs?: number) {
    const ok = new OkServer()
    const fixture = await sshFixture(ok)
    closers.push(() => fixture.close())
    const server = new NetconfSshServer({
      server: ok,
      hostKey: fixture.hostKey.privateKey,
      users: new Map([[USER, [fixture.userKey.publicKey]]]),
    })
    const reports: CallHomeReport[] = []
    const start = (to = port) => {
      const calling = callHome({
        ...{ host: "127.0.0.1", port: to, timings: QUICK },
        ...(periodMs !== undefined && { periodMs }),
        serve: (socket) => {
          server.serve(socket)
        },
        report: (report) => reports.push(report),
      })
      closers.push(() => {
        calling.stop()
        server.close()
      })
      return calling
    }
    return { ok, fixture, server, reports, start }
  }

  it("brings a session over SSH, with our login, once the device has shown the expected key", async () => {
    const { ok, fixture, start } = await device(0)
    const manager = await sshManager(fixture, [fixture.target.hostKeyFingerprint])
    start(manager.port)
    const session = await manager.session(0)
    assert.equal(manager.sessions[0]?.id, "node a")
    assert.match(writeXml(await session.rpc("<get/>")), /<ok/)
    assert.deepEqual(
      ok.who.map(({ username }) => username),
      [USER],
    )
    await session.close()
  })

  it("is persistent: the device calls again whenever the session is over, and when nobody was there", async () => {
    const { fixture, reports, start } = await device(0)
    const first = await sshManager(fixture, [fixture.target.hostKeyFingerprint])
    const { port } = first
    start(port)
    await (await first.session(0)).close()
    const again = await first.session(1)
    await first.listener?.close()
    await again.close()
    await until(
      () => reports.filter(({ kind }) => kind === "failed").length >= 2,
      "it calls in vain",
    )
    const second = await sshManager(fixture, [fixture.target.hostKeyFingerprint], {}, port)
    assert.match(writeXml(await (await second.session(0)).rpc("<get/>")), /<ok/)
  })

  it("waits its period where it has one", async () => {
    const { fixture, reports, start } = await device(0, 50)
    const manager = await sshManager(fixture, [fixture.target.hostKeyFingerprint])
    start(manager.port)
    await (await manager.session(0)).close()
    await manager.session(1)
    assert.deepEqual(reports.filter((r) => r.kind === "over").map(({ waitMs }) => waitMs)[0], 50)
  })

  it("sends no login to a device with another key, nor to what is no SSH", async () => {
    const { ok, fixture, start } = await device(0)
    const manager = await sshManager(fixture, [sshFingerprint(generateSshKey().publicKey)])
    start(manager.port)
    const garbage = net.connect(manager.port, "127.0.0.1")
    garbage.on("error", () => undefined)
    garbage.resume()
    const gone = new Promise((resolve) => garbage.once("close", resolve))
    garbage.write("HELLO I AM A NODE\r\n\r\n".repeat(2000))
    await until(
      () => manager.refusals.some(({ reason }) => /host key/.test(reason)),
      "refused by key",
    )
    await gone
    assert.deepEqual(ok.who, [])
    assert.deepEqual(manager.sessions, [])
    assert.deepEqual(
      manager.refusals.filter(({ reason }) => /login/.test(reason)),
      [],
    )
  })

  it("lets strangers hold little, drops mute ones, and takes devices all the while", async () => {
    const { fixture, start } = await device(0)
    const limits = { maxPendingPerAddress: 4, handshakeTimeoutMs: 1_000 }
    const manager = await sshManager(fixture, [fixture.target.hostKeyFingerprint], limits)
    const mute = Array.from({ length: 40 }, () => net.connect(manager.port, "127.0.0.1"))
    for (const socket of mute) {
      socket.on("error", () => undefined)
      socket.resume()
    }
    await Promise.all(mute.map((socket) => new Promise((resolve) => socket.once("close", resolve))))
    assert(manager.refusals.length <= 4, `${manager.refusals.length} got as far as a handshake`)
    start(manager.port)
    await manager.session(0)
    assert.equal(manager.listener?.pending(), 0)
  })

  it("does not listen for a while to an address of which many were nobody", async () => {
    const { fixture } = await device(0)
    const limits = { maxRefusedPerMinute: 3 }
    const manager = await sshManager(fixture, [fixture.target.hostKeyFingerprint], limits)
    for (let i = 0; i < 10; i++) {
      const socket = net.connect(manager.port, "127.0.0.1")
      socket.on("error", () => undefined)
      socket.resume()
      socket.end("nobody\r\n")
      await new Promise((resolve) => socket.once("close", resolve))
      await until(() => manager.listener?.pending() === 0, "it is judged")
    }
    assert.equal(manager.refusals.length, 3)
  })

  describe("over TLS", () => {
    let folder: CertificateFolder
    before(() => {
      folder = makeCertificates()
    })
    after(() => {
      folder.remove()
    })

    async function tlsManager(fixture: TlsFixture, expected: string): Promise<Manager> {
      const manager = new Manager()
      const pem = (name: string): string => folder.pem(name)
      manager.listener = await listenTlsCallHome({
        ...manager.hooks,
        port: 0,
        tls: {
          identity: { certificatePem: pem("ada.pem"), privateKeyPem: pem("ada.key") },
          authorities: [pem("nodes.pem")],
        },
        expected: (key) => (key === expected ? "node a" : undefined),
      })
      closers.push(() => manager.listener?.close())
      const calling = callHome({
        ...{ host: "127.0.0.1", port: manager.port, timings: QUICK },
        serve: (socket) => {
          fixture.server.serve(socket)
        },
      })
      closers.push(() => {
        calling.stop()
      })
      return manager
    }

    it("brings a session, as the user our certificate maps to, and another when it is over", async () => {
      const ok = new OkServer()
      const fixture = await tlsFixture(folder, ok)
      closers.push(() => fixture.server.close())
      const manager = await tlsManager(fixture, spkiSha256(folder.pem("node.pem")))
      for (const call of [0, 1]) {
        const session = await manager.session(call)
        assert.match(writeXml(await session.rpc("<get/>")), /<ok/)
        await session.close()
      }
      assert.equal(ok.who[0]?.username, "ada")
    })

    it("takes no session from a device with another key", async () => {
      const ok = new OkServer()
      const fixture = await tlsFixture(folder, ok)
      closers.push(() => fixture.server.close())
      const manager = await tlsManager(fixture, "0".repeat(64))
      await until(() => manager.refusals.length > 1, "it was turned away")
      assert.match(manager.refusals[0]?.reason ?? "", /not the pinned/)
      assert.deepEqual(manager.sessions, [])
      await until(() => ok.ended.length === ok.who.length, "no session of it goes on")
    })
  })

  it("brings a session to ncclient", async function () {
    if (spawnSync("/usr/bin/python3", ["-c", "import ncclient"]).status !== 0) {
      console.log("      ncclient is not here: skipped")
      this.skip()
    }
    const { ok, fixture, start } = await device(0)
    const port = await freePort()
    const args = [String(port), USER, fixture.target.privateKeyFile]
    const peer = path.join(root, "test/interop/call-home-peer.py")
    const child = spawn("/usr/bin/python3", [peer, ...args])
    let said = ""
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")))
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")))
    const ended = new Promise((resolve) => child.once("close", resolve))
    start(port)
    await ended
    assert.match(said, /^good$/m, said)
    assert.equal(ok.who[0]?.username, USER)
  })
})
