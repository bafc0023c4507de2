// A node that is killed while a commit waits for its confirmation (RFC 6241 section 8.4.1: reboot restores).

import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { openConfigStore } from "../../src/node/config-store.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { AgentSite } from "./agent-site.js"

/** Does the steps in a process, kills it, and reads where the node says it is when it is opened again. */
async function placeAfterKill(steps: readonly string[]): Promise<string | undefined> {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-confirm-"))
  const child = fork(fileURLToPath(new URL("confirm-child.ts", import.meta.url)), [dir, ...steps], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  })
  const gone = once(child, "exit")
  try {
    assert.deepEqual(await Promise.race([once(child, "message"), gone]), ["done", undefined])
    child.kill("SIGKILL")
    await gone
    return await placeIn(dir)
  } finally {
    child.kill("SIGKILL")
    rmSync(dir, { recursive: true, force: true })
  }
}

async function placeIn(dir: string): Promise<string | undefined> {
  const site = await AgentSite.open({ store: await openConfigStore(dir) })
  try {
    const config = await (await site.client()).getConfig("running")
    return /<qkdn_location_id>(.*?)</.exec(config.map(writeXml).join(""))?.[1]
  } finally {
    await site.close()
  }
}

describe("a node killed", function () {
  this.timeout(180_000)

  it("before a commit is confirmed is as before the first of them", async () => {
    assert.equal(await placeAfterKill(["plain attic", "confirmed roof"]), "attic")
    assert.equal(await placeAfterKill(["confirmed roof", "extend tower"]), "cellar")
  })

  it("after the confirmation is as confirmed, and after a cancelled commit as it was", async () => {
    assert.equal(await placeAfterKill(["confirmed roof", "confirm"]), "roof")
    assert.equal(await placeAfterKill(["plain attic", "confirmed roof", "cancel"]), "attic")
    assert.equal(await placeAfterKill(["confirmed roof", "confirm", "plain attic"]), "attic")
  })

  it("goes back once: what is edited after the start stays", async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-confirm-"))
    try {
      const store = await openConfigStore(dir)
      const site = await AgentSite.open({ store })
      const { running } = site.server.datastore
      await site.agent.unconfirmed.keep({ ...running })
      await site.close()
      assert.equal(await placeIn(dir), "cellar")
      const stored = await (await openConfigStore(dir)).load()
      assert.equal(stored?.before, undefined)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})
