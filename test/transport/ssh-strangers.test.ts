// What strangers and idle or stalled peers can hold open on the SSH side (threat N5), and how a client gives up.

import assert from "node:assert/strict"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import ssh2, { type ClientChannel } from "ssh2"
import { NetconfServer } from "../../src/netconf/server.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { DepotBackend, HELLO_1_0, faultOf } from "../netconf/fixture.js"
import { OkServer, USER, sshFixture, type SshFixture } from "./ssh-fixture.js"

/** Bounded by the test's own time-out. */
async function nobodyLeft(fixture: SshFixture): Promise<void> {
  while (fixture.listener.connections() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe("what strangers can hold open (N5)", () => {
  let open: Socket[] = []
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy()
    open = []
  })
  const dial = (port: number): Socket => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", () => undefined)
    socket.resume()
    open.push(socket)
    return socket
  }

  it("drops peers that stay mute, before and inside the SSH handshake", async () => {
    const fixture = await sshFixture(new OkServer(), { handshakeTimeoutMs: 200 })
    try {
      const mute = dial(fixture.listener.port)
      const half = dial(fixture.listener.port)
      half.write("SSH-2.0-x\r\n")
      await Promise.all([once(mute, "close"), once(half, "close")])
      await nobodyLeft(fixture)
    } finally {
      await fixture.close()
    }
  })

  it("drops a peer that logs in and opens no session", async () => {
    const fixture = await sshFixture(new OkServer(), { handshakeTimeoutMs: 500 })
    try {
      const client = new ssh2.Client()
      client.on("error", () => undefined)
      client.connect({
        host: "127.0.0.1",
        port: fixture.listener.port,
        username: USER,
        privateKey: fixture.userKey.privateKey,
      })
      await once(client, "close")
      await nobodyLeft(fixture)
    } finally {
      await fixture.close()
    }
  })

  it("refuses connections beyond the ceiling of an address, and takes new ones when some leave", async () => {
    const fixture = await sshFixture(new OkServer(), { maxConnectionsPerAddress: 3 })
    try {
      const held = [1, 2, 3].map(() => dial(fixture.listener.port))
      await Promise.all(held.map((socket) => once(socket, "connect")))
      await once(dial(fixture.listener.port), "close")
      for (const socket of held) socket.destroy()
      await nobodyLeft(fixture)
      const session = await connectNetconfSsh(fixture.target)
      await session.close()
    } finally {
      await fixture.close()
    }
  })

  it("as a client gives up on a mute server, and on abort", async () => {
    const fixture = await sshFixture(new OkServer())
    const accepted: Socket[] = []
    const mute = createServer((socket) => {
      accepted.push(socket)
    })
    await new Promise<void>((resolve) => {
      mute.listen(0, "127.0.0.1", resolve)
    })
    try {
      const { port } = mute.address() as { port: number }
      const target = { ...fixture.target, port }
      assert.equal(
        await faultOf(connectNetconfSsh(target, { connectTimeoutMs: 100 })),
        "operation-failed node-unreachable",
      )
      const aborting = new AbortController()
      const attempt = connectNetconfSsh(target, { signal: aborting.signal })
      setTimeout(() => {
        aborting.abort()
      }, 20)
      assert.equal(await faultOf(attempt), "operation-failed closed")
      const later = new AbortController()
      const session = await connectNetconfSsh(fixture.target, { signal: later.signal })
      later.abort()
      assert.equal((await session.closedReason).appTag, "closed")
      assert.equal(await faultOf(session.get()), "operation-failed closed")
    } finally {
      for (const socket of accepted) socket.destroy()
      mute.close()
      await fixture.close()
    }
  })

  it("says when nobody listens", async () => {
    const fixture = await sshFixture(new OkServer())
    await fixture.listener.close()
    assert.equal(
      await faultOf(connectNetconfSsh({ ...fixture.target })).catch(String),
      "operation-failed node-unreachable",
    )
    await fixture.close()
  })
})

describe("a subscriber that stops reading (N5)", () => {
  for (const unread of ["SSH channel", "TCP connection"] as const)
    it(`loses its connection and others hear everything: ${unread} unread`, async () => {
      const server = new NetconfServer({
        backend: new DepotBackend(),
        initial: {},
        clock: systemClock,
        limits: { maxNotificationBacklogBytes: 1_000_000 },
      })
      const fixture = await sshFixture(server)
      try {
        const socket = connect(fixture.listener.port, "127.0.0.1")
        const client = await logIn(fixture, socket)
        const channel = await openNetconf(client)
        channel.write(`${HELLO_1_0}${rpc("create-subscription", NOTIFICATION_NS)}]]>]]>`)
        await untilHeard(channel, "<ok/>")
        // Either the channel is not read, so the SSH window closes, or the socket, so TCP's does.
        if (unread === "TCP connection") socket.pause()
        else channel.pause()
        const good = await connectNetconfSsh(fixture.target)
        await good.createSubscription()
        let heard = 0
        const reader = (async () => {
          for await (const { event } of good.notifications) if (event.name !== "") heard++
        })()
        let sent = 0
        while (server.sessions.length > 1 && sent < 200_000) {
          for (let i = 0; i < 200; i++, sent++)
            server.notify({ "depot:shelf-empty": { id: "x".repeat(200) } })
          await new Promise((resolve) => setImmediate(resolve))
        }
        assert.equal(server.sessions.length, 1, "the stalled session was never ended")
        while (fixture.listener.connections() > 1)
          await new Promise((resolve) => setTimeout(resolve, 20))
        await good.close()
        await reader
        assert.equal(heard, sent)
        socket.destroy()
      } finally {
        await fixture.close()
      }
    })
})

const NOTIFICATION_NS = "urn:ietf:params:xml:ns:netconf:notification:1.0"

function rpc(operation: string, ns: string): string {
  return `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><${operation} xmlns="${ns}"/></rpc>`
}

function logIn(fixture: SshFixture, sock: Socket): Promise<ssh2.Client> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    client.once("ready", () => {
      resolve(client)
    })
    client.on("error", reject)
    client.connect({ sock, username: USER, privateKey: fixture.userKey.privateKey })
  })
}

function openNetconf(client: ssh2.Client): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.subsys("netconf", (error, channel) => {
      if (error === undefined) resolve(channel)
      else reject(error)
    })
  })
}

function untilHeard(channel: ClientChannel, text: string): Promise<void> {
  let heard = ""
  return new Promise((resolve) => {
    const listen = (bytes: Buffer): void => {
      heard += bytes.toString()
      if (!heard.includes(text)) return
      channel.off("data", listen)
      resolve()
    }
    channel.on("data", listen)
  })
}
