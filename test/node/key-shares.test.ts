// Keys shared over several paths, and relay schemes, between real key managers: all or nothing, by site policy.

import assert from "node:assert/strict"
import { recover, takeOver } from "./bad-relay.js"
import { KeyMesh, SQUARE } from "./key-mesh.js"

describe("keys shared over disjoint paths", () => {
  let net: KeyMesh
  async function mesh(terms: KeyMesh["terms"], epsilon?: number): Promise<void> {
    net = new KeyMesh(SQUARE)
    net.terms = terms
    net.epsilon = epsilon
    await net.start()
    await net.feed(4, 16_384)
  }
  afterEach(async () => {
    recover()
    await net.close()
  })

  it("R1: are the same at both ends, and no relay has one of them", async () => {
    await mesh({ keyCombination: "all" })
    const passed: Buffer[] = []
    for (const relay of [1, 2])
      takeOver(net.id(relay), ({ secret }) => {
        secret.use((bytes) => passed.push(Buffer.from(bytes)))
        return "send"
      })
    const [made, taken] = await net.exchange(20)
    assert.deepEqual(made, taken)
    assert.equal(new Set(made).size, 20)
    const seen = Buffer.concat(passed)
    assert.ok(seen.length >= 20 * 32)
    for (const key of made) assert.equal(seen.includes(Buffer.from(key, "hex")), false)
    // The control: over one path the relay has them all.
    net.terms = {}
    net.configure()
    passed.length = 0
    takeOver(net.id(1), ({ secret }) => {
      secret.use((bytes) => passed.push(Buffer.from(bytes)))
      return "send"
    })
    const [open] = await net.exchange(3)
    for (const key of open)
      assert.equal(Buffer.concat(passed).includes(Buffer.from(key, "hex")), true)
  })

  it("cost each path what they would cost it alone", async () => {
    await mesh({ keyCombination: "all" })
    await net.exchange(4)
    for (const [index, [a, b]] of SQUARE.links.entries()) {
      const id = net.linkIds[index] ?? ""
      const figures = net.manager(a).poolFigures(id)
      const { relayedBits: _, ...far } = net.manager(b).poolFigures(id) ?? { relayedBits: 0n }
      const { relayedBits: __, ...near } = figures ?? { relayedBits: 0n }
      assert.deepEqual(near, far)
      assert.equal(figures?.consumedBits, 4n * 256n)
      assert.equal(figures.authenticationBits, 256n + 512n)
    }
    assert.equal(net.manager(3).waitingKeys, 0)
  })

  it("come with the sum of what their links may leak, at both ends alike", async () => {
    await mesh({ keyCombination: "all" }, 1e-10)
    const made = await net.make(2)
    const [first] = await net.take(made.map(({ keyId }) => keyId))
    assert.equal(first?.epsilon, made[0]?.epsilon)
    // Two paths of two hops; each hop touches one block or two.
    assert.ok((first?.epsilon ?? 0) > 3.99e-10 && (first?.epsilon ?? 1) < 8.01e-10)
  })

  it("have none to tell where a link's is not known", async () => {
    await mesh({})
    const [made] = await net.make(1)
    assert.ok(made !== undefined)
    assert.equal(made.epsilon, undefined)
    const [taken] = await net.take([made.keyId])
    assert.equal(taken?.epsilon, undefined)
  })

  it("are not made when one of the paths cannot be used", async () => {
    await mesh({ keyCombination: "all" })
    const config = net.configOf(0)
    const links = config.links.map((link) =>
      link.qkdlId === net.pathIds[1] ? { ...link, enabled: false } : link,
    )
    net.manager(0).configure({ ...config, links })
    await assert.rejects(net.make(1), { appTag: "no-path" })
    assert.equal(net.manager(3).waitingKeys, 0)
    net.configure()
    const [made, taken] = await net.exchange(1)
    assert.deepEqual(made, taken)
  })

  it("are refused by the far end when it knows of more paths than the source uses, or of fewer", async () => {
    await mesh({ keyCombination: "all" })
    net.terms = {}
    net.manager(0).configure(net.configOf(0))
    await assert.rejects(net.make(1))
    net.terms = { keyCombination: "all" }
    net.manager(0).configure(net.configOf(0))
    net.terms = {}
    net.manager(3).configure(net.configOf(3))
    await assert.rejects(net.make(1))
    assert.equal(net.manager(3).waitingKeys, 0)
  })

  it("are all or nothing: nothing is kept of shares of which one is missing", async () => {
    await mesh({ keyCombination: "all" })
    takeOver(net.id(2), () => "drop")
    await assert.rejects(net.make(3), { appTag: "no-path" })
    assert.equal(net.manager(3).waitingKeys, 0)
    recover()
    const [made, taken] = await net.exchange(2)
    assert.deepEqual(made, taken)
  })
})

describe("a site policy that asks for disjoint paths or names schemes", () => {
  let net: KeyMesh
  beforeEach(async () => {
    net = new KeyMesh(SQUARE)
    await net.start()
    await net.feed(4, 4096)
  })
  afterEach(async () => {
    await net.close()
  })
  const set = (node: number, faults: object): void => {
    Object.assign(net.faults[node] ?? {}, faults)
  }

  it("refuses keys over fewer paths, at the source and at the destination", async () => {
    for (const node of [0, 3]) {
      set(node, { minDisjointPaths: 2 })
      await assert.rejects(net.make(1), { appTag: "policy" })
      set(node, { minDisjointPaths: 1 })
    }
    set(0, { minDisjointPaths: 2 })
    set(3, { minDisjointPaths: 2 })
    net.terms = { keyCombination: "all" }
    net.configure()
    const [made, taken] = await net.exchange(2)
    assert.deepEqual(made, taken)
    set(3, { minDisjointPaths: 3 })
    await assert.rejects(net.make(1), { appTag: "policy" })
  })

  it("is kept at every hop: a scheme that a relay's site does not allow does not pass it", async () => {
    net.terms = { relayScheme: "destination-combines" }
    net.configure()
    const [made, taken] = await net.exchange(2)
    assert.deepEqual(made, taken)
    for (const node of [0, 1, 3]) {
      set(node, { relaySchemes: ["hop-by-hop"] })
      await assert.rejects(net.make(1), { appTag: "policy" })
      set(node, { relaySchemes: ["hop-by-hop", "destination-combines"] })
    }
    const [again, same] = await net.exchange(1)
    assert.deepEqual(again, same)
  })
})
