// One key for several slaves (ETSI GS QKD 014, 6.2 and annex B): three real key managers in a row.
//
//   site 0: master, an SAE of its own   site 1: two SAEs   site 2: one SAE, reached through site 1

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import type { AppConfig } from "../../src/model/app.js"
import type { KeyManagerConfig, KeyOrder } from "../../src/node/ports.js"
import { hexOf, KeyNetwork, saeOf } from "./key-network.js"

class GroupNetwork extends KeyNetwork {
  readonly master = saeOf(this.site(0))
  readonly here = "sae-beside-the-master"
  readonly near = [saeOf(this.site(1)), "sae-second-of-site-1"] as const
  readonly far = saeOf(this.site(2))
  readonly nearApps = [randomUUID(), randomUUID()] as const
  /** Associations that a site does not have (yet). */
  readonly missing = new Set<string>()

  constructor() {
    super(3, { limits: { parkMs: 300 } })
    const owned = [[this.master, this.here], this.near, [this.far]]
    for (const [site, saes] of owned.entries())
      (this.faults[site] ?? {}).ownsSae = (id) => saes.includes(id)
  }

  override configOf(index: number): KeyManagerConfig {
    const { links, peers } = super.configOf(index)
    const apps: AppConfig[] = []
    if (index !== 1) apps.push(this.app(index))
    if (index !== 2) for (const at of [0, 1] as const) apps.push(this.nearApp(index, at))
    return {
      links,
      peers,
      apps: apps.filter(({ appId }) => !this.missing.has(`${index} ${appId}`)),
    }
  }

  nearApp(index: number, at: 0 | 1): AppConfig {
    return {
      ...this.app(0),
      appId: this.nearApps[at],
      clientAppIds: [this.near[at]],
      backingQkdlIds: [this.links[0] ?? ""],
      localQkdnId: this.site(index).qkdnId,
      remoteQkdnId: this.site(1 - index).qkdnId,
    }
  }

  order(count: number): KeyOrder {
    const slaves = [
      { saeId: this.far, appId: this.appId },
      { saeId: this.here },
      { saeId: this.near[0], appId: this.nearApps[0] },
      { saeId: this.near[1], appId: this.nearApps[1] },
    ]
    return { masterSaeId: this.master, slaves, count, keySizeBits: 256 }
  }

  consumedBits(link: number): bigint {
    return this.manager(link).poolFigures(this.links[link] ?? "")?.consumedBits ?? 0n
  }
}

describe("keys of a group", () => {
  let net: GroupNetwork

  beforeEach(async () => {
    net = new GroupNetwork()
    await net.start()
    await net.feed(4, 4096)
  })

  afterEach(() => net.close())

  const places = (): [number, string][] => [
    [2, net.far],
    [0, net.here],
    [1, net.near[0]],
    [1, net.near[1]],
  ]

  it("are the same for every slave: at two other sites, two at one of them, and beside the master", async () => {
    const made = await net.first.supplyKeys(net.order(3))
    const ids = made.map(({ keyId }) => keyId)
    for (const [site, sae] of places()) {
      const taken = await net.manager(site).takeKeys(sae, net.master, ids)
      assert.deepEqual(hexOf(taken), hexOf(made), sae)
      assert.equal(new Set(hexOf(taken)).size, 3)
      const again = net.manager(site).takeKeys(sae, net.master, ids)
      await assert.rejects(again, { tag: "data-missing" }, `${sae} gets them once`)
    }
    for (const site of [0, 1, 2]) assert.equal(net.manager(site).waitingKeys, 0)
  })

  it("go to each site once, over a path of its own: that is what is spent", async () => {
    await net.first.supplyKeys(net.order(4))
    // To site 1 once for its two SAEs, and through it to site 2.
    assert.deepEqual([net.consumedBits(0), net.consumedBits(1)], [2n * 1024n, 1024n])
  })

  it("are for nobody else: not for SAEs of these sites that were not named, nor by another master", async () => {
    const order = net.order(1)
    const slaves = order.slaves.filter(({ saeId }) => saeId !== net.near[1] && saeId !== net.here)
    const [made] = await net.first.supplyKeys({ ...order, slaves })
    const denied = { tag: "access-denied" }
    const ids = [made?.keyId ?? ""]
    await assert.rejects(net.manager(1).takeKeys(net.near[1], net.master, ids), denied)
    await assert.rejects(net.first.takeKeys(net.here, net.master, ids), { tag: "data-missing" })
    await assert.rejects(net.last.takeKeys(net.far, net.here, ids), denied)
    assert.equal((await net.last.takeKeys(net.far, net.master, ids)).length, 1)
  })

  it("are handed to nobody when one site does not take them, and what was sent is void", async () => {
    ;(net.faults[2] ?? {}).refusesPath = () => "not today"
    await assert.rejects(net.first.supplyKeys(net.order(2)), { appTag: "policy" })
    await net.until(() => [0, 1, 2].every((site) => net.manager(site).waitingKeys === 0))
    ;(net.faults[2] ?? {}).refusesPath = () => undefined
    assert.equal((await net.first.supplyKeys(net.order(2))).length, 2)
  })

  it("wait at a site for the association of its second SAE, and are void when it does not come", async () => {
    net.missing.add(`1 ${net.nearApps[1]}`)
    net.configureAll()
    const made = net.first.supplyKeys(net.order(1))
    setTimeout(() => {
      net.missing.clear()
      net.configureAll()
    }, 30)
    assert.equal((await made).length, 1)
    net.missing.add(`1 ${net.nearApps[1]}`)
    net.configureAll()
    await assert.rejects(net.first.supplyKeys(net.order(1)), { appTag: "no-path" })
  })

  it("are refused for a group that names one SAE twice, the master, or a stranger of another site", async () => {
    const order = net.order(1)
    const [far] = order.slaves
    if (far === undefined) throw new Error("no slave")
    for (const slaves of [
      [far, far],
      [far, { saeId: net.master }],
      [far, { saeId: "stranger" }],
      [far, { saeId: net.near[0], appId: randomUUID() }],
      [far, { saeId: "stranger", appId: net.nearApps[0] }],
      [],
    ])
      await assert.rejects(net.first.supplyKeys({ ...order, slaves }))
    await net.until(() => net.managers.every(({ waitingKeys }) => waitingKeys === 0))
  })
})
