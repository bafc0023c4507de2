// A fibre of the demo network is cut while an IPsec tunnel lives on its keys: the stock lasts for a while, then the
// tunnel stands on its last key, and gets new ones by itself when the fibre is mended.

import assert from "node:assert/strict"
import path from "node:path"
import { IpsecLab } from "../../examples/lab/ipsec-lab.js"
import type { KmeAccess } from "../../examples/lab/key-managers.js"
import { whyNoLab } from "../../examples/lab/namespaces.js"
import { reaches } from "../../examples/lab/traffic.js"
import {
  type Demo,
  encKeys,
  fibre,
  freshDir,
  removeDir,
  root,
  saeNamed,
  startDemo,
} from "../support/demo.js"

const why = whyNoLab(["charon-systemd", "swanctl"])

describe("a cut fibre under an IPsec tunnel", function () {
  this.timeout(180_000)
  let dir: string
  let demo: Demo
  let lab: IpsecLab

  before(async function () {
    if (why !== undefined) {
      console.log(`      skipped: ${why}`)
      this.skip()
    }
    dir = freshDir()
    demo = await startDemo({
      dir: path.join(dir, "demo"),
      topology: path.join(root, "examples/luxembourg/topology.json"),
    })
    const access = (saeId: string): KmeAccess => {
      const sae = saeNamed(demo, saeId)
      const node = demo.file.nodes.find(({ name }) => name === sae.node)
      const { hostname, port } = new URL(node?.etsi014 ?? "")
      return { ...sae, host: hostname, port: Number(port) }
    }
    lab = await IpsecLab.start({
      dir,
      access: [access("sae-Windhof"), access("sae-Betzdorf")],
      terms: { interval_s: 1, policy: "required" },
    })
    lab.consumer.b.start()
    lab.consumer.a.start()
    await lab.consumer.a.is((s) => s.rotations >= 1, "the first key", 60_000)
  })
  after(async () => {
    if (why !== undefined) return
    await lab.stop()
    await demo.stop()
    removeDir(dir)
  })

  it("leaves it standing on its last key when the stock is used up, and new keys follow the mending", async () => {
    await fibre(demo, "cut", "Windhof", "Kirchberg")
    // Another application of the same pair takes what is left; the tunnel goes on meanwhile.
    for (let refused = 0, asked = 0; refused < 3; asked += 1) {
      assert.ok(asked < 3000, "the stock does not end")
      const answer = await encKeys(demo, "sae-Windhof", "sae-Betzdorf", { number: 128, size: 4096 })
      if (answer.status === 200) continue
      const small = await encKeys(demo, "sae-Windhof", "sae-Betzdorf", { number: 1, size: 256 })
      if (small.status !== 200) refused += 1
    }
    await lab.consumer.a.is(
      (s) => s.alarms.some(({ alarm }) => alarm === "no-key"),
      "no key",
      60_000,
    )
    const before = await lab.charon.a.swanctl("--list-sas", "--raw")
    assert.match(before, /ppk=yes/)
    const { highestGeneration } = (await lab.consumer.a.status()) ?? assert.fail()
    await lab.consumer.a.is((s) => s.highestGeneration > highestGeneration, "another try")
    assert.ok(await reaches(lab.namespaces.a, lab.namespaces.b))
    await fibre(demo, "mend", "Windhof", "Kirchberg")
    await lab.consumer.a.is(
      (s) => s.alarms.length === 0 && (s.current?.generation ?? 0) > highestGeneration,
      "keys flow again",
      90_000,
    )
    assert.ok(await reaches(lab.namespaces.a, lab.namespaces.b))
  })
})
