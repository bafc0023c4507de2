// What a user adds to a node of a demo stays over its restarts: faces, users, values; and key streams by a switch.

import assert from "node:assert/strict"
import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { connect } from "node:tls"
import { openFibres } from "../../src/demo/fibres.js"
import { writeNodeFiles } from "../../src/demo/files.js"
import { keepAdditions } from "../../src/demo/keep-additions.js"
import { planDemo } from "../../src/demo/plan.js"
import { readTopology } from "../../src/model/topology-file.js"
import { NODE_CONFIG_MODULES, type NodeSettings, readNodeConfig } from "../../src/node/config.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { isQkdError } from "../errors-helper.js"
import {
  type Demo,
  eventually,
  freshDir,
  removeDir,
  startDemo,
  writeTopology,
} from "../support/demo.js"

const NODE = "keyloom-node-config:node"

interface NodeMembers {
  readonly sealing_key_file: string
  readonly etsi014: object
  readonly netconf: { readonly user: readonly object[] }
  readonly module: readonly object[]
}

const PAIR = {
  name: "pair",
  nodes: [{ name: "a" }, { name: "b" }],
  links: [{ id: "a-b", a: "a", b: "b", lengthKm: 5, skrBps: 200_000 }],
}

describe("a node's file of a demo, written anew", () => {
  const dir = freshDir()
  after(() => {
    removeDir(dir)
  })

  async function write(): Promise<string> {
    const plan = await planDemo(dir, readTopology(JSON.stringify(PAIR), "pair.json"))
    const fibres = await openFibres(dir, [{ id: "a-b", lossDb: 1 }])
    const { nodes } = await writeNodeFiles(dir, plan, fibres)
    await fibres.close()
    return nodes[0]?.configFile ?? ""
  }
  const settingsIn = (file: string): NodeSettings =>
    readNodeConfig(
      loadYangFiles(NODE_CONFIG_MODULES),
      readFileSync(file, "utf8"),
      path.dirname(file),
    )
  function change(file: string, how: (node: NodeMembers) => object): void {
    const { [NODE]: node } = JSON.parse(readFileSync(file, "utf8")) as Record<string, NodeMembers>
    writeFileSync(file, JSON.stringify({ [NODE]: how(node ?? assert.fail()) }))
  }

  it("keeps faces, users, modules and values that were added, and says the rest itself", async () => {
    const file = await write()
    const first = settingsIn(file)
    const tls = { cert_file: "c.pem", key_file: "k.pem", ca_file: "ca.pem" }
    change(file, (node) => ({
      ...node,
      statistics_period_s: 7,
      etsi004: { host: "127.0.0.1", port: 4004, ...tls },
      etsi020: { host: "127.0.0.1", port: 4020, ...tls, mode: "synchronous" },
      etsi014: { ...node.etsi014, sae_identity: "san-uri", port: 1 },
      netconf: {
        ...node.netconf,
        user: [
          ...node.netconf.user,
          { name: "ann", public_key: ["ssh-ed25519 AAAA"], group: ["observer"] },
        ],
      },
      module: [...node.module, { qkdi_id: 9, driver: "etsi014", options: { some: "thing" } }],
    }))
    assert.equal(await write(), file)
    const again = settingsIn(file)
    assert.equal(again.statisticsPeriodS, 7)
    assert.equal(again.etsi004?.port, 4004)
    assert.deepEqual([again.etsi020?.port, again.etsi020?.mode], [4020, "synchronous"])
    assert.equal(again.etsi014.saeIdentity, "san-uri")
    assert.notEqual(again.etsi014.port, 1, "where it listens the plan says")
    const { users } = first.netconf
    assert.deepEqual(again.netconf.users.slice(0, users.length), users)
    assert.deepEqual(again.netconf.users.at(-1)?.name, "ann")
    assert.deepEqual(
      again.modules.map(({ qkdiId }) => qkdiId),
      [1, 9],
    )
    // What is written once more is the same.
    const text = readFileSync(file, "utf8")
    await write()
    const token = /"token": "[^"]*"|"plantPort": \d+/g
    assert.equal(readFileSync(file, "utf8").replace(token, ""), text.replace(token, ""))
  })

  it("leaves the sealing key where the user has put it", async () => {
    const file = await write()
    change(file, ({ sealing_key_file: _, ...node }) => ({
      ...node,
      sealing_key_variable: "SEAL",
    }))
    await write()
    assert.deepEqual(settingsIn(file).sealingKey, { kind: "variable", name: "SEAL" })
  })

  it("is not written over when it cannot be read", async () => {
    const file = await write()
    for (const text of ['{"keyloom-node-config:node": {', "[]", "{}"]) {
      writeFileSync(file, text)
      await assert.rejects(write(), isQkdError("invalid-value", undefined, `/${NODE}`))
      assert.equal(readFileSync(file, "utf8"), text)
    }
  })

  it("takes the demo's word where both say something", () => {
    assert.deepEqual(
      keepAdditions(
        { a: 1, box: { x: [1, 2], options: { new: true } }, module: [{ qkdi_id: 1, v: "new" }] },
        {
          a: 2,
          box: { x: [2, 3], y: 4, options: { old: true } },
          module: [{ qkdi_id: 1, v: "old" }, { qkdi_id: 2 }],
          more: [],
        },
      ),
      {
        a: 1,
        box: { x: [1, 2, 3], y: 4, options: { new: true } },
        module: [{ qkdi_id: 1, v: "new" }, { qkdi_id: 2 }],
        more: [],
      },
    )
  })
})

describe("a demo with key streams", function () {
  this.timeout(180_000)
  const dir = freshDir()
  let demo: Demo | undefined
  after(async () => {
    await demo?.stop()
    removeDir(dir)
  })

  /** OPEN_CONNECT with the certificate of `sae-a`. */
  function open(one: Demo): Promise<string> {
    const sae = one.file.saes.find(({ saeId }) => saeId === "sae-a") ?? assert.fail()
    const face = one.file.nodes.find(({ name }) => name === "a")?.etsi004 ?? assert.fail()
    return new Promise((resolve, reject) => {
      const socket = connect({
        ...{ host: face.host, port: face.port },
        cert: readFileSync(sae.certFile),
        key: readFileSync(sae.keyFile),
        ca: readFileSync(sae.caFile),
      })
      socket.once("error", reject)
      socket.once("data", (data: Buffer) => {
        resolve(data.toString("utf8"))
        socket.destroy()
      })
      const data = { source: "sae-a", destination: "sae-b", qos: { key_chunk_size: 32 } }
      socket.write(`${JSON.stringify({ command: "OPEN_CONNECT", data })}\n`)
    })
  }

  it("serves ETSI 004 at every node where it was asked for once, also after a restart", async () => {
    demo = await startDemo({ dir, topology: writeTopology(dir, PAIR), args: ["--etsi004"] })
    const faces = demo.file.nodes.map(({ etsi004 }) => etsi004)
    assert.ok(faces.every((face) => face !== undefined))
    for (const again of [false, true]) {
      if (again) {
        await demo.stop()
        demo = await startDemo({ dir })
        assert.deepEqual(
          demo.file.nodes.map(({ etsi004 }) => etsi004),
          faces,
        )
      }
      const running = demo
      await eventually(async () => {
        const { status, key_stream_id } = JSON.parse(await open(running)) as Record<string, unknown>
        return status === 1 && typeof key_stream_id === "string" ? true : undefined
      }, "a stream opens")
    }
  })
})
