// Keys relayed over one hop with a process for each end, each pinned to a core of its own, as two nodes are two machines:
// keys a second, and the CPU that a key costs at either end. Beside each key manager runs what any site has: a module that
// makes the link's key, the same at both ends out of one seed, and an SAE that takes keys and hands their ids on, or fetches
// them by these. What drawing the link key costs is told apart; adding it, with the tests of every block, is the node's own.

import { fork, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { createCipheriv, createPrivateKey, randomBytes } from "node:crypto"
import { on, once } from "node:events"
import net from "node:net"
import { uuidFrom } from "../src/keys/bytes.js"
import { Secret } from "../src/keys/secret.js"
import { createKeyManager } from "../src/node/key-manager.js"
import type { RunningKeyManager } from "../src/node/key-manager.js"
import type { KeyManagerConfig } from "../src/node/ports.js"
import { listen } from "../src/transport/tls.js"
import { policyOf, setupOf } from "../test/node/child-setup.js"
import type { ChildSetup } from "../test/node/child-setup.js"
import { KeyNetwork } from "../test/node/key-network.js"

export interface EndsCase {
  readonly durable: boolean
  /** Keys of a request; requests at a time. */
  readonly batch: number
  readonly atOnce: number
  readonly warmS: number
  readonly seconds: number
}

interface EndSetup extends EndsCase {
  readonly site: ChildSetup
  /** Where the other end's SAE listens for ids; absent at that end itself. */
  readonly saePort?: number
  readonly seed: string
}

interface StartOrder {
  readonly config: KeyManagerConfig
  readonly linkId: string
  readonly appId: string
  readonly saes: readonly [string, string]
}

/** Since the process began. */
interface Count {
  readonly keys: number
  readonly cpuUs: number
  /** Of these, drawing link key. */
  readonly drawingUs: number
}

const BLOCK_BYTES = 65_536
/**
 * A million keys a second are 33 MB: of the usual pool an eighth of a second, and the modules would be waited for. So it is
 * larger, and so is what the modules keep in stock and add at a time.
 */
const POOL_BYTES = 1 << 25
const STOCK_BITS = 100e6
const BLOCKS_AT_ONCE = 16
const LOOK_MS = 2
const ID_BYTES = 36

export async function measureEnds(what: EndsCase): Promise<void> {
  const net = new KeyNetwork(2)
  const seed = randomBytes(32).toString("hex")
  const site = (index: number): ChildSetup => setupOf(net.site(index), net.sites, net.dir(index), 0)
  const ends = [0, 1].map((core) => startEnd(core))
  const [first, second] = ends as [End, End]
  const far = (await second.ask({ ...what, seed, site: site(1) })) as [number, number]
  const setup = { ...what, seed, site: site(0), saePort: far[1] }
  const near = (await first.ask(setup)) as [number, number]
  for (const [index, end] of ends.entries()) {
    const port = [far, near][index]?.[0] ?? 0
    const peers = [{ qkdnId: net.site(1 - index).qkdnId, host: "127.0.0.1", port }]
    const config = { links: [net.phys(0, index)], apps: [net.app(index)], peers }
    await end.ask({ config, linkId: net.links[0] ?? "", appId: net.appId, saes: net.saes })
  }
  await new Promise((resolve) => setTimeout(resolve, what.warmS * 1000))
  const count = async (): Promise<Count[]> =>
    (await Promise.all(ends.map((end) => end.ask("count")))) as Count[]
  const [start, began] = [await count(), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, what.seconds * 1000))
  const [stop, tookS] = [await count(), (performance.now() - began) / 1000]
  for (const end of ends) end.stop()
  await net.close()
  const keys = (stop[1]?.keys ?? 0) - (start[1]?.keys ?? 0)
  const each = ["source", "destination"].map((name, at) => {
    const per = (of: (count: Count) => number): string =>
      (((stop[at] ? of(stop[at]) : 0) - (start[at] ? of(start[at]) : 0)) / keys).toFixed(2)
    return `${name} ${per(({ cpuUs }) => cpuUs)} us (${per(({ drawingUs }) => drawingUs)} of it drawing link key)`
  })
  console.log(
    `one hop, a process and a core for each end, ${what.durable ? "durable" : "in memory"}, ${what.batch} a request, ` +
      `${what.atOnce} at once: ${Math.round(keys / tookS)} keys/s; CPU a key: ${each.join(", ")}`,
  )
}

interface End {
  ask(message: EndSetup | StartOrder | "count"): Promise<unknown>
  stop(): void
}

function startEnd(core: number): End {
  const child = fork(process.argv[1] ?? "", ["--end"], { execArgv: process.execArgv })
  pin(child, core)
  return {
    ask: async (message) => {
      const answer = once(child, "message") as Promise<[unknown]>
      child.send(message)
      return (await answer)[0]
    },
    stop: () => {
      child.disconnect()
    },
  }
}

/** All of its threads. */
function pin(child: ChildProcess, core: number): void {
  const { status } = spawnSync("taskset", ["-a", "-c", "-p", String(core), String(child.pid)])
  if (status !== 0) console.log("not pinned to a core: no taskset, or no such core")
}

/** The child's side. */
export async function runEnd(): Promise<void> {
  // Nothing outlives a bench that ends early.
  process.once("disconnect", () => process.exit())
  const messages = on(process, "message") as AsyncIterator<[unknown]>
  const next = async (): Promise<unknown> => ((await messages.next()).value as [unknown])[0]
  const setup = (await next()) as EndSetup
  const end = new BenchEnd(setup, await managerOf(setup))
  process.send?.([end.manager.relayPort, await end.listen()])
  end.start((await next()) as StartOrder)
  process.send?.("started")
  for (;;) {
    await next()
    process.send?.(end.count)
  }
}

class BenchEnd {
  readonly manager: RunningKeyManager
  readonly #setup: EndSetup
  #order: StartOrder | undefined
  #keys = 0
  #drawingUs = 0

  constructor(setup: EndSetup, manager: RunningKeyManager) {
    this.#setup = setup
    this.manager = manager
  }

  get count(): Count {
    return { keys: this.#keys, cpuUs: cpuUs(), drawingUs: this.#drawingUs }
  }

  /** The slave SAE: told ids, it fetches their keys and says that it has. */
  async listen(): Promise<number> {
    if (this.#setup.saePort !== undefined) return 0
    const server = net.createServer((socket) => {
      socket.setNoDelay(true)
      void this.#take(socket)
    })
    return listen(server, "127.0.0.1", 0)
  }

  start(order: StartOrder): void {
    this.#order = order
    this.manager.configure(order.config)
    void this.#feed(order.linkId)
    const { saePort } = this.#setup
    if (saePort !== undefined) void this.#begin(order, saePort)
  }

  /** Once both ends have key. */
  async #begin(order: StartOrder, saePort: number): Promise<void> {
    const { atOnce, batch } = this.#setup
    const stockBits = (): number => this.manager.poolFigures(order.linkId)?.stockBits ?? 0
    while (stockBits() < STOCK_BITS / 2) await pause(LOOK_MS)
    for (let at = 0; at < atOnce; at++) void this.#make(net.connect(saePort, "127.0.0.1"), batch)
  }

  /** The master SAE. */
  async #make(socket: net.Socket, batch: number): Promise<void> {
    const { appId, saes } = this.#order ?? fail()
    socket.setNoDelay(true)
    const answers = socket[Symbol.asyncIterator]()
    for (;;) {
      const made = await this.manager.makeKeys(appId, saes[0], [saes[1]], batch, 256)
      let text = ""
      for (const { keyId, key } of made) {
        text += keyId
        key.wipe()
      }
      socket.write(text, "latin1")
      this.#keys += batch
      await answers.next()
    }
  }

  async #take(socket: net.Socket): Promise<void> {
    const textBytes = this.#setup.batch * ID_BYTES
    let text = ""
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      text += chunk.toString("latin1")
      if (text.length < textBytes) continue
      const ids = new Array<string>(this.#setup.batch)
      for (let at = 0; at < ids.length; at++)
        ids[at] = text.slice(at * ID_BYTES, (at + 1) * ID_BYTES)
      text = ""
      const { saes } = this.#order ?? fail()
      for (const { key } of await this.manager.takeKeys(saes[1], saes[0], ids)) key.wipe()
      this.#keys += ids.length
      socket.write("k")
    }
  }

  /** The module, which is never short. */
  async #feed(linkId: string): Promise<void> {
    const stream = createCipheriv(
      "aes-256-ctr",
      Buffer.from(this.#setup.seed, "hex"),
      Buffer.alloc(16),
    )
    const zeros = Buffer.alloc(16 + BLOCK_BYTES)
    for (;;) {
      if ((this.manager.poolFigures(linkId)?.stockBits ?? 0) >= STOCK_BITS) {
        await pause(LOOK_MS)
        continue
      }
      const since = cpuUs()
      const blocks = Array.from({ length: BLOCKS_AT_ONCE }, () => stream.update(zeros))
      this.#drawingUs += cpuUs() - since
      const added = blocks.map((drawn) =>
        this.manager.addLinkKey(linkId, uuidFrom(drawn), Secret.take(drawn.subarray(16))),
      )
      await Promise.all(added)
    }
  }
}

async function managerOf({ site, durable }: EndSetup): Promise<RunningKeyManager> {
  const kept = { dir: site.dir, sealingKey: Secret.take(Buffer.from(site.sealing, "base64")) }
  const { certificatePem, privateKeyPem, signKeyPem } = site
  return createKeyManager({
    qkdnId: site.qkdnId,
    ...(durable && kept),
    identity: {
      tls: { certificatePem, privateKeyPem },
      signKey: createPrivateKey(signKeyPem),
    },
    listen: { host: "127.0.0.1", port: 0 },
    policy: policyOf(site),
    limits: {
      ...{ pingMs: 500, redialMinMs: 20, redialMaxMs: 200, transferTimeoutMs: 10_000 },
      pool: { maxHeldBytes: POOL_BYTES },
    },
  })
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function fail(): never {
  throw new Error("not started yet")
}
