// Others' tools subscribe to a node's state over SSH: ncclient by raw rpcs, and a session written by hand. yanglint
// judges everything that the node tells.

import assert from "node:assert/strict"
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process"
import { existsSync, writeFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import { encodeXml } from "../../src/yang/xml.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { SERVER_MODULES } from "../support/server-modules.js"
import { nodeConfig, physLink, pool, TO_WEST, WEST } from "./agent-fixtures.js"
import { AgentSite, schema } from "./agent-site.js"

const here = import.meta.dirname
const etsi = path.resolve(here, "../../../shared/conformance/etsi-qkd-yang")
const corrected = path.join(etsi, "variants/when-corrected/etsi-qkd-sdn-node@2022-01-30.yang")
const PYTHON = "/usr/bin/python3"
const SN = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
const YP = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
const DS = "urn:ietf:params:xml:ns:yang:ietf-datastores"

/** A foreign client and the lines it prints, each as what it is in JSON. */
class Peer {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #errors = ""

  constructor(script: string, args: readonly string[]) {
    this.#child = spawn(PYTHON, [path.join(here, script), ...args])
    this.#child.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async next(): Promise<unknown> {
    const line = await this.#lines.next()
    if (line.done === true) throw new Error(`the peer has ended: ${this.#errors}`)
    return JSON.parse(line.value)
  }

  /** The next line for which `wanted` is true. */
  async until(wanted: (text: string) => boolean): Promise<string> {
    for (;;) {
      const said = await this.next()
      if (typeof said === "string" && wanted(said)) return said
    }
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  end(): void {
    this.#child.kill()
  }
}

async function withLink(site: AgentSite): Promise<void> {
  const config = nodeConfig({ links: [physLink(TO_WEST, 1, WEST)] })
  const session = await site.client()
  await session.editConfig("running", encodeXml(schema(), nodeConfigToData(config)))
  site.below.pools.set(TO_WEST, pool(0, 0n, 0n))
  site.agent.measured(TO_WEST, { generating: true, skrBps: 1000, qber: 0.02 })
}

/** The fibre is cut: the module sees no light any more. */
function cut(site: AgentSite): void {
  site.agent.measured(TO_WEST, { generating: false, skrBps: 0, qber: 0.5 })
}

describe("a node's state, subscribed to by others", function () {
  this.timeout(180_000)

  it("tells ncclient of a cut fibre by itself, and of its status every so often", async function () {
    if (spawnSync(PYTHON, ["-c", "import ncclient"]).status !== 0) {
      console.log("      skipped: no ncclient here")
      this.skip()
    }
    const site = await AgentSite.open()
    const peer = new Peer("agent-push-ncclient.py", [String(site.listener.port), site.keyFile])
    try {
      await withLink(site)
      assert.deepEqual(await peer.next(), { push: true })
      const told = async (): Promise<string> =>
        JSON.stringify(await peer.next()).replaceAll('\\"', '"')
      assert.match(await told(), /"established":.*<id[^>]*>\d+<\/id>/)
      assert.match(await told(), /"whole":.*<push-update.*qkdl_status[^>]*>[a-z-]+:ACTIVE</)
      cut(site)
      peer.write("cut")
      assert.match(
        await told(),
        new RegExp(
          `"change":.*<patch-id>0</patch-id><edit>.*<operation>replace</operation><target>/etsi-qkd-sdn-node:qkd_node/qkd_links/qkd_link=${TO_WEST}/qkdl_status</target><value><qkdl_status[^>]*>[a-z-]+:OFF<`,
        ),
      )
      const refused = await told()
      assert.match(refused, /"tag": ?"invalid-value".*ietf-yang-push:period-unsupported/)
      assert.match(refused, /establish-subscription-datastore-error-info.*period-hint[^>]*>10</)
      assert.match(await told(), /"established"/)
      const periodic = await told()
      assert.equal(periodic.match(/<push-update/g)?.length, 3, periodic)
      assert.equal(periodic.match(/:OPERATING</g)?.length, 3, periodic)
    } finally {
      peer.end()
      await site.close()
    }
  })

  it("is told in notifications that yanglint takes, to a session written by hand", async function () {
    if (!existsSync(corrected) || spawnSync("yanglint", ["--version"]).status !== 0) {
      console.log("      skipped: yanglint or ../shared/conformance is not here")
      this.skip()
    }
    const site = await AgentSite.open()
    const peer = new Peer("agent-push-raw.py", [String(site.listener.port), site.keyFile])
    try {
      await withLink(site)
      const heard: string[] = []
      const establish = async (inside: string): Promise<string> => {
        peer.write(
          `<establish-subscription xmlns="${SN}" xmlns:yp="${YP}" xmlns:ds="${DS}">${inside}</establish-subscription>`,
        )
        const reply = await peer.until((text) => text.startsWith("<rpc-reply"))
        return /<id[^>]*>(\d+)</.exec(reply)?.[1] ?? assert.fail(reply)
      }
      const hear = async (name: string): Promise<string> => {
        const text = await peer.until((said) => {
          if (said.startsWith("<notification")) heard.push(said)
          return said.includes(`</eventTime><${name} `)
        })
        return text
      }
      const start = new Date(Date.now() - 3_600_000).toISOString()
      const stream = await establish(
        `<stream>NETCONF</stream><replay-start-time>${start}</replay-start-time>`,
      )
      await hear("replay-completed")
      await establish("<yp:datastore>ds:operational</yp:datastore><yp:on-change/>")
      await hear("push-update")
      cut(site)
      const change = await hear("push-change-update")
      assert.match(
        change,
        new RegExp(
          `^<notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><eventTime>[^<]+</eventTime><push-change-update xmlns="${YP}"><id>\\d+</id><datastore-changes><yang-patch><patch-id>0</patch-id><edit><edit-id>1</edit-id>`,
        ),
      )
      peer.write(`<kill-subscription xmlns="${SN}"><id>${stream}</id></kill-subscription>`)
      await hear("subscription-terminated")
      const names = heard.map((text) => /<\/eventTime><([a-z_-]+)/.exec(text)?.[1])
      for (const name of ["netconf-session-start", "netconf-config-change", "event"])
        assert.ok(names.includes(name), `${name} was not told: ${names.join()}`)
      // Targets of changes are instances, which yanglint wants to see.
      const data = path.join(site.dir, "data.xml")
      writeFileSync(data, (await (await site.client("admin")).get()).map(writeXml).join(""))
      for (const [i, text] of heard.entries()) {
        const file = path.join(site.dir, `heard-${i}.xml`)
        writeFileSync(file, text)
        const modules = [
          ...SERVER_MODULES,
          path.join(etsi, "etsi-qkd-node-types@2022-01-30.yang"),
          corrected,
          path.resolve(here, "../../yang/own/keyloom-node@2026-11-23.yang"),
        ]
        const { status, stderr } = spawnSync(
          "yanglint",
          ["-p", path.join(etsi, "deps"), "-t", "nc-notif", "-O", data, ...modules, file],
          { encoding: "utf8" },
        )
        assert.equal(status, 0, `${text}\n${stderr}`)
      }
    } finally {
      peer.end()
      await site.close()
    }
  })
})
