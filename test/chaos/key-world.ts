// Four real node programs in a square, a - b - d and a - c - d, each a process of its own, with the links' key
// managers joined through men in the middle, and SAEs that call ETSI GS QKD 014 over HTTPS. What the chaos test
// breaks, and how it looks from outside.

import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import {
  appendFileSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type DemoFiles, writeNodeFiles } from "../../src/demo/files.js"
import { type Fibres, openFibres } from "../../src/demo/fibres.js"
import { type Plan, planDemo } from "../../src/demo/plan.js"
import { parseRelay } from "../../src/keys/relay-message.js"
import type { AppConfig } from "../../src/model/app.js"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import type { LinkConfig } from "../../src/model/link.js"
import type { NodeConfig } from "../../src/model/node.js"
import { readTopology } from "../../src/model/topology-file.js"
import { HttpsClient } from "../../src/transport/https.js"
import { connectNetconfSsh } from "../../src/transport/ssh.js"
import { encodeXml } from "../../src/yang/xml.js"
import { schema } from "../node/agent-site.js"
import { RelayProxy } from "../node/relay-proxy.js"
import type { KeyLedger } from "./key-ledger.js"
import { Meddler } from "./key-meddler.js"
import { APPS, EDGES, NAMES, OUTLET_NAMES, PATHS, pathId } from "./key-square.js"
import type { Name } from "./key-square.js"

const root = fileURLToPath(new URL("../..", import.meta.url))
/** Certificates are made this long ago, so that a clock set back by an hour leaves them valid. */
const MADE_EARLIER_MS = 2 * 86_400_000
/** Filled up on purpose; else enough for the audit trail of a million keys. */
const DISK_MB = 160
/**
 * Loaded before the program: the wall clock is moved from outside, as an operator or a broken time server would. The
 * monotonic clock stays as it is, as on a real machine.
 */
const CLOCK_JUMPS = `data:text/javascript,${encodeURIComponent(`
  const real = Date.now
  let offsetMs = 0
  Date.now = () => real() + offsetMs
  process.on("message", (message) => {
    if (typeof message?.clockOffsetMs === "number") offsetMs = message.clockOffsetMs
  })
  process.on("disconnect", () => process.exit(1))
`)}`

export class KeyWorld {
  readonly #children = new Map<Name, ChildProcess>()
  readonly #clients = new Map<Name, HttpsClient>()
  readonly #proxies: RelayProxy[] = []
  readonly meddler: Meddler
  #mounted: string | undefined

  private constructor(
    readonly dir: string,
    readonly plan: Plan,
    readonly fibres: Fibres,
    readonly files: DemoFiles,
    ledger: KeyLedger,
    onFault: (fault: unknown) => void,
  ) {
    this.meddler = new Meddler((frame) => {
      try {
        ledger.relayed(parseRelay(frame.body).hop)
      } catch (fault) {
        onFault(fault)
      }
    })
  }

  static async open(
    ledger: KeyLedger,
    rateBps: number,
    onFault: (fault: unknown) => void,
  ): Promise<KeyWorld> {
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-chaos-"))
    const topology = readTopology(
      JSON.stringify({
        name: "square",
        nodes: NAMES.map((name) => ({ name })),
        links: EDGES.map(([a, b]) => ({ id: `${a}-${b}`, a, b, lengthKm: 5, skrBps: rateBps })),
      }),
      "square.json",
    )
    const plan = await planDemo(dir, topology)
    const fibres = await openFibres(
      dir,
      plan.topology.links.map((link) => ({ id: link.id, lossDb: 1 })),
    )
    const now = Date.now
    Date.now = () => now() - MADE_EARLIER_MS
    try {
      const files = await writeNodeFiles(dir, plan, fibres)
      for (const [index, { configFile }] of files.nodes.entries())
        adapt(
          configFile,
          OUTLET_NAMES.some((name) => name === plan.nodes[index]?.name) ? OUTLETS : 0,
        )
      return new KeyWorld(dir, plan, fibres, files, ledger, onFault)
    } finally {
      Date.now = now
    }
  }

  /** Nodes up, configured and connected. */
  async start(): Promise<void> {
    const small = path.join(this.home("b"), "state")
    mkdirSync(small, { recursive: true })
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m`, "tmpfs", small], {
        stdio: "ignore",
      })
      this.#mounted = small
    } catch {
      console.log("  no right to mount: the full disk is left out")
    }
    await Promise.all(NAMES.map((name) => this.startNode(name)))
    for (const name of NAMES) await this.#configure(name, await this.#peersOf(name))
  }

  /** What was done and seen, for whoever looks for a fault. */
  note(line: string): void {
    appendFileSync(path.join(this.dir, "story.log"), `${new Date().toISOString()} ${line}\n`)
  }

  get hasSmallDisk(): boolean {
    return this.#mounted !== undefined
  }

  id(name: Name): string {
    return this.#node(name).qkdnId
  }

  home(name: Name): string {
    return path.join(this.dir, "nodes", this.#node(name).slug)
  }

  logOf(name: Name): string {
    return readFileSync(path.join(this.dir, `${name}.log`), "utf8")
  }

  async startNode(name: Name): Promise<void> {
    const index = this.plan.nodes.findIndex((node) => node.name === name)
    const log = openSync(path.join(this.dir, `${name}.log`), "a")
    const child = spawn(
      process.execPath,
      [
        "--import",
        CLOCK_JUMPS,
        "bin/keyloom.js",
        "node",
        "--config",
        this.files.nodes[index]?.configFile ?? "",
      ],
      { cwd: root, stdio: ["ignore", log, log, "ipc"] },
    )
    closeSync(log)
    this.#children.set(name, child)
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => {
        resolve()
      })
      child.once("exit", (code, signal) => {
        reject(new Error(`node ${name} did not start: ${code} ${signal}`))
      })
    })
  }

  /** No farewell, no flush. */
  async kill(name: Name): Promise<void> {
    const child = this.#children.get(name)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGKILL")
    await gone
  }

  /** One of the node's. @returns whether there was one: they may just be starting */
  killOutlet(name: Name): boolean {
    const pid = this.#children.get(name)?.pid
    if (pid === undefined) return false
    const [outlet] = outletsOf(pid)
    if (outlet === undefined) return false
    process.kill(outlet, "SIGKILL")
    return true
  }

  moveClock(name: Name, offsetMs: number): void {
    this.#children.get(name)?.send({ clockOffsetMs: offsetMs }, () => undefined)
  }

  cutConnections(link: number): void {
    this.#proxies[link]?.cut()
  }

  async cutFibre(link: number, ms: number): Promise<void> {
    const id = EDGES[link]?.join("-") ?? ""
    this.fibres.set(id, "cut")
    await pause(ms)
    this.fibres.set(id, "whole")
  }

  get linkCount(): number {
    return EDGES.length
  }

  /** The whole state of a node that does not run. */
  backUp(name: Name): void {
    const copy = path.join(this.dir, `backup-${name}`)
    rmSync(copy, { recursive: true, force: true })
    cpSync(path.join(this.home(name), "state"), copy, { recursive: true })
  }

  restore(name: Name): void {
    const state = path.join(this.home(name), "state")
    rmSync(path.join(state, "keys"), { recursive: true, force: true })
    cpSync(path.join(this.dir, `backup-${name}`, "keys"), path.join(state, "keys"), {
      recursive: true,
    })
  }

  /** Until it is freed, node b can write nothing more. */
  fillDisk(): void {
    const chunk = Buffer.alloc(1 << 16)
    const file = openSync(path.join(this.#mounted ?? "", "ballast"), "w")
    try {
      for (;;) writeFileSync(file, chunk)
    } catch {
      // full
    } finally {
      closeSync(file)
    }
  }

  freeDisk(): void {
    rmSync(path.join(this.#mounted ?? "", "ballast"), { force: true })
  }

  /** An ETSI GS QKD 014 call by the SAE of this node; undefined when no whole answer came. */
  async call(
    name: Name,
    resource: string,
    body: object,
  ): Promise<{ status: number; body: unknown } | undefined> {
    try {
      const answer = await this.#client(name).request({
        method: "POST",
        path: `/api/v1/keys/${resource}`,
        body: JSON.stringify(body),
      })
      const text = Buffer.from(answer.body).toString("utf8")
      return { status: answer.status, body: text === "" ? undefined : JSON.parse(text) }
    } catch {
      return undefined
    }
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close()
    await Promise.all(NAMES.map((name) => this.kill(name)))
    await Promise.all(this.#proxies.map((proxy) => proxy.close()))
    await this.fibres.close()
    if (this.#mounted !== undefined) execFileSync("umount", [this.#mounted])
    if (process.env.KEEP_CHAOS === undefined) rmSync(this.dir, { recursive: true, force: true })
    else console.log(`  kept: ${this.dir}`)
  }

  #node(name: Name): Plan["nodes"][number] {
    const node = this.plan.nodes.find((one) => one.name === name)
    if (node === undefined) throw new RangeError(`no node ${name}`)
    return node
  }

  #client(name: Name): HttpsClient {
    const known = this.#clients.get(name)
    if (known !== undefined) return known
    const sae = this.files.saes.find((one) => one.node === name)
    const read = (file: string | undefined): string => readFileSync(file ?? "", "utf8")
    const client = new HttpsClient({
      host: "127.0.0.1",
      port: this.#node(name).ports.etsi014,
      tls: {
        identity: { certificatePem: read(sae?.certFile), privateKeyPem: read(sae?.keyFile) },
        authorities: [read(sae?.caFile)],
      },
      timeoutMs: 15_000,
    })
    this.#clients.set(name, client)
    return client
  }

  /** The end with the lower id dials, and finds a man in the middle where the other should be. */
  async #peersOf(name: Name): Promise<NodeConfig["peers"]> {
    const peers: NodeConfig["peers"][number][] = []
    for (const [index, edge] of EDGES.entries()) {
      if (!edge.includes(name)) continue
      const far = edge[0] === name ? edge[1] : edge[0]
      let port = this.#node(far).ports.relay
      if (this.id(name) < this.id(far)) {
        const pair = (one: Name): { tls: { certificatePem: string; privateKeyPem: string } } => ({
          tls: {
            certificatePem: readFileSync(path.join(this.home(one), "relay-cert.pem"), "utf8"),
            privateKeyPem: readFileSync(path.join(this.home(one), "relay-key.pem"), "utf8"),
          },
        })
        const proxy = new RelayProxy(pair(name), pair(far), port)
        proxy.tamper = this.meddler.on(proxy)
        this.#proxies[index] = proxy
        port = await proxy.listen()
      }
      peers.push({ qkdnId: this.id(far), host: "127.0.0.1", port })
    }
    return peers
  }

  async #configure(name: Name, peers: NodeConfig["peers"]): Promise<void> {
    const index = this.plan.nodes.findIndex((node) => node.name === name)
    const session = await connectNetconfSsh({
      host: "127.0.0.1",
      port: this.#node(name).ports.netconf,
      username: this.files.netconfUser,
      privateKeyFile: this.files.netconfKeyFile,
      hostKeyFingerprint: this.files.nodes[index]?.hostKeyFingerprint ?? "",
    })
    const links = [...this.#physical(name), ...this.#virtual(name)]
    const config = { qkdnId: this.id(name), links, apps: this.#apps(name, links), peers }
    await session.editConfig("running", encodeXml(schema(), nodeConfigToData(config)))
    await session.close()
  }

  #physical(name: Name): LinkConfig[] {
    return this.plan.links
      .filter(({ a, b }) => a.node === name || b.node === name)
      .map(({ qkdlId, a, b }) => {
        const [local, remote] = a.node === name ? [a, b] : [b, a]
        return {
          type: "PHYS",
          qkdlId,
          enabled: true,
          local: { qkdnId: this.id(local.node as Name), qkdiId: local.qkdiId },
          remote: { qkdnId: this.id(remote.node as Name), qkdiId: remote.qkdiId },
        }
      })
  }

  #virtual(name: Name): LinkConfig[] {
    return PATHS.flatMap((nodes, index) => {
      const at = nodes.indexOf(name)
      if (at < 0) return []
      const before = nodes[at - 1]
      const after = nodes[at + 1]
      return {
        type: "VIRT" as const,
        qkdlId: pathId(index),
        enabled: true,
        local: { qkdnId: this.id(nodes[0]) },
        remote: { qkdnId: this.id(nodes[2]) },
        nextHops: after === undefined ? [] : [this.id(after)],
        ...(before !== undefined && { prevHop: this.id(before) }),
      }
    })
  }

  #apps(name: Name, links: readonly LinkConfig[]): AppConfig[] {
    return APPS.flatMap(({ ends, paths, ...terms }, index) => {
      if (!ends.includes(name)) return []
      const [a, b] = ends
      const far = a === name ? b : a
      const direct = links.filter(
        (link) => link.type === "PHYS" && link.remote.qkdnId === this.id(far),
      )
      return {
        appId: `bbbbbbbb-0000-4000-8000-00000000000${index}`,
        type: "CLIENT" as const,
        serverAppId: `sae-${a}`,
        clientAppIds: [`sae-${b}`],
        priority: 0,
        qos: {},
        backingQkdlIds: paths === "direct" ? direct.map(({ qkdlId }) => qkdlId) : paths.map(pathId),
        localQkdnId: this.id(name),
        remoteQkdnId: this.id(far),
        ...terms,
      }
    })
  }
}

const OUTLETS = 2

/** Children of a process that are outlets; none once it is gone. */
function outletsOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")
    return children.map(Number).filter((child) => {
      return readFileSync(`/proc/${child}/cmdline`, "utf8").includes("node-outlet")
    })
  } catch {
    return []
  }
}

/** Links make far more key than is used: what is left over becomes too old all the while. */
function adapt(configFile: string, outlets: number): void {
  const file = JSON.parse(readFileSync(configFile, "utf8")) as Record<
    string,
    { readonly etsi014: object }
  >
  const [name = "", node] = Object.entries(file)[0] ?? []
  const more = { link_key: { max_age_s: 10 }, etsi014: { ...node?.etsi014, outlets } }
  writeFileSync(configFile, JSON.stringify({ [name]: { ...node, ...more } }))
}
