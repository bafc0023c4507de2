// What preloading asks of a key manager that allows few keys a request: real requests, to one that is not ours.

import assert from "node:assert/strict"
import { KeyManagerSource } from "../../src/consumer/hsm-source.js"
import type { Etsi014Client } from "../../src/etsi014/client.js"
import type { DeliveredKey } from "../../src/etsi014/key-container.js"
import { isQkdError } from "../errors-helper.js"
import { freshDir, removeDir } from "../support/demo.js"
import { etsi014ClientOf, IndependentKme, type KmeAccess } from "../support/independent-kme.js"

describe("a key manager that gives few keys a request", () => {
  const dir = freshDir()
  let kme: IndependentKme
  const clients: Etsi014Client[] = []

  function source(access: KmeAccess): KeyManagerSource {
    const client = etsi014ClientOf(access, 60_000)
    clients.push(client)
    return new KeyManagerSource(client)
  }
  const idsOf = (keys: readonly DeliveredKey[]): string[] => keys.map(({ keyId }) => keyId)
  const wipe = (keys: readonly DeliveredKey[]): void => {
    for (const { key } of keys) key.wipe()
  }

  beforeEach(async () => {
    kme = await IndependentKme.start(dir, ["vault-a", "vault-b"])
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await kme.stop()
  })
  after(() => {
    removeDir(dir)
  })

  it("gives as many as are wanted, in several requests, at both ends", async () => {
    await kme.order("most 10")
    const [a, b] = [source(kme.access[0]), source(kme.access[1])]
    const made = await a.make("vault-b", 25, 256)
    assert.equal(new Set(idsOf(made)).size, 25)
    const taken = await b.take("vault-a", idsOf(made))
    assert.deepEqual(idsOf(taken), idsOf(made))
    wipe([...made, ...taken])
    assert.equal(await kme.order("count"), "25 25")
  })

  it("is asked again how many those are when it refuses what it allowed before", async () => {
    const a = source(kme.access[0])
    wipe(await a.make("vault-b", 25, 256))
    await kme.order("most 10")
    await assert.rejects(a.make("vault-b", 25, 256), isQkdError("invalid-value"))
    const made = await a.make("vault-b", 25, 256)
    assert.equal(made.length, 25)
    wipe(made)
  })

  it("refuses keys by id as a whole where one of them is unknown", async () => {
    await kme.order("most 2")
    const [a, b] = [source(kme.access[0]), source(kme.access[1])]
    const made = await a.make("vault-b", 3, 256)
    wipe(made)
    const unknown = "00000000-0000-4000-8000-000000000000"
    const ids = [unknown, ...idsOf(made)]
    await assert.rejects(b.take("vault-a", ids), isQkdError("data-missing"))
    assert.equal(await kme.order("count"), "3 0")
  })

  it("that runs dry between two requests gives what it has given", async () => {
    let asked = 0
    const kept: DeliveredKey[] = []
    const real = source(kme.access[0])
    const dry = new KeyManagerSource({
      status: () => clients[0]?.status("vault-b") ?? Promise.reject(new Error("no client")),
      encKeys: async (saeId, request) => {
        if (asked++ === 1) await kme.order("empty")
        const given = await clients[0]?.encKeys(saeId, request)
        kept.push(...(given ?? []))
        return given ?? []
      },
      decKeys: () => Promise.reject(new Error("not asked")),
    })
    await kme.order("most 10")
    const made = await dry.make("vault-b", 25, 256)
    assert.deepEqual(idsOf(made), idsOf(kept))
    assert.equal(made.length, 10)
    wipe(made)
    await assert.rejects(real.make("vault-b", 1, 256), isQkdError("resource-denied"))
  })
})
