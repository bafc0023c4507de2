// Every pair of SAEs of three real networks gets equal keys, driven by curl with certificates.

import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import {
  decKeys,
  type Demo,
  encKeys,
  eventually,
  freshDir,
  type KeyContainer,
  removeDir,
  startDemo,
} from "../support/demo.js"

const networks: [string, URL][] = [
  ["luxembourg", new URL("../../examples/luxembourg/topology.json", import.meta.url)],
  ["madqci-4node", new URL("../../../shared/data/topologies/madqci-4node.json", import.meta.url)],
  ["tokyo-2010", new URL("../../../shared/data/topologies/tokyo-2010.json", import.meta.url)],
]

for (const [name, url] of networks) {
  describe(`the ${name} network`, function () {
    this.timeout(180_000)
    let demo: Demo
    const dir = freshDir()

    before(async function () {
      if (!existsSync(url)) {
        console.log(`      skipped: ${name} is not here`)
        this.skip()
      }
      demo = await startDemo({ dir, topology: fileURLToPath(url) })
    })
    after(async () => {
      if (existsSync(url)) {
        assert.equal((await demo.stop()).code, 0)
      }
      removeDir(dir)
    })

    it("gives every ordered pair of SAEs the same key at both ends, once", async () => {
      const ids = demo.file.saes.map((s) => s.saeId)
      for (const master of ids) {
        for (const slave of ids.filter((id) => id !== master)) {
          // Links of some bit/s may have nothing left just now, and say so; nothing was given then.
          const enc = await eventually(async () => {
            const answer = await encKeys(demo, master, slave)
            return answer.status === 503 && answer.body.includes("pool-empty") ? undefined : answer
          }, `${master} has a key for ${slave}`)
          assert.equal(enc.status, 200, `${master} -> ${slave}: ${enc.body}`)
          const [made] = (JSON.parse(enc.body) as KeyContainer).keys
          assert(made !== undefined)
          assert.equal(Buffer.from(made.key, "base64").length, 32)
          const dec = await decKeys(demo, slave, master, [made.key_ID])
          assert.equal(dec.status, 200, `${slave} <- ${master}: ${dec.body}`)
          assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, [made])
          const again = await decKeys(demo, slave, master, [made.key_ID])
          assert.equal(again.status, 400)
        }
      }
    })

    it("gives several keys of another size in one call", async () => {
      const [first, second] = demo.file.saes.map((s) => s.saeId)
      assert(first !== undefined && second !== undefined)
      const enc = await encKeys(demo, first, second, { number: 3, size: 128 })
      assert.equal(enc.status, 200, enc.body)
      const { keys } = JSON.parse(enc.body) as KeyContainer
      assert.equal(new Set(keys.map((k) => k.key)).size, 3)
      assert(keys.every((k) => Buffer.from(k.key, "base64").length === 16))
      const dec = await decKeys(
        demo,
        second,
        first,
        keys.map((k) => k.key_ID),
      )
      assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, keys)
    })

    it("tells an SAE that asks for an unknown peer", async () => {
      const [first] = demo.file.saes.map((s) => s.saeId)
      const enc = await encKeys(demo, first ?? "", "sae-nowhere")
      assert.equal(enc.status, 400)
      assert.match(enc.body, /no KME has an SAE of this id/)
    })
  })
}
