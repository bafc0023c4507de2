// One controller process that holds NETCONF sessions to a thousand node agents, in a ring of as many links: memory a
// session, time of a full resync of all, time from a notification at a node to a subscriber's WebSocket.
// Real agents behind real NETCONF servers over SSH on loopback, without key managers (bench/scale-agents.ts).
// Prints figures; asserts nothing.
//
//   npx tsx bench/scale.ts [agents] [events]

import { type ChildProcess, fork } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { cpus, tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { WebSocket } from "ws"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import type { AgentsAnswer, AgentsRequest, OpenedAgent } from "./scale-agents.js"
import type { MemoryAnswer } from "./scale-controller.js"

const AGENTS = Number(process.argv[2] ?? "1000")
const EVENTS = Number(process.argv[3] ?? "1000")
const PROCESSES = 4
const TOKEN = "bench"
const USERNAME = "controller"

function start(name: string, ...args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(name, import.meta.url)), args, {
    execArgv: ["--expose-gc", "--import=tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
}

/** The next message of that kind. */
function heard<T extends { readonly kind: string }>(child: ChildProcess, kind: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => {
      reject(new Error("a process of the bench has ended"))
    }
    const listen = (message: T): void => {
      if (message.kind !== kind) return
      child.off("message", listen)
      child.off("exit", ended)
      resolve(message)
    }
    child.on("message", listen)
    child.once("exit", ended)
  })
}

function ask<T extends AgentsAnswer>(
  child: ChildProcess,
  request: AgentsRequest,
  kind: T["kind"],
): Promise<T> {
  const answer = heard<T>(child, kind)
  child.send(request)
  return answer
}

function qkdnIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`
}

function inventory(agents: readonly OpenedAgent[], privateKeyFile: string): object {
  const count = agents.length
  return {
    "keyloom-controller-config:inventory": {
      node: agents.map(({ number, port, hostKeyFingerprint }) => ({
        qkdn_id: qkdnIdOf(number),
        name: `node-${number}`,
        driver: "etsi015",
        host: "127.0.0.1",
        port,
        username: USERNAME,
        private_key_file: privateKeyFile,
        host_key_fingerprint: hostKeyFingerprint,
      })),
      link:
        count < 3
          ? []
          : agents.map(({ number }) => ({
              qkdl_id: `10000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`,
              a: { qkdn_id: qkdnIdOf(number), qkdi_id: 1 },
              b: { qkdn_id: qkdnIdOf((number + 1) % count), qkdi_id: 2 },
              loss_db: "10.0",
            })),
    },
  }
}

interface Running {
  readonly child: ChildProcess
  readonly url: string
  /** From the moment it listened. */
  readonly connectedAfterMs: number
  readonly socket: WebSocket
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => {
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
  })
}

/** Starts the controller on these nodes, and waits until it is connected to all and has read them. */
async function control(dir: string, file: object): Promise<Running> {
  mkdirSync(dir, { recursive: true })
  const port = await freePort()
  writeFileSync(path.join(dir, "inventory.json"), JSON.stringify(file))
  writeFileSync(
    path.join(dir, "controller.json"),
    JSON.stringify({
      "keyloom-controller-config:controller": {
        store_dir: "store",
        http: { host: "127.0.0.1", port },
        token: [
          {
            name: "bench",
            role: "operator",
            sha256: createHash("sha256").update(TOKEN).digest("hex"),
          },
        ],
        inventory_file: "inventory.json",
      },
    }),
  )
  const child = start("scale-controller.ts", path.join(dir, "controller.json"))
  await heard(child, "ready")
  const startedAt = performance.now()
  const url = `http://127.0.0.1:${port}`
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/v1/events`, "keyloom.v1", {
    headers: { authorization: `Bearer ${TOKEN}` },
    maxPayload: 1 << 28,
  })
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => {
      resolve()
    })
    socket.once("error", reject)
  })
  const wanted = (file as { "keyloom-controller-config:inventory": { node: readonly object[] } })[
    "keyloom-controller-config:inventory"
  ].node.length
  const connected = new Set<string>()
  const note = (node: { qkdnId: string; reach: string } | null | undefined): void => {
    if (node?.reach === "connected") connected.add(node.qkdnId)
    else if (node != null) connected.delete(node.qkdnId)
  }
  const all = new Promise<void>((resolve) => {
    socket.on("message", function hear(data: Buffer) {
      const told = JSON.parse(data.toString("utf8")) as {
        topic?: string
        value?: { qkdnId: string; reach: string } | null
        network?: { nodes?: { qkdnId: string; reach: string }[] }
      }
      for (const node of told.network?.nodes ?? []) note(node)
      if (told.topic === "node") note(told.value)
      if (connected.size < wanted) return
      socket.off("message", hear)
      resolve()
    })
  })
  socket.send(JSON.stringify({ op: "subscribe", id: "bench", topics: ["node", "log"] }))
  await all
  return { child, url, connectedAfterMs: performance.now() - startedAt, socket }
}

async function memoryOf({ child }: Running): Promise<MemoryAnswer> {
  const answer = heard<MemoryAnswer>(child, "memory")
  child.send({ kind: "memory" })
  return answer
}

async function end({ child, socket }: Running): Promise<void> {
  socket.terminate()
  const gone = new Promise<void>((resolve) =>
    child.once("exit", () => {
      resolve()
    }),
  )
  child.kill("SIGTERM")
  await gone
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

function report(what: string, figure: string): void {
  console.log(`${what.padEnd(64)} ${figure.padStart(12)}`)
}

/** One event after the other, each at another agent: how long until the subscriber has it, milliseconds. */
async function eventTimes(
  running: Running,
  processes: readonly ChildProcess[],
  count: number,
  gapMs: number,
): Promise<number[]> {
  const times: number[] = []
  const all = new Promise<void>((resolve) => {
    running.socket.on("message", (data: Buffer) => {
      const now = process.hrtime.bigint() / 1000n
      const raised = /raised at ([0-9]+)/.exec(data.toString("utf8"))?.[1]
      if (raised === undefined) return
      times.push(Number(now - BigInt(raised)) / 1000)
      if (times.length === count) resolve()
    })
  })
  for (let n = 0; n < count; n++) {
    const agent = (n * 389) % AGENTS
    processes[Math.floor((agent * PROCESSES) / AGENTS)]?.send({
      kind: "alarm",
      agent,
    } satisfies AgentsRequest)
    await new Promise((done) => setTimeout(done, gapMs))
  }
  await all
  running.socket.removeAllListeners("message")
  return times
}

async function main(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-scale-"))
  const user = generateSshKey()
  const privateKeyFile = path.join(dir, "id")
  writeFileSync(privateKeyFile, user.privateKey, { mode: 0o600 })
  console.log(`Node ${process.version}, ${cpus().length} CPUs, ${cpus()[0]?.model ?? "unknown"}`)
  console.log(`${AGENTS} agents in ${PROCESSES} processes, one controller\n`)
  const processes = Array.from({ length: PROCESSES }, () => start("scale-agents.ts"))
  try {
    const opened = await Promise.all(
      processes.map((child, i) => {
        const first = Math.ceil((i * AGENTS) / PROCESSES)
        const count = Math.ceil(((i + 1) * AGENTS) / PROCESSES) - first
        const { publicKey } = user
        return ask<Extract<AgentsAnswer, { kind: "opened" }>>(
          child,
          { kind: "open", first, count, publicKey },
          "opened",
        )
      }),
    )
    const agents = opened.flatMap((answer) => answer.agents)
    const few = await control(path.join(dir, "few"), inventory(agents.slice(0, 1), privateKeyFile))
    const small = await memoryOf(few)
    await end(few)

    const whole = inventory(agents, privateKeyFile)
    const first = await control(path.join(dir, "all"), whole)
    report(
      "first start: all connected and read after",
      `${(first.connectedAfterMs / 1000).toFixed(1)} s`,
    )
    const since = performance.now()
    for (let configured = 0; configured < AGENTS; ) {
      const counts = await Promise.all(
        processes.map((child) =>
          ask<Extract<AgentsAnswer, { kind: "counted" }>>(child, { kind: "count" }, "counted"),
        ),
      )
      configured = counts.reduce((sum, answer) => sum + answer.configured, 0)
    }
    report(
      "  and all have their links, later",
      `${((performance.now() - since) / 1000).toFixed(1)} s`,
    )
    await new Promise((done) => setTimeout(done, 3000))
    const large = await memoryOf(first)
    const kib = (now: number, before: number): string =>
      `${((now - before) / 1024 / (AGENTS - 1)).toFixed(0)} KiB`
    report("memory in use a session, after a collection", kib(large.usedBytes, small.usedBytes))
    report("memory of the process a session (RSS)", kib(large.rssBytes, small.rssBytes))
    report("  of the process in all", `${(large.rssBytes / 1024 / 1024).toFixed(0)} MiB`)
    await end(first)

    const again = await control(path.join(dir, "all"), whole)
    report(
      "restart: all connected, read and compared after",
      `${(again.connectedAfterMs / 1000).toFixed(1)} s`,
    )
    await new Promise((done) => setTimeout(done, 3000))
    const times = await eventTimes(again, processes, EVENTS, 5)
    report("an event at a node to a subscriber, median", `${quantile(times, 0.5).toFixed(2)} ms`)
    report("  99th percentile", `${quantile(times, 0.99).toFixed(2)} ms`)
    await end(again)
  } finally {
    for (const child of processes) child.kill()
    rmSync(dir, { recursive: true, force: true })
  }
}

await main()
