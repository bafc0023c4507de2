// Rates at delivery: two real key managers, one link, several applications over it (THREATS T4, T5).

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import type { AppConfig, AppQos } from "../../src/model/app.js"
import type { KeyManagerConfig } from "../../src/node/ports.js"
import { KeyNetwork } from "./key-network.js"

class Shared extends KeyNetwork {
  /** By name; each has an application with the same far SAE. */
  qos: Record<string, AppQos> = {}
  readonly ids = new Map<string, string>()

  constructor(options: ConstructorParameters<typeof KeyNetwork>[1] = { durable: false }) {
    super(2, options)
    ;(this.faults[0] ?? {}).ownsSae = (sae) => sae in this.qos
  }

  idOf(name: string): string {
    const id = this.ids.get(name) ?? randomUUID()
    this.ids.set(name, id)
    return id
  }

  override configOf(index: number): KeyManagerConfig {
    const apps = Object.entries(this.qos).map(
      ([name, qos]): AppConfig => ({
        ...this.app(index),
        appId: this.idOf(name),
        serverAppId: name,
        qos,
      }),
    )
    return { ...super.configOf(index), apps }
  }

  async ask(name: string, count = 1): Promise<boolean> {
    try {
      await this.first.makeKeys(this.idOf(name), name, [this.saes[1]], count, 256)
      return true
    } catch {
      return false
    }
  }

  count(name: string): number {
    return this.first.deliverableCount(this.idOf(name), 256)
  }
}

describe("rates of applications on one link", () => {
  let net: Shared

  const begin = async (
    qos: Record<string, AppQos>,
    options?: ConstructorParameters<typeof KeyNetwork>[1],
  ): Promise<void> => {
    net = new Shared(options)
    net.qos = qos
    await net.start()
    await net.feed(4, 4096)
  }
  afterEach(() => net.close())

  it("T4: max_bandwidth is held: a burst of ten seconds, then refused in these words", async () => {
    await begin({ a: { maxBps: 256 }, b: {} })
    const asked: boolean[] = []
    for (let i = 0; i < 20; i++) asked.push(await net.ask("a"))
    const given = asked.filter((got) => got).length
    assert.ok(given >= 10 && given <= 12, `${given} keys of a burst`)
    const { first, saes } = net
    const more = first.makeKeys(net.idOf("a"), "a", [saes[1]], 4, 256)
    await assert.rejects(more, { appTag: "over-rate" })
    assert.ok(await net.ask("b", 20), "nobody else is bound by it")
  })

  it("T4: max_bandwidth is held by keys that lie ready, too", async () => {
    await begin({ a: { maxBps: 256 } }, { durable: false, limits: { stock: { maxKeys: 64 } } })
    const began = performance.now()
    let given = 0
    for (let i = 0; i < 20; i++) {
      if (i >= 2) await net.until(() => net.first.stockedKeys > 0)
      if (await net.ask("a")) given += 1
    }
    const most = 11 + (performance.now() - began) / 1000
    assert.ok(given >= 10 && given <= most, `${given} keys of a burst`)
  })

  it("T4: a restart gives no new burst", async () => {
    await begin({ a: { maxBps: 256 } }, { durable: true })
    assert.ok(await net.ask("a", 10))
    const delivered = net.first.deliveredBits(net.idOf("a"))
    await net.restart(0)
    assert.equal(await net.ask("a", 8), false)
    assert.equal(net.first.deliveredBits(net.idOf("a")), delivered, "and forgets no statistics")
  })

  it("T4: a greedy tenant leaves the others their floor", async () => {
    await begin({ modest: { minBps: 512 }, greedy: {} })
    // Its floor is saved up for a while.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    let taken = 0
    while (await net.ask("greedy", 16)) taken++
    while (await net.ask("greedy")) taken++
    assert.ok(taken > 10, "what is nobody's is its")
    assert.ok(await net.ask("modest", 3), "the floor is there")
    const { first, saes } = net
    const more = first.makeKeys(net.idOf("greedy"), "greedy", [saes[1]], 1, 256)
    await assert.rejects(more, { appTag: "pool-empty" })
  })

  it("T5: within its floor an application is told the same whatever others take", async () => {
    await begin({ modest: { minBps: 2560 }, greedy: {} })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const [before, at] = [net.count("modest"), performance.now()]
    assert.ok(before > 0)
    while (await net.ask("greedy", 16));
    while (await net.ask("greedy"));
    const saved = Math.ceil((10 * (performance.now() - at)) / 1000)
    assert.ok(net.count("modest") >= before && net.count("modest") <= before + saved + 1)
    assert.equal(net.count("greedy"), 0)
  })
})
