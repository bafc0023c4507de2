// A QKD module in a process of its own: the same contract, and a maker's code at arm's length.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { QkdModule } from "../../src/plugin/contract.js"
import { lendHost } from "../../src/plugin/host.js"
import { moduleChecks } from "../../src/plugin/index.js"
import { inOwnProcess } from "../../src/plugin/module-process.js"
import { isQkdError } from "../errors-helper.js"
import { makeTestLink } from "../plugins/simulated/bench.js"

/** Each of these waits for a fault or a stream, which passing a process could spoil. */
const CHECKS = [
  "refuses an option it does not know",
  "gives both ends the same blocks: same ids, same bytes, each once",
  "holds back for an end that is not read, and drops nothing of what the other got",
  "gives nothing after close, and takes no calls",
  "ends when its host is taken back",
]

describe("a module in a process of its own", () => {
  const simulated = inOwnProcess("simulated")
  const checks = moduleChecks(simulated, makeTestLink).filter(({ name }) => CHECKS.includes(name))
  assert.equal(checks.length, CHECKS.length)
  for (const check of checks) it(check.name, () => check.run()).timeout(60_000)
})

/** A package of a maker's, with this as the body of its `open`. */
const PACKAGE = JSON.stringify({
  name: "acme",
  type: "module",
  keyloom: { id: "acme", role: "qkd-module", contract: [1], entry: "./index.js" },
})
const MODULE = `
  const streams = { keys: { async *[Symbol.asyncIterator]() { await new Promise(() => {}) } } }
  const measured = { async *[Symbol.asyncIterator]() {
    yield { generating: true, skrBps: 1, reason: seen }
    await new Promise(() => {})
  } }
  return {
    description: { model: "A", technology: "DV-QKD", role: "TRANSCEIVER" },
    ...streams, measurements: measured, configure, close: async () => {},
  }`

describe("a maker's module", () => {
  let folder: string
  const opened: QkdModule[] = []

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "keyloom-acme-"))
    writeFileSync(path.join(folder, "package.json"), PACKAGE)
  })

  afterEach(async () => {
    for (const module of opened.splice(0)) await module.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(before: string, configure = "async () => {}"): Promise<QkdModule> {
    const code = `const configure = ${configure}
      async function open(target, host) { let seen = ""; ${before}; ${MODULE} }
      export default { name: "acme", contract: 1, open }`
    writeFileSync(path.join(folder, "index.js"), code)
    const { host } = lendHost({ log: () => undefined })
    const module = await inOwnProcess(folder).open({ qkdiId: 1, options: {} }, host)
    opened.push(module)
    return module
  }

  async function firstReason(module: QkdModule): Promise<string | undefined> {
    for await (const { reason } of module.measurements) return reason
    return undefined
  }

  it("that crashes ends its streams and its calls, and nothing else", async () => {
    const module = await open("", "async () => { process.kill(process.pid, 'SIGKILL') }")
    await assert.rejects(
      module.configure({ enabled: true, qkdlId: "l" }),
      isQkdError("operation-failed", "node-unreachable"),
    )
    for await (const _ of module.keys) assert.fail("a key from the dead")
  })

  it("that throws while it is opened is refused with its own words", async () => {
    await assert.rejects(open("throw new Error('laser is cold')"), /laser is cold/)
  })

  it("sees nothing of what the node was started with", async () => {
    process.env["KEYLOOM_SEALING_KEY"] = "not-for-you"
    try {
      const module = await open("seen = Object.keys(process.env).join(' ')")
      const names = (await firstReason(module)) ?? ""
      assert.match(names, /PATH/)
      assert.doesNotMatch(names, /KEYLOOM/)
    } finally {
      delete process.env["KEYLOOM_SEALING_KEY"]
    }
  })

  it("may print what it likes", async () => {
    const module = await open("console.log('x'.repeat(100000)); seen = 'still here'")
    assert.equal(await firstReason(module), "still here")
  })

  it("that gives more blocks than were asked for is ended", async () => {
    const header = '{"op":"key","blockId":"b"}'
    const module = open(`const { Buffer: B } = await import("node:buffer")
      const head = B.alloc(8); head.writeUInt32BE(${4 + header.length + 32}, 0); head.writeUInt32BE(${header.length}, 4)
      const one = B.concat([head, B.from('${header}'), B.alloc(32, 7)])
      ;(await import("node:fs")).writeSync(3, B.concat(Array(100).fill(one)))`)
    await assert.rejects(module, isQkdError("malformed-message"))
  })

  it("that talks nonsense on the pipe is ended", async () => {
    const module = await open(
      "(await import('node:fs')).writeSync(3, Buffer.alloc(64, 0xff))",
    ).catch((error: unknown) => error)
    // Whether its nonsense or its answer is read first is chance: in both cases nothing more comes of it.
    if (module instanceof Error) return
    assert.equal(await firstReason(module as QkdModule), undefined)
  })
})
