// Strangers and impostors at the port where key managers meet (THREATS N2, N5): without certificate, with one that is
// good elsewhere, with another site's stolen one. They hear nothing, and the relay path goes on.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import tls from "node:tls"
import { type Demo, freshDir, removeDir, rest, root, saeNamed, startDemo } from "../support/demo.js"
import { Witness } from "../support/hostile-bystander.js"
import { foreign, selfSigned, type Shown } from "../support/hostile-certificates.js"
import { relayPortOf } from "../support/hostile-sockets.js"

interface Heard {
  readonly bytes: Buffer
  /** The other end let go by itself. */
  readonly closed: boolean
}

/** Connects, says `words` once the handshake is over, and listens until the end or so many bytes, a minute at most. */
function visit(
  port: number,
  shown: Shown | undefined,
  words: Uint8Array,
  options: tls.ConnectionOptions = {},
  mostBytes = Number.POSITIVE_INFINITY,
): Promise<Heard> {
  return new Promise((resolve) => {
    const bytes: Buffer[] = []
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      ...(shown === undefined
        ? {}
        : { cert: readFileSync(shown.certFile), key: readFileSync(shown.keyFile) }),
      ...options,
    })
    const done = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ bytes: Buffer.concat(bytes), closed })
    }
    const timer = setTimeout(() => {
      done(false)
    }, 60_000)
    socket.on("error", () => undefined)
    socket.on("data", (chunk: Buffer) => {
      bytes.push(chunk)
      if (Buffer.concat(bytes).length >= mostBytes) done(false)
    })
    socket.once("close", () => {
      done(true)
    })
    socket.once("secureConnect", () => {
      if (words.length > 0) socket.write(words)
    })
  })
}

/** [u32 length][u8 kind][body], as key managers frame. */
function frame(kind: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(1 + body.length, 0)
  head.writeUInt8(kind, 4)
  return Buffer.concat([head, body])
}

describe("hostile peers at the relay port", function () {
  this.timeout(180_000)
  let demo: Demo
  let witness: Witness
  const dir = freshDir()

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    witness = await Witness.of(demo, [["sae-Windhof", "sae-Betzdorf"]])
  })
  after(async () => {
    await witness.close()
    await demo.stop()
    removeDir(dir)
  })

  const port = (name = "Kirchberg"): number => relayPortOf(demo, name)
  const idOf = (name: string): string =>
    (demo.file.nodes.find((n) => n.name === name) ?? assert.fail()).qkdnId
  const relayOf = (name: string): Shown => {
    const home = path.join(dir, "nodes", name.toLowerCase())
    return {
      certFile: path.join(home, "relay-cert.pem"),
      keyFile: path.join(home, "relay-key.pem"),
    }
  }
  const linksActive = async (): Promise<void> => {
    const { body } = await rest(demo, "GET", "/network")
    const { links } = body as { links: { status: string }[] }
    assert.deepEqual(
      links.map((l) => l.status),
      demo.file.links.map(() => "ACTIVE"),
    )
  }

  it("lets a neighbour's own certificate in, or nothing below would mean anything", async () => {
    // The hello of a key manager is longer than that; it names itself at its beginning.
    const { bytes } = await visit(port(), relayOf("Windhof"), Buffer.alloc(0), {}, 64)
    assert.equal(bytes.readUInt8(4), 0, "a hello comes")
    assert(bytes.includes(idOf("Kirchberg")))
  })

  const strangers: [string, () => Shown | undefined, tls.ConnectionOptions?][] = [
    ["no certificate", () => undefined],
    ["an SAE's certificate", () => saeNamed(demo, "sae-Kirchberg")],
    [
      "the node's own delivery certificate",
      () => ({
        certFile: path.join(dir, "nodes/kirchberg/etsi014-cert.pem"),
        keyFile: path.join(dir, "nodes/kirchberg/etsi014-key.pem"),
      }),
    ],
    ["the node's own relay certificate", () => relayOf("Kirchberg")],
    ["a self-signed certificate with a neighbour's id", () => selfSigned(dir, idOf("Windhof"))],
    [
      "a neighbour's id from a foreign authority",
      () => foreign(dir, idOf("Windhof"), `urn:keyloom:node:${idOf("Windhof")}`),
    ],
    [
      "a neighbour's certificate over TLS 1.2",
      () => relayOf("Windhof"),
      { maxVersion: "TLSv1.2", minVersion: "TLSv1.2" },
    ],
  ]
  for (const [what, shown, options] of strangers) {
    it(`says nothing to a peer with ${what}, whatever it says`, async () => {
      for (const words of [Buffer.alloc(0), frame(0, randomBytes(64)), randomBytes(4096)]) {
        const heard = await visit(port(), shown(), words, options)
        assert(heard.closed, "it is let go")
        assert.equal(heard.bytes.length, 0, heard.bytes.toString("latin1"))
      }
    })
  }

  it("says nothing to a site that is no neighbour, though the policy knows it", async () => {
    const heard = await visit(port("Betzdorf"), relayOf("Windhof"), frame(0, randomBytes(64)))
    assert.deepEqual([heard.closed, heard.bytes.length], [true, 0])
  })

  const FRAMES = 10
  const garbage: [string, () => Uint8Array][] = [
    ["an empty frame", () => Buffer.alloc(4)],
    ["a frame of 4 GB", () => Buffer.from("ffffffff00", "hex")],
    ["a frame of no known kind", () => frame(200, Buffer.alloc(8))],
    ["a hello of random bytes", () => frame(0, randomBytes(200))],
    ["a hello of nothing", () => frame(0, Buffer.alloc(0))],
    ["no hello but a ping", () => frame(1, Buffer.alloc(0))],
    [
      "every kind of frame at once",
      () => Buffer.concat(Array.from({ length: FRAMES }, (_, i) => frame(i, randomBytes(300)))),
    ],
    ["a web request", () => Buffer.from("POST / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ]
  for (const [what, words] of garbage) {
    it(`lets go of a neighbour's certificate that brings ${what}`, async () => {
      const heard = await visit(port(), relayOf("Windhof"), words())
      assert(heard.closed)
      assert(heard.bytes.length < 1024, "its own hello and a farewell, no more")
    })
  }

  it("lets go of a neighbour's certificate under a false name, and of one that stays mute", async () => {
    const body = (qkdnId: string): Buffer => {
      const id = Buffer.from(qkdnId)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(id.length)
      return Buffer.concat([Buffer.from([1]), length, id, randomBytes(300)])
    }
    for (const words of [frame(0, body(idOf("Betzdorf"))), Buffer.alloc(0)]) {
      const heard = await visit(port(), relayOf("Windhof"), words)
      assert(heard.closed)
    }
  })

  it("harm nobody: the honest connections stand, the links generate, keys pass the relay", async () => {
    await witness.unharmed()
    await linksActive()
  })

  it("harm nobody with two hundred handshakes broken off", async () => {
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        visit(port(), i % 2 === 0 ? undefined : saeNamed(demo, "sae-Windhof"), randomBytes(32)),
      ),
    )
    await witness.unharmed()
    await linksActive()
  })
})
