// The running configuration on disk: whole or not at all, and nobody else's.

import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { QkdError } from "../../src/errors.js"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import { lockFolder } from "../../src/node/dir-lock.js"
import { openConfigStore } from "../../src/node/config-store.js"
import { encodeXml } from "../../src/yang/xml.js"
import { APP, clientApp, FAR, nodeConfig } from "./agent-fixtures.js"
import { AgentSite, readState, schema } from "./agent-site.js"

describe("the running configuration on disk", () => {
  let dir = ""
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-store-"))
  })
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  const edit = encodeXml(schema(), nodeConfigToData(nodeConfig({ apps: [clientApp()] })))

  it("is there before an edit is answered, and found again with creation times", async () => {
    const first = await AgentSite.open({ store: await openConfigStore(dir) })
    const session = await first.client()
    await session.editConfig("running", edit)
    const slots = ["running.0", "running.1"].map((name) => path.join(dir, name))
    for (const slot of slots) assert.equal(statSync(slot).mode & 0o077, 0)
    const sequenceOf = (slot: string): number => Number(readFileSync(slot, "utf8").split(" ")[0])
    const [newer, older] = slots.sort((a, b) => sequenceOf(b) - sequenceOf(a))
    assert(newer !== undefined && older !== undefined)
    const written = readFileSync(newer, "utf8")
    assert.ok(written.includes(APP))
    const before = await readState(session)
    await first.close()
    // What a crash in the middle of the next write leaves behind.
    writeFileSync(older, written.replace(/^\d+/, "99").slice(0, written.length / 2))
    const second = await AgentSite.open({ store: await openConfigStore(dir) })
    try {
      const after = await readState(await second.client())
      assert.deepEqual(after.apps, before.apps)
      assert.deepEqual(after.links, before.links)
      assert.equal(second.below.configured.at(-1)?.apps[0]?.appId, APP)
    } finally {
      await second.close()
    }
  })

  it("that cannot be written makes the edit fail, and nothing changes", async () => {
    const store = await openConfigStore(dir)
    let full = false
    const site = await AgentSite.open({
      store: {
        load: () => store.load(),
        save: (config) => (full ? Promise.reject(new Error("no space left")) : store.save(config)),
        close: () => {
          store.close()
        },
      },
    })
    try {
      const session = await site.client()
      const before = await readState(session)
      const count = site.below.configured.length
      full = true
      await assert.rejects(session.editConfig("running", edit), QkdError)
      assert.deepEqual(await readState(session), before)
      assert.equal(site.below.configured.length, count)
      full = false
      await session.editConfig("running", edit)
      assert.equal((await readState(session)).apps.length, 1)
    } finally {
      await site.close()
    }
  })

  it("that is another node's, damaged, or not of this program is refused and left alone", async () => {
    const site = await AgentSite.open({ store: await openConfigStore(dir) })
    await site.close()
    await assert.rejects(
      AgentSite.open({ store: await openConfigStore(dir), qkdnId: FAR }),
      (error) => error instanceof QkdError && error.tag === "data-exists",
    )
    const slots = ["running.0", "running.1"].map((name) => path.join(dir, name))
    const good = slots.map((slot) => readFileSync(slot, "utf8")).find((text) => text !== "") ?? ""
    for (const text of [good.slice(0, 100), "{}", "1 abc\n{}", good.replace("qkdn_id", "id")]) {
      for (const slot of slots) writeFileSync(slot, text)
      await assert.rejects(async () => {
        await AgentSite.open({ store: await openConfigStore(dir) })
      }, QkdError)
      for (const slot of slots) assert.equal(readFileSync(slot, "utf8"), text)
    }
  })

  it("starts anew when the very first save was torn, and not when a later one was", async () => {
    writeFileSync(path.join(dir, "running.0"), "1 0000")
    const fresh = await openConfigStore(dir)
    assert.equal(await fresh.load(), undefined)
    const config = { running: {}, appCreatedAt: { a: "2026-01-01T00:00:00Z" } }
    await fresh.save({ ...config, appCreatedAt: {} })
    await fresh.save(config)
    fresh.close()
    const later = await openConfigStore(dir)
    await later.save({ ...config, appCreatedAt: {} })
    later.close()
    writeFileSync(path.join(dir, "running.1"), "2 torn")
    const again = await openConfigStore(dir)
    assert.deepEqual(await again.load(), config)
    again.close()
  })

  it("belongs to one process at a time, and to the next after a crash", async () => {
    const unlock = await lockFolder(dir)
    await assert.rejects(
      lockFolder(dir),
      (error) => error instanceof QkdError && error.tag === "in-use",
    )
    await unlock()
    for (const left of ["999999999 1", `${process.pid} 1`, "", "rubbish"]) {
      writeFileSync(path.join(dir, "lock"), left)
      await (await lockFolder(dir))()
    }
  })

  it("says that an interface is out when its module is no longer among the node's", async () => {
    const store = await openConfigStore(dir)
    const first = await AgentSite.open({ store })
    await first.close()
    const second = await AgentSite.open({ store, qkdiIds: [1, 2] })
    try {
      const past = second.agent.replay(0, Number.POSITIVE_INFINITY)
      assert.deepEqual(
        past.map(({ event }) => event),
        [{ "etsi-qkd-sdn-node:sdqkdn_interface_out": { qkd_interface: { qkdi_id: 3 } } }],
      )
      const { interfaces } = await readState(await second.client())
      assert.deepEqual(
        interfaces.map(({ qkdiId }) => qkdiId),
        [1, 2],
      )
    } finally {
      await second.close()
    }
  })
})
