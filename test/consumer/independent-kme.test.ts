// Our 014 client against key managers that are not ours, and curl against them too: what the consumers' tests lean on.

import assert from "node:assert/strict"
import type { Etsi014Client } from "../../src/etsi014/client.js"
import { isQkdError } from "../errors-helper.js"
import { curl, freshDir, type KeyContainer, removeDir } from "../support/demo.js"
import { etsi014ClientOf, IndependentKme, type KmeAccess } from "../support/independent-kme.js"

describe("a key manager of another maker", () => {
  let kme: IndependentKme
  let dir: string
  const clients: Etsi014Client[] = []

  beforeEach(async () => {
    dir = freshDir()
    kme = await IndependentKme.start(dir, ["gate-a", "gate b/2"])
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await kme.stop()
    removeDir(dir)
  })

  function client(access: KmeAccess): Etsi014Client {
    const made = etsi014ClientOf(access, 5000)
    clients.push(made)
    return made
  }

  it("gives our client the same keys at both ends, once", async () => {
    const [a, b] = [client(kme.access[0]), client(kme.access[1])]
    const enc = await a.encKeys("gate b/2", { number: 2, keySizeBits: 256 })
    const ids = enc.map(({ keyId }) => keyId)
    const dec = await b.decKeys("gate-a", ids)
    for (const [i, { key }] of enc.entries())
      assert.ok(
        key.use((one) => dec[i]?.key.use((other) => Buffer.from(one).equals(Buffer.from(other)))),
      )
    await assert.rejects(b.decKeys("gate-a", ids), isQkdError("data-missing"))
    assert.equal((await a.status("gate b/2")).keySizeBits, 256)
    assert.equal(await kme.order("count"), "2 2")
  })

  it("gives curl a key too, and refuses whom the key is not for", async () => {
    const [a, b] = kme.access
    const url = `https://127.0.0.1:${a.port}/api/v1/keys/${encodeURIComponent("gate b/2")}`
    const enc = await curl({ ...a, node: "a" }, `${url}/enc_keys?size=128`)
    assert.equal(enc.status, 200, enc.body)
    const [made] = (JSON.parse(enc.body) as KeyContainer).keys
    assert.equal(Buffer.from(made?.key ?? "", "base64").length, 16)
    const far = `https://127.0.0.1:${b.port}/api/v1/keys`
    const dec = `dec_keys?key_ID=${made?.key_ID ?? ""}`
    assert.equal((await curl({ ...b, node: "b" }, `${far}/somebody/${dec}`)).status, 401)
    assert.equal((await curl({ ...b, node: "b" }, `${far}/gate-a/${dec}`)).status, 200)
    assert.equal((await curl({ ...b, node: "b" }, `${far}/gate-a/${dec}`)).status, 400)
  })

  it("fails as it is told to: stopped, empty, wrong bytes, lost answers", async () => {
    const [a, b] = [client(kme.access[0]), client(kme.access[1])]
    await kme.order("stop kme-b")
    await assert.rejects(b.status("gate-a"), isQkdError("operation-failed", "node-unreachable"))
    await kme.order("start kme-b")
    await b.status("gate-a")
    await kme.order("empty")
    await assert.rejects(a.encKeys("gate b/2"), isQkdError("resource-denied"))
    await kme.order("fill")
    await kme.order("lose 1")
    await assert.rejects(a.encKeys("gate b/2"), isQkdError("operation-failed", "node-unreachable"))
    await kme.order("wrong 1")
    const [enc] = await a.encKeys("gate b/2")
    const [dec] = await b.decKeys("gate-a", [enc?.keyId ?? ""])
    assert.ok(
      enc?.key.use((one) => dec?.key.use((other) => !Buffer.from(one).equals(Buffer.from(other)))),
    )
  })
})
