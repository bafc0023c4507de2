// NETCONF over TLS (RFC 7589): both ends of ours, a plain Python client, openssl s_client, and clients who mean ill.

import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import net from "node:net"
import path from "node:path"
import tls from "node:tls"
import { fileURLToPath } from "node:url"
import { writeXml } from "../../src/yang/xml-tree.js"
import { NetconfTlsServer } from "../../src/transport/tls-server.js"
import { connectNetconfTls, type TlsTarget } from "../../src/transport/tls-client.js"
import { isQkdError } from "../errors-helper.js"
import { OkServer } from "./ssh-fixture.js"
import {
  entriesFor,
  makeCertificates,
  tlsFixture,
  type CertificateFolder,
  type TlsFixture,
} from "./tls-fixture.js"

const PEER = fileURLToPath(new URL("../interop/tls-peer.py", import.meta.url))
const HELLO =
  '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>'
const RPC = '<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="7"><get/></rpc>]]>]]>'

describe("NETCONF over TLS", function () {
  this.timeout(180_000)
  let folder: CertificateFolder
  let ok: OkServer
  let fixture: TlsFixture
  const closers: (() => Promise<void> | void)[] = []

  before(() => {
    folder = makeCertificates()
  })
  after(() => {
    folder.remove()
  })
  beforeEach(async () => {
    ok = new OkServer()
    fixture = await tlsFixture(folder, ok)
  })
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
    await fixture.server.close()
  })

  const names = (): string[] => ok.who.map(({ username }) => username)

  /** Resolves when the condition holds. */
  async function until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + 60_000
    while (!holds()) {
      assert(Date.now() < deadline, what)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  it("carries a session from hello to close, as the user the certificate maps to", async () => {
    for (const [certificate, username] of [
      ["ada", "ada"],
      ["mail", "Olga.B@ops.example"],
      ["address", "20010db8000000000000000000000001"],
    ] as const) {
      const session = await connectNetconfTls(fixture.target(certificate))
      assert.match(writeXml(await session.rpc("<get/>")), /<ok/)
      await session.close()
      assert.equal(names().at(-1), username)
    }
    assert.deepEqual(fixture.refusals, [])
  })

  it("carries large messages both ways", async () => {
    const session = await connectNetconfTls(fixture.target("ada"))
    const filler = `<!--${"x".repeat(3_000_000)}-->`
    assert.match(writeXml(await session.rpc(`<get>${filler}</get>`)), /<ok/)
    await session.close()
  })

  it("refuses a server whose key is not the pinned one, and sends it no message", async () => {
    const target = { ...fixture.target("ada"), serverKeySha256: "0".repeat(64) }
    await assert.rejects(connectNetconfTls(target), isQkdError("access-denied"))
    await until(() => ok.ended.length === ok.who.length, "the session at the server ends")
  })

  it("refuses a server of a foreign authority, even with the pinned key", async () => {
    const target = { ...fixture.target("ada"), caFile: folder.file("strangers.pem") }
    await assert.rejects(connectNetconfTls(target), isQkdError("access-denied"))
    assert.deepEqual(names(), [])
  })

  it("ends with the signal, and says that nobody is there where nobody is", async () => {
    const abort = new AbortController()
    const session = await connectNetconfTls(fixture.target("ada"), { signal: abort.signal })
    abort.abort()
    assert.equal((await session.closedReason).appTag, "closed")
    await fixture.server.close()
    await assert.rejects(
      connectNetconfTls(fixture.target("ada")),
      isQkdError("operation-failed", "node-unreachable"),
    )
  })

  it("does not begin with fingerprints of SHA-1 or MD5", () => {
    const [entry] = entriesFor(folder)
    assert(entry)
    assert.throws(
      () =>
        new NetconfTlsServer({
          server: ok,
          tls: {
            identity: {
              certificatePem: folder.pem("node.pem"),
              privateKeyPem: folder.pem("node.key"),
            },
            authorities: [folder.pem("operators.pem")],
          },
          certToName: [{ ...entry, fingerprint: `02:${"ab:".repeat(19)}ab` }],
        }),
      isQkdError("invalid-value"),
    )
  })

  describe("other clients", () => {
    const files = (name: string): string[] => [
      ...["127.0.0.1", String(fixture.port)],
      ...[`${name}.pem`, `${name}.key`, "nodes.pem"].map((file) => folder.file(file)),
    ]

    it("a plain Python client speaks NETCONF 1.1 over it", async () => {
      const out = await run("/usr/bin/python3", [PEER, ...files("ada")])
      assert.match(out.text, /good$/m, out.text)
      assert.deepEqual(names(), ["ada"])
    })

    it("openssl s_client speaks NETCONF 1.0 over it", async () => {
      const [, , cert = "", key = "", ca = ""] = files("ada")
      const args = ["s_client", "-quiet", "-connect", `127.0.0.1:${fixture.port}`]
      const out = await run(
        "openssl",
        [...args, "-cert", cert, "-key", key, "-CAfile", ca],
        HELLO + RPC,
      )
      assert.match(out.text, /<rpc-reply[^>]*message-id="7"[^>]*><ok\/>/, out.text)
    })
  })

  describe("clients who mean ill", () => {
    /** How a TLS client fares that sends `text`: what it hears, or that it was ended. */
    async function fares(options: tls.ConnectionOptions, text = HELLO): Promise<string> {
      const socket = tls.connect({
        ...{ host: "127.0.0.1", port: fixture.port, rejectUnauthorized: false },
        ...options,
      })
      closers.push(() => {
        socket.destroy()
      })
      socket.on("error", () => undefined)
      socket.write(text)
      let heard = ""
      socket.on("data", (bytes: Buffer) => (heard += bytes.toString("utf8")))
      await Promise.race([
        new Promise((resolve) => socket.once("close", resolve)),
        until(() => heard.includes("]]>]]>"), "an answer or an end"),
      ])
      return heard === "" ? "ended" : "heard"
    }
    const certificate = (name: string): tls.ConnectionOptions => ({
      cert: folder.pem(`${name}.pem`),
      key: folder.pem(`${name}.key`),
    })

    it("hears us with a good certificate (control)", async () => {
      assert.equal(await fares(certificate("ada")), "heard")
    })

    it("are ended without a certificate, with a foreign one, and with TLS 1.2", async () => {
      assert.equal(await fares({}), "ended")
      assert.equal(await fares(certificate("mallory")), "ended")
      assert.equal(await fares({ ...certificate("ada"), maxVersion: "TLSv1.2" }), "ended")
      assert.deepEqual(names(), [])
    })

    it("are ended when their certificate is good and maps to nobody", async () => {
      assert.equal(await fares(certificate("bare")), "ended")
      assert.deepEqual(names(), [])
      assert.deepEqual(fixture.refusals, [
        { address: "127.0.0.1", why: "no user by that certificate" },
      ])
    })

    it("are ended when they do not finish the handshake, or never speak TLS", async () => {
      await fixture.server.close()
      fixture = await tlsFixture(folder, ok, { handshakeTimeoutMs: 500 })
      const mute = net.connect(fixture.port, "127.0.0.1")
      const garbage = net.connect(fixture.port, "127.0.0.1")
      for (const socket of [mute, garbage]) {
        socket.on("error", () => undefined)
        socket.resume()
      }
      garbage.write("GET / HTTP/1.1\r\n\r\n")
      await Promise.all(
        [mute, garbage].map((s) => new Promise((resolve) => s.once("close", resolve))),
      )
      await until(() => fixture.server.connections() === 0, "no connection is left")
    })

    it("are ended for framing that is none, and others go on", async () => {
      const session = await connectNetconfTls(fixture.target("ada"))
      const hello11 = HELLO.replace("base:1.0</capability>", "base:1.1</capability>")
      for (const bad of ["\n#0\n", "\n#99999999999\n", "<rpc/>]]>]]>", "\n#-1\nx"]) {
        const socket = tls.connect({
          ...{ host: "127.0.0.1", port: fixture.port, rejectUnauthorized: false },
          ...certificate("ada"),
        })
        socket.on("error", () => undefined)
        socket.resume()
        socket.write(hello11 + bad)
        await new Promise((resolve) => socket.once("close", resolve))
      }
      assert.match(writeXml(await session.rpc("<get/>")), /<ok/)
      await session.close()
    })

    it("hold no more than their share of connections", async () => {
      await fixture.server.close()
      fixture = await tlsFixture(folder, ok, { maxConnectionsPerCertificate: 2 })
      const open = (): ReturnType<typeof connectNetconfTls> =>
        connectNetconfTls(fixture.target("ada"))
      const sessions = [await open(), await open()]
      await assert.rejects(open(), isQkdError("operation-failed", "node-unreachable"))
      const other: TlsTarget = fixture.target("mail")
      await (await connectNetconfTls(other)).close()
      for (const session of sessions) await session.close()
      // The server learns of an end a moment after its client does.
      await until(() => fixture.server.connections() === 0, "both are gone")
      await (await open()).close()
    })
  })

  /** Runs a program to its end, or until it says what we wait for. */
  async function run(program: string, args: string[], input = ""): Promise<{ text: string }> {
    assert.equal(
      spawnSync(program, ["--help"]).error,
      undefined,
      `${path.basename(program)} is here`,
    )
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] })
    let text = ""
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")))
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")))
    const ended = new Promise((resolve) => child.once("close", resolve))
    if (input !== "") child.stdin.write(input)
    await Promise.race([
      ended,
      until(() => text.includes("</rpc-reply>") || text.includes("<ok/>"), "a reply").catch(
        () => undefined,
      ),
    ])
    if (input === "") await ended
    child.kill()
    await ended
    return { text }
  }
})
