// Real nodes in this process, for tests: files as the demo writes them, simulated modules on a simulated fibre,
// and a NETCONF client that stands in for the controller.

import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { writeNodeFiles, type DemoFiles } from "../../src/demo/files.js"
import { openFibres, type Fibres } from "../../src/demo/fibres.js"
import { planDemo, type Plan } from "../../src/demo/plan.js"
import { nodeConfigToData, nodeStateFromData } from "../../src/model/etsi015.js"
import type { AppConfig } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import type { NodeConfig, NodeState } from "../../src/model/node.js"
import { readTopology } from "../../src/model/topology-file.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { type ModuleSetting, NODE_CONFIG_MODULES, readNodeConfig } from "../../src/node/config.js"
import { SILENT } from "../../src/node/log.js"
import type { Log } from "../../src/node/log.js"
import { startNode, type RunningNode } from "../../src/node/node.js"
import { HttpsClient } from "../../src/transport/https.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { schema } from "./agent-site.js"

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A line of nodes a - b - c - ..., one SAE each, called `sae-a` and so on. */
export class Line {
  readonly nodes = new Map<string, RunningNode>()
  readonly #sessions: NetconfClientSession[] = []

  private constructor(
    readonly dir: string,
    readonly plan: Plan,
    readonly fibres: Fibres,
    readonly files: DemoFiles,
  ) {}

  static async open(names: readonly string[]): Promise<Line> {
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-line-"))
    const topology = readTopology(
      JSON.stringify({
        name: "line",
        nodes: names.map((name) => ({ name })),
        links: names.slice(1).map((b, i) => ({
          id: `${names[i] ?? ""}-${b}`,
          a: names[i],
          b,
          lengthKm: 5,
          skrBps: 200_000,
        })),
      }),
      "line.json",
    )
    const plan = await planDemo(dir, topology)
    const fibres = await openFibres(
      dir,
      plan.topology.links.map((link) => ({ id: link.id, lossDb: 1 })),
    )
    return new Line(dir, plan, fibres, await writeNodeFiles(dir, plan, fibres))
  }

  index(name: string): number {
    return this.plan.nodes.findIndex((node) => node.name === name)
  }

  id(name: string): string {
    return this.plan.nodes[this.index(name)]?.qkdnId ?? ""
  }

  /** @param modules instead of the simulated ones of its file */
  async start(
    name: string,
    modules?: readonly ModuleSetting[],
    log: Log = SILENT,
  ): Promise<RunningNode> {
    const file = this.files.nodes[this.index(name)]?.configFile ?? ""
    const settings = readNodeConfig(
      loadYangFiles(NODE_CONFIG_MODULES),
      readFileSync(file, "utf8"),
      path.dirname(file),
    )
    const all = modules === undefined ? settings : { ...settings, modules }
    const node = await startNode(all, { log, version: "test", schema: schema() })
    this.nodes.set(name, node)
    return node
  }

  node(name: string): RunningNode {
    const node = this.nodes.get(name)
    if (node === undefined) throw new Error(`${name} is not running`)
    return node
  }

  async controller(name: string): Promise<NetconfClientSession> {
    const { netconf } = this.node(name).addresses()
    const session = await connectNetconfSsh({
      host: netconf.host,
      port: netconf.port,
      username: this.files.netconfUser,
      privateKeyFile: this.files.netconfKeyFile,
      hostKeyFingerprint: netconf.hostKeyFingerprint,
    })
    this.#sessions.push(session)
    return session
  }

  async configure(name: string, config: NodeConfig): Promise<void> {
    const session = await this.controller(name)
    await session.editConfig("running", encodeXml(schema(), nodeConfigToData(config)))
    await session.close()
  }

  async state(name: string): Promise<NodeState> {
    const session = await this.controller(name)
    const state = nodeStateFromData(decodeXml(schema(), await session.get()))
    await session.close()
    return state
  }

  /** Asks until it is so, within 60 s. */
  async until(what: string, so: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 60_000
    while (!(await so())) {
      if (Date.now() > deadline) throw new Error(`not so within 60 s: ${what}`)
      await new Promise((done) => setTimeout(done, 100))
    }
  }

  /** An ETSI 014 call with the certificate of `sae-NAME`. */
  async call(name: string, resource: string, body?: object): Promise<Answer> {
    const sae = this.files.saes.find((one) => one.node === name)
    if (sae === undefined) throw new Error(`no SAE at ${name}`)
    const { host, port } = this.node(name).addresses().etsi014
    const client = new HttpsClient({
      host,
      port,
      tls: {
        identity: {
          certificatePem: readFileSync(sae.certFile, "utf8"),
          privateKeyPem: readFileSync(sae.keyFile, "utf8"),
        },
        authorities: [readFileSync(sae.caFile, "utf8")],
      },
      timeoutMs: 10_000,
    })
    try {
      const answer = await client.request({
        method: body === undefined ? "GET" : "POST",
        path: `/api/v1/keys/${resource}`,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = Buffer.from(answer.body).toString("utf8")
      const parsed: unknown = text === "" ? undefined : JSON.parse(text)
      return { status: answer.status, body: parsed }
    } finally {
      client.close()
    }
  }

  async dropControllers(): Promise<void> {
    await Promise.all(
      this.#sessions.splice(0).map((session) => session.close().catch(() => undefined)),
    )
  }

  async close(): Promise<void> {
    await this.dropControllers()
    await Promise.all([...this.nodes.values()].map((node) => node.stop()))
    await this.fibres.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** PHYS links of a node, as its plan has them, and peers for all nodes. */
export function linksOf(line: Line, name: string): NodeConfig {
  const links = line.plan.links.flatMap((link): LinkConfig[] => {
    const [here, there] = link.a.node === name ? [link.a, link.b] : [link.b, link.a]
    if (here.node !== name) return []
    return [
      {
        type: "PHYS",
        qkdlId: link.qkdlId,
        enabled: true,
        local: { qkdnId: line.id(name), qkdiId: here.qkdiId },
        remote: { qkdnId: line.id(there.node), qkdiId: there.qkdiId },
        role: here === link.a ? "TRANSMITTER" : "RECEIVER",
      },
    ]
  })
  const peers = [...line.nodes].flatMap(([other, node]) => {
    const { host, port } = node.addresses().relay
    return other === name ? [] : [{ qkdnId: line.id(other), host, port }]
  })
  return { qkdnId: line.id(name), links, apps: [], peers }
}

/** An association of their SAEs over this link, as the node at `here` has it. */
export function appAt(
  line: Line,
  here: string,
  there: string,
  appId: string,
  link: string,
): AppConfig {
  return {
    appId,
    type: "CLIENT",
    serverAppId: here < there ? `sae-${here}` : `sae-${there}`,
    clientAppIds: [here < there ? `sae-${there}` : `sae-${here}`],
    priority: 0,
    qos: { minBps: 1000, ttlS: 600 },
    backingQkdlIds: [link],
    localQkdnId: line.id(here),
    remoteQkdnId: line.id(there),
  }
}
