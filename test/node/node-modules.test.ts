// The module host, with modules that do as they are told, fail, end, hang, and change links.

import assert from "node:assert/strict"
import { setImmediate as turn } from "node:timers/promises"
import { QkdError } from "../../src/errors.js"
import { Secret } from "../../src/keys/secret.js"
import { SILENT } from "../../src/node/log.js"
import { ModuleHost } from "../../src/node/modules.js"
import { Channel } from "../../src/plugin/channel.js"
import type {
  KeyBlock,
  LinkMeasurement,
  ModuleConfig,
  ModuleDescription,
  QkdModule,
  QkdModuleDriver,
} from "../../src/plugin/contract.js"
import { HandClock, physLink, TO_EAST, TO_WEST, EAST, WEST } from "./agent-fixtures.js"

class FakeModule implements QkdModule {
  readonly description: ModuleDescription = {
    model: "fake",
    technology: "DV-QKD",
    role: "TRANSCEIVER",
  }
  readonly configured: (ModuleConfig | null)[] = []
  readonly measurements = new Channel<LinkMeasurement>()
  readonly keys = new Channel<KeyBlock>()
  closed = false

  configure(desired: ModuleConfig | null): Promise<void> {
    this.configured.push(desired)
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.closed = true
    this.measurements.end()
    this.keys.end()
    return Promise.resolve()
  }

  block(id: string): KeyBlock {
    const block = { id, key: Secret.zero(32) }
    this.keys.push(block)
    return block
  }
}

class Site {
  readonly clock = new HandClock()
  readonly opened: FakeModule[] = []
  readonly said: string[] = []
  readonly stored: string[] = []
  /** Set: the next durable write waits for it. */
  gate: Promise<void> | undefined
  failure: Error | undefined
  open: () => Promise<FakeModule> = () => {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    const module = new FakeModule()
    this.opened.push(module)
    return Promise.resolve(module)
  }
  readonly driver: QkdModuleDriver = { name: "fake", contract: 1, open: () => this.open() }
  readonly host = new ModuleHost({
    modules: [{ qkdiId: 1, driver: "fake", process: "node", options: {} }],
    loadDriver: () => Promise.resolve(this.driver),
    addLinkKey: async (qkdlId, blockId, key) => {
      await this.gate
      this.stored.push(`${qkdlId} ${blockId}`)
      key.wipe()
    },
    onUp: (qkdiId) => {
      this.said.push(`up ${qkdiId}`)
      return Promise.resolve()
    },
    onDown: (qkdiId, reason) => this.said.push(`down ${qkdiId} ${reason}`),
    onMeasurement: (qkdlId, { skrBps }) => this.said.push(`rate ${qkdlId} ${skrBps}`),
    clock: this.clock,
    log: SILENT,
  })

  get module(): FakeModule {
    const module = this.opened.at(-1)
    assert.ok(module !== undefined, "no module is open")
    return module
  }
}

/** Lets everything that is ready happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turn()
}

describe("the module host", () => {
  it("tells a module its link, and carries its keys and measurements", async () => {
    const site = new Site()
    await site.host.start()
    site.host.configure([physLink(TO_WEST, 1, WEST, { role: "RECEIVER", wavelengthChannel: 34 })])
    await settle()
    assert.deepEqual(site.module.configured, [
      null,
      { enabled: true, qkdlId: TO_WEST, role: "RECEIVER", wavelengthChannel: 34 },
    ])
    site.module.block("k1")
    site.module.measurements.push({ generating: true, skrBps: 1000 })
    await settle()
    assert.deepEqual(site.stored, [`${TO_WEST} k1`])
    assert.deepEqual(site.said, ["up 1", `rate ${TO_WEST} 1000`])
    await site.host.close()
    assert.equal(site.module.closed, true)
  })

  it("asks for the next block once the last one is durable", async () => {
    const site = new Site()
    let release: () => void = () => undefined
    site.gate = new Promise((resolve) => {
      release = resolve
    })
    await site.host.start()
    site.host.configure([physLink(TO_WEST, 1, WEST)])
    await settle()
    for (const id of ["k1", "k2", "k3"]) site.module.block(id)
    await settle()
    assert.equal(site.module.keys.length, 2)
    release()
    await settle()
    assert.deepEqual(site.stored.length, 3)
    await site.host.close()
  })

  it("wipes blocks that come while the module serves no link", async () => {
    const site = new Site()
    await site.host.start()
    await settle()
    const block = site.module.block("k1")
    await settle()
    assert.equal(block.key.wiped, true)
    assert.deepEqual(site.stored, [])
    await site.host.close()
  })

  it("opens a module anew when it is to serve another link: no block goes to the wrong pool", async () => {
    const site = new Site()
    await site.host.start()
    site.host.configure([physLink(TO_WEST, 1, WEST)])
    await settle()
    const first = site.module
    let release: () => void = () => undefined
    site.gate = new Promise((resolve) => {
      release = resolve
    })
    first.block("k1")
    const late = first.block("k2")
    await settle()
    site.host.configure([physLink(TO_EAST, 1, EAST)])
    release()
    await settle()
    assert.equal(first.closed, true)
    assert.notEqual(site.module, first)
    site.module.block("k3")
    await settle()
    assert.deepEqual(site.stored, [`${TO_WEST} k1`, `${TO_EAST} k3`])
    assert.equal(late.key.wiped, true)
    assert.ok(!site.said.some((line) => line.startsWith("down")))
    await site.host.close()
  })

  it("reports a module that ends or breaks, and tries again, longer each time", async () => {
    const site = new Site()
    await site.host.start()
    site.module.keys.end()
    await settle()
    assert.deepEqual(site.said, ["up 1", "down 1 its key stream ended"])
    assert.equal(site.opened.length, 1)
    site.failure = new QkdError("operation-failed", "laser fault")
    site.clock.pass(250)
    await settle()
    assert.equal(site.said.at(-1), "down 1 laser fault")
    site.clock.pass(499)
    site.failure = undefined
    await settle()
    assert.equal(site.opened.length, 1)
    site.clock.pass(1)
    await settle()
    assert.equal(site.said.at(-1), "up 1")
    assert.equal(site.opened.length, 2)
    await site.host.close()
  })

  it("lives on when a module throws as it is closed", async () => {
    const site = new Site()
    await site.host.start()
    site.module.close = () => {
      throw new Error("no laser any more")
    }
    site.module.keys.end()
    await settle()
    assert.equal(site.said.at(-1), "down 1 its key stream ended")
    site.clock.pass(250)
    await settle()
    assert.equal(site.said.at(-1), "up 1")
    await site.host.close()
  })

  it("counts a module that does not open in time as failed, and closes it when it opens after all", async () => {
    const site = new Site()
    const slow = new FakeModule()
    let open: (module: FakeModule) => void = () => undefined
    site.open = () =>
      new Promise((resolve) => {
        open = resolve
      })
    const started = site.host.start()
    await settle()
    site.clock.pass(30_000)
    await started
    await settle()
    assert.match(site.said.at(-1) ?? "", /did not open/)
    open(slow)
    await settle()
    assert.equal(slow.closed, true)
    await site.host.close()
  })

  it("stops at once while a module is opening", async () => {
    const site = new Site()
    site.open = () => new Promise(() => undefined)
    const started = site.host.start()
    await settle()
    await site.host.close()
    await started
  })
})
