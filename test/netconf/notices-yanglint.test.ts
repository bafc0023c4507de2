// Every kind of notification that subscriptions and the server itself bring about, judged by yanglint as data of the
// standards' modules.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { notificationXml } from "../../src/netconf/messages.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { SERVER_MODULES } from "../support/server-modules.js"
import { needYanglint } from "../yang/fixture.js"
import { MODULE, NS, depot, depotXml, settle } from "./fixture.js"
import {
  ON_CHANGE,
  RUNNING,
  SHELVES,
  SN_NS,
  SubscribedBackend,
  establish,
  look,
  subtree,
} from "./subscribed-fixture.js"

const STREAM = "<stream>NETCONF</stream>"

/** Whole messages, as they come. */
function messages(client: NetconfClientSession): string[] {
  const got: string[] = []
  void (async () => {
    for await (const { eventTime, event } of client.notifications)
      got.push(notificationXml(eventTime, writeXml(event)))
  })()
  return got
}

function filters(colour: string): string {
  return `<filters xmlns="${SN_NS}"><stream-filter><name>f</name><stream-subtree-filter><shelf-empty xmlns="${NS}"><colour>${colour}</colour></shelf-empty></stream-subtree-filter></stream-filter></filters>`
}

describe("what a publisher tells", () => {
  it("is data of the models for yanglint, whatever it is", async function () {
    needYanglint(this)
    this.timeout(180_000)
    const backend = new SubscribedBackend()
    Object.assign(backend, {
      unconfirmed: { keep: () => Promise.resolve(), forget: () => Promise.resolve() },
    })
    const limits = { maxNotificationBacklogBytes: 40_000 }
    const network = depot(SHELVES, limits, backend, { candidate: true })
    const { client, toClient } = await network.connect()
    const editor = (await network.connect()).client
    const old = (await network.connect()).client
    const got = [messages(client), messages(old)]
    await old.createSubscription({ startTime: "2025-12-31T23:00:00Z" })
    await editor.editConfig("running", filters("red"))
    await establish(client, `${STREAM}<stream-filter-name>f</stream-filter-name>`)
    const start = new Date(network.clock.now() - 1000).toISOString()
    const all = await establish(client, `${STREAM}<replay-start-time>${start}</replay-start-time>`)
    await establish(client, RUNNING + subtree("<shelf/>") + ON_CHANGE)
    await editor.editConfig("running", filters("green"))
    await editor.editConfig(
      "running",
      depotXml("<shelf><id>c</id><place>1</place></shelf><name>x</name>"),
    )
    await look(network)
    await editor.editConfig("candidate", depotXml("<name>y</name>"))
    await editor.rpc("<commit><confirmed/><confirm-timeout>60</confirm-timeout></commit>")
    await editor.rpc("<commit/>")
    await settle()
    toClient.stalled = true
    for (let i = 0; i < 400; i++) {
      network.server.notify({ "depot:shelf-empty": { id: "a", colour: "red" } })
      if (i % 50 === 0) await settle()
    }
    toClient.stalled = false
    toClient.flow()
    await settle()
    await editor.rpc(`<kill-subscription xmlns="${SN_NS}"><id>${all}</id></kill-subscription>`)
    await editor.close()
    await settle()

    const kinds = new Map<string, string>()
    for (const message of got.flat())
      kinds.set(/<\/eventTime><([a-zA-Z-]+)/.exec(message)?.[1] ?? assert.fail(message), message)
    assert.deepEqual([...kinds.keys()].sort(), [
      "netconf-config-change",
      "netconf-confirmed-commit",
      "netconf-session-end",
      "netconf-session-start",
      "push-change-update",
      "push-update",
      "replay-completed",
      "replayComplete",
      "shelf-empty",
      "subscription-modified",
      "subscription-resumed",
      "subscription-suspended",
      "subscription-terminated",
    ])
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-notices-"))
    try {
      const module = path.join(dir, "depot@2026-01-01.yang")
      writeFileSync(module, MODULE)
      // Targets of changes, and filters and streams that are named, are instances, which yanglint wants to see.
      const data = path.join(dir, "data.xml")
      writeFileSync(data, (await client.get()).map(writeXml).join(""))
      for (const [kind, message] of kinds) {
        const file = path.join(dir, `${kind}.xml`)
        writeFileSync(file, message)
        const { status, stderr } = spawnSync(
          "yanglint",
          ["-t", "nc-notif", "-O", data, ...SERVER_MODULES, module, file],
          { encoding: "utf8" },
        )
        assert.equal(status, 0, `${message}\n${stderr}`)
      }
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
