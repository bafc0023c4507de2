// How fast keys are relayed, compiled as it is installed: keys a second over one hop, without and with the durable store,
// with both ends in one process and with a process and a core for each; and the latency of a single key over 1, 3 and 8
// hops, in one process and in a process per node.
//
//   node --import tsx bench/relay.ts [seconds per measurement, default 3] [ends: those with a core for each end only]

import { randomBytes, randomUUID } from "node:crypto"
import { KeyNetwork } from "../test/node/key-network.js"
import { setupOf } from "../test/node/child-setup.js"
import { KeyProcess } from "../test/node/key-processes.js"
import { isBuilt, runBuilt } from "./built.js"
import { measureEnds, runEnd } from "./relay-ends.js"

const seconds = Number(process.argv[2] ?? 3)
const BLOCK_BYTES = 65_536

function show(name: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(2)
  console.log(
    `${name}: best ${at(0)} ms, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms (${sorted.length} keys)`,
  )
}

/** Keeps every link in stock until the signal. */
async function feedUntil(net: KeyNetwork, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    for (const [link, id] of net.links.entries()) {
      const stock = net.manager(link).poolFigures(id)?.stockBits ?? 0
      if (stock < 16e6) await net.feedBlocks(link, 4, BLOCK_BYTES)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function throughput(durable: boolean, batch: number, at: number): Promise<void> {
  const net = new KeyNetwork(2, { durable })
  await net.start()
  await net.feed(24, BLOCK_BYTES)
  const [a, b] = net.saes
  let keys = 0
  const since = process.cpuUsage()
  const end = performance.now() + seconds * 1000
  const done = new AbortController()
  const feeding = feedUntil(net, done.signal)
  await Promise.all(
    Array.from({ length: at }, async () => {
      while (performance.now() < end) {
        const made = await net.first.makeKeys(net.appId, a, [b], batch, 256)
        const ids = made.map(({ keyId }) => keyId)
        for (const { key } of [...made, ...(await net.last.takeKeys(b, a, ids))]) key.wipe()
        keys += batch
      }
    }),
  )
  done.abort()
  await feeding
  const { user, system } = process.cpuUsage(since)
  const store = durable ? "durable" : "in memory"
  console.log(
    `one hop, ${store}, ${batch} a message, ${at} at once: ${Math.round(keys / seconds)} keys/s made, stored and taken, ` +
      `${((user + system) / keys).toFixed(2)} us of CPU a key`,
  )
  await net.close()
}

async function latency(hops: number): Promise<void> {
  const net = new KeyNetwork(hops + 1)
  await net.start()
  await net.feed(4, BLOCK_BYTES)
  const [a, b] = net.saes
  const times: number[] = []
  for (let i = 0; i < 300; i++) {
    const start = performance.now()
    await net.first.makeKeys(net.appId, a, [b], 1, 256)
    if (i >= 50) times.push(performance.now() - start)
  }
  show(`${hops} hops, one process`, times)
  await net.close()
}

async function latencyInProcesses(hops: number): Promise<void> {
  // The network object is only asked for identities, folders and configuration.
  const net = new KeyNetwork(hops + 1)
  const { argv, execArgv } = process
  const program = { script: argv[1] ?? "", args: ["--node"], execArgv }
  const children = net.sites.map(() => new KeyProcess(program))
  const ports: number[] = []
  for (const [index, child] of children.entries()) {
    const setup = setupOf(net.site(index), net.sites, net.dir(index), 0)
    ports.push((await child.ask({ do: "open", setup })) as number)
  }
  for (const [index, child] of children.entries()) {
    const peers = [index - 1, index + 1]
      .filter((i) => i >= 0 && i < children.length)
      .map((i) => ({ qkdnId: net.site(i).qkdnId, host: "127.0.0.1", port: ports[i] ?? 0 }))
    await child.ask({ do: "configure", config: { ...net.configOf(index), peers } })
  }
  for (const [link, id] of net.links.entries()) {
    for (let i = 0; i < 4; i++) {
      const request = {
        do: "add" as const,
        link: id,
        block: randomUUID(),
        bytes: randomBytes(BLOCK_BYTES).toString("base64"),
      }
      await Promise.all([children[link]?.ask(request), children[link + 1]?.ask(request)])
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  const [master, slave] = net.saes
  const times = (await children[0]?.ask({
    do: "time",
    app: net.appId,
    master,
    slave,
    count: 350,
  })) as number[]
  show(`${hops} hops, a process per node`, times.slice(50))
  await Promise.all(children.map((child) => child.kill()))
  await net.close()
}

async function main(): Promise<void> {
  const endsOnly = process.argv[3] === "ends"
  for (const durable of [false, true]) {
    for (const [batch, atOnce] of [
      [1, 32],
      [128, 8],
      [1024, 4],
    ] as const)
      if (!endsOnly) await throughput(durable, batch, atOnce)
    for (const [batch, atOnce] of [
      [128, 8],
      [1024, 4],
      [1024, 8],
      [1024, 16],
      [4096, 4],
    ] as const)
      await measureEnds({ durable, batch, atOnce, warmS: 2, seconds })
  }
  if (endsOnly) return
  for (const hops of [1, 3, 8]) await latency(hops)
  for (const hops of [1, 3, 8]) await latencyInProcesses(hops)
}

if (!isBuilt(import.meta.url)) await runBuilt(import.meta.url)
else if (process.argv.includes("--end")) await runEnd()
else if (process.argv.includes("--node")) await import("../test/node/key-child.js")
else await main()
