// Known keys are looked for everywhere they must not be: logs, the controller's store, what nodes keep on disk, and
// everything that crosses a control connection. Raw, hex and base64. A planted key proves that the search finds.

import assert from "node:assert/strict"
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { spawn } from "node:child_process"
import {
  decKeys,
  type Demo,
  encKeys,
  eventually,
  freshDir,
  type KeyContainer,
  removeDir,
  startDemo,
  root,
} from "../support/demo.js"

function filesUnder(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const full = path.join(dir, name)
    const stat = statSync(full, { throwIfNoEntry: false })
    if (stat === undefined) return []
    return stat.isDirectory() ? filesUnder(full) : stat.isFile() ? [full] : []
  })
}

/** Every spelling a careless program might leave: raw bytes, hex in both cases, base64 in both alphabets. */
function spellings(key: Buffer): Buffer[] {
  const base64 = key.toString("base64")
  return [
    key,
    Buffer.from(key.toString("hex")),
    Buffer.from(key.toString("hex").toUpperCase()),
    Buffer.from(base64.replace(/=+$/, "")),
    Buffer.from(key.toString("base64url")),
  ]
}

function leaks(haystack: Buffer, keys: readonly Buffer[]): boolean {
  return keys.some((key) => spellings(key).some((needle) => haystack.includes(needle)))
}

describe("the bytes of delivered keys", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()
  const keys: Buffer[] = []
  let capture: ReturnType<typeof spawn> | undefined
  const captureFile = path.join(dir, "loopback.pcap")
  let captured = false

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    capture = spawn("tcpdump", ["-i", "lo", "-s", "0", "-U", "-w", captureFile, "tcp"], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    captured = await new Promise<boolean>((resolve) => {
      capture?.on("error", () => {
        resolve(false)
      })
      capture?.on("exit", () => {
        resolve(false)
      })
      capture?.stderr?.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("listening")) resolve(true)
      })
    })
    const ids = demo.file.saes.map((s) => s.saeId)
    for (const master of ids) {
      for (const slave of ids.filter((id) => id !== master)) {
        const enc = await encKeys(demo, master, slave, { number: 4 })
        assert.equal(enc.status, 200, enc.body)
        const made = (JSON.parse(enc.body) as KeyContainer).keys
        keys.push(...made.map((k) => Buffer.from(k.key, "base64")))
        // Half are fetched, half stay in the far node's store.
        if (master < slave)
          await decKeys(
            demo,
            slave,
            master,
            made.map((k) => k.key_ID),
          )
      }
    }
  })
  after(async () => {
    capture?.kill("SIGKILL")
    await demo.stop()
    removeDir(dir)
  })

  it("I2: are in no log, no store and no other file the network keeps", () => {
    const files = filesUnder(dir).filter((f) => f !== captureFile)
    assert(
      files.some((f) => f.includes("controller")),
      "the controller's store was searched",
    )
    assert(
      files.some((f) => f.endsWith(".log")),
      "logs were searched",
    )
    const found = files
      .filter((f) => leaks(readFileSync(f), keys))
      .map((f) => path.relative(dir, f))
    assert.deepEqual(found, [])
  })

  it("I2: would be found there: a planted key is", () => {
    const planted = path.join(dir, "logs", "planted.log")
    for (const spelling of spellings(keys[0] ?? assert.fail())) {
      writeFileSync(
        planted,
        Buffer.concat([Buffer.from("delivered key "), spelling, Buffer.from("\n")]),
      )
      const found = filesUnder(dir).filter((f) => f !== captureFile && leaks(readFileSync(f), keys))
      assert.deepEqual(found, [planted])
    }
    writeFileSync(planted, "")
  })

  it("I2: cross no connection in clear", async function () {
    if (!captured) {
      console.log("      skipped: tcpdump cannot capture here")
      this.skip()
    }
    // The positive control: one key sent in clear over loopback while the capture runs.
    const { createServer, connect } = await import("node:net")
    const control = Buffer.from("0123456789abcdeffedcba9876543210")
    const server = createServer((s) => s.resume())
    await new Promise<void>((done) =>
      server.listen(0, "127.0.0.1", () => {
        done()
      }),
    )
    const address = server.address()
    const socket = connect(
      typeof address === "object" && address !== null ? address.port : 0,
      "127.0.0.1",
    )
    socket.end(control)
    // What crossed before it has been captured when it has.
    await eventually(
      () => Promise.resolve(leaks(readFileSync(captureFile), [control]) || undefined),
      "the planted key is captured",
    )
    server.close()
    const packets = readFileSync(captureFile)
    assert(packets.length > 30_000, `only ${packets.length} bytes were captured`)
    assert(leaks(packets, [control]), "the planted key is found in the capture")
    assert(!leaks(packets, keys), "a key crossed in clear")
  })
})
