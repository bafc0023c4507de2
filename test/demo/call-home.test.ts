// A controller that nobody can be reached by: its nodes call home, over SSH, and it drives them exactly as otherwise. The
// controller is the built program with the files an operator would write; the nodes are whole.

import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { writeControllerFiles } from "../../src/demo/controller-files.js"
import { isArray, isObject, parseJson, type JsonObject } from "../../src/yang/json-text.js"
import { Line } from "../node/node-line.js"
import { root } from "../support/demo.js"
import { freePort } from "../support/free-port.js"

const NODES = ["a", "b", "c"]

/** A configuration file with its container changed. */
function rewrite(file: string, container: string, change: (old: JsonObject) => object): void {
  const whole = parseJson(readFileSync(file, "utf8"))
  const old = isObject(whole) ? whole[container] : undefined
  assert(isObject(old), file)
  writeFileSync(file, JSON.stringify({ [container]: change(old) }))
}

describe("a network whose nodes call home", function () {
  this.timeout(180_000)
  let line: Line
  let controller: ChildProcess | undefined
  let output = ""
  let httpPort = 0
  let configFile = ""

  before(async () => {
    line = await Line.open(NODES)
    const homePort = await freePort()
    httpPort = await freePort()
    for (const { configFile: file } of line.files.nodes)
      rewrite(file, "keyloom-node-config:node", (old) => ({
        ...old,
        netconf: {
          ...(isObject(old["netconf"]) ? old["netconf"] : {}),
          call_home: [{ name: "controller", host: "127.0.0.1", port: homePort }],
        },
      }))
    const written = writeControllerFiles(line.dir, line.plan, line.files, httpPort)
    configFile = written.configFile
    rewrite(configFile, "keyloom-controller-config:controller", (old) => {
      const inventory = old["inventory_file"]
      assert(typeof inventory === "string")
      rewrite(inventory, "keyloom-controller-config:inventory", awaited)
      return { ...old, call_home: { ssh: { port: homePort } } }
    })
    for (const name of NODES) await line.start(name)
  })
  after(async () => {
    controller?.kill("SIGKILL")
    await line.close()
  })

  /** The inventory without a word on where a node is. */
  function awaited(inventory: JsonObject): object {
    const nodes = inventory["node"]
    assert(isArray(nodes))
    return {
      ...inventory,
      node: nodes.filter(isObject).map(({ host: _host, port: _port, ...node }) => ({
        ...node,
        call_home: true,
      })),
    }
  }

  function start(): void {
    const keyloom = path.join(root, "bin/keyloom.js")
    controller = spawn(process.execPath, [keyloom, "controller", "--config", configFile], {
      stdio: ["ignore", "pipe", "pipe"],
    })
    controller.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")))
    controller.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")))
  }

  async function reaches(): Promise<string[]> {
    const headers = { authorization: `Bearer ${line.plan.token}` }
    try {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/nodes`, { headers })
      const body: unknown = await answer.json()
      const text = JSON.stringify(body)
      return [...text.matchAll(/"reach":"(\w+)"/g)].map((found) => found[1] ?? "")
    } catch {
      return []
    }
  }

  async function allConnected(): Promise<void> {
    const deadline = Date.now() + 60_000
    for (;;) {
      const now = await reaches()
      if (now.length === NODES.length && now.every((reach) => reach === "connected")) return
      assert(Date.now() < deadline, `${now.join()}\n${output}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  it("connects to every node that called, and serves a pair never seen over a relay", async () => {
    start()
    await allConnected()
    await line.until("keys are there", async () => {
      const asked = await line.call("a", "sae-c/enc_keys")
      return asked.status === 200
    })
    const made = await line.call("a", "sae-c/enc_keys")
    const [key] = keysOf(made.body)
    assert(key)
    const taken = await line.call("c", "sae-a/dec_keys", { key_IDs: [{ key_ID: key.key_ID }] })
    assert.deepEqual(keysOf(taken.body)[0], key)
  })

  it("has them all back when the controller was killed and started again", async () => {
    const gone = new Promise((resolve) => controller?.once("exit", resolve))
    controller?.kill("SIGKILL")
    await gone
    start()
    await allConnected()
  })
})

interface Key {
  readonly key_ID: string
  readonly key: string
}

function keysOf(body: unknown): Key[] {
  assert(body !== null && typeof body === "object" && "keys" in body && Array.isArray(body.keys))
  return body.keys as Key[]
}
