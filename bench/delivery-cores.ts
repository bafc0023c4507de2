// ETSI 014 enc_keys of one key on one core and on two: a node by itself, with one and with two outlets (real key manager, sealed store
// and audit trails on disk, TMPDIR says where), beside a bare node:https server of one and of two cluster workers that sends
// the same bytes. Same light client (bench/delivery-load.c), same certificates, kept connections, rounds by turns, compiled as it
// is installed. Nothing is pinned: where there are two cores, the client, the node's own process and the far site run beside the
// servers, so requests/s of two stay below twice those of one. What two cores cost is seen in the CPU time of a request, of all
// processes of a server together; the client's and the far site's stand beside it. And then, as root, with each outlet and each
// worker on a core of its own that is a quarter of a real one: there two are compared with one by requests/s.
//
//   node --import tsx bench/delivery-cores.ts [--smoke]

import cluster from "node:cluster"
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../src/transport/pki.js"
import { isBuilt, runBuilt } from "./built.js"
import { lightClient } from "./delivery-load.js"
import type { Connect, Load } from "./delivery-load.js"
import {
  MASTER,
  sameBodies,
  serve,
  serveBare,
  serveOutlets,
  siteSetup,
  targetOf,
} from "./delivery-sites.js"
import type { Setup } from "./delivery-sites.js"
import { SlowCores } from "./slow-cores.js"

const SELF = fileURLToPath(import.meta.url)
/** To each process that serves. */
const CONNECTIONS = 8
/** Of a real core, for each of them: two take half of one, and leave enough for all that is beside them. */
const SLOW_CORE = 0.25
/** See bench/delivery.ts: the far site remembers what nobody fetches for a second. */
const FORGOTTEN_MS = 1500
const TICKS_PER_S = 100

interface Order {
  readonly setup: Setup
  readonly count: number
}

interface Served {
  readonly port: number
  /** All that serve, the first of them first. */
  readonly pids: readonly number[]
}

/** A server: does as it is told, and ends with the bench. */
function child(): void {
  process.once("disconnect", () => process.exit())
  process.once("message", (order: Order) => {
    void begin(order).then((served) => process.send?.(served))
  })
}

async function begin({ setup, count }: Order): Promise<Served> {
  if (setup.kind === "far") return { port: await serve(setup), pids: [process.pid] }
  if (setup.kind === "bare") return beginCluster(setup, count)
  if (count === 0) return { port: await serve(setup), pids: [process.pid] }
  const command = [...process.execArgv, SELF, "--outlet"]
  const outlets = await serveOutlets(setup, count, command)
  return { port: outlets.port, pids: [process.pid, ...outlets.pids] }
}

async function beginCluster(setup: Setup, count: number): Promise<Served> {
  cluster.setupPrimary({ exec: SELF, args: ["--worker"] })
  const workers = Array.from({ length: count }, () => cluster.fork())
  const ports = await Promise.all(
    workers.map(async (worker) => {
      // Before it listens to its primary, what it is told is lost.
      await once(worker, "message")
      const told = once(worker, "message") as Promise<[number]>
      worker.send(setup)
      return (await told)[0]
    }),
  )
  return {
    port: ports[0] ?? 0,
    pids: [process.pid, ...workers.flatMap(({ process: { pid } }) => pid ?? [])],
  }
}

/** One of a bare server's. */
function worker(): void {
  process.once("message", (setup: Setup) => {
    void serveBare(setup, sameBodies()).then((port) => process.send?.(port))
  })
  process.send?.("ready")
}

async function started(order: Order): Promise<Served & { readonly run: ChildProcess }> {
  const run = fork(SELF, ["--server"])
  const told = once(run, "message") as Promise<[Served]>
  run.send(order)
  return { ...(await told)[0], run }
}

/** User and system time of a process so far, microseconds. */
function cpuUs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1")
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_S
}

interface Round {
  readonly perS: number
  /** Of a request: of each process of the server, of the client, of the far site. */
  readonly servers: readonly number[]
  readonly client: number
  readonly far: number
}

interface Server extends Served {
  readonly name: string
  readonly run: ChildProcess
  /** Processes that serve beside each other. */
  readonly serving: number
  readonly farPid?: number
}

async function round(server: Server, load: Load, requests: number): Promise<Round> {
  // Lots follow demand: a tenth of a second until they are there.
  await load.max(requests / 5)
  const pids = [...server.pids, load.pid ?? process.pid, server.farPid ?? process.pid]
  const before = pids.map(cpuUs)
  const seconds = await load.max(requests)
  const each = pids.map((pid, nth) => (cpuUs(pid) - (before[nth] ?? 0)) / requests)
  const [client = 0, far = 0] = each.slice(-2)
  return {
    perS: requests / seconds,
    ...{ servers: each.slice(0, -2), client, far: server.farPid === undefined ? 0 : far },
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function main(): Promise<void> {
  const smoke = process.argv.includes("--smoke")
  const rounds = smoke ? 1 : 7
  const requests = smoke ? 1000 : 40_000
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-cores-"))
  const authority = createAuthority("bench", validFor(1))
  const sae = issueSaeCertificate(authority, MASTER, validFor(1))
  const side = { identity: sae, authority: authority.certificatePem }
  const connect = lightClient(folder, side)
  if (connect === undefined) return
  const common = {
    ...{ sae, authority: authority.certificatePem },
    server: issueServerCertificate(authority, "kme", ["127.0.0.1"], validFor(1)),
  }
  const all: Server[] = []
  const farRuns: ChildProcess[] = []
  for (const count of [0, 1, 2]) {
    const own = path.join(folder, `node-${count}`)
    for (const index of [0, 1]) mkdirSync(path.join(own, `keys-${index}`), { recursive: true })
    const site = {
      ...common,
      ...{ folder: own, sites: [siteSetup(1), siteSetup(2)] as const },
      ...{ linkId: randomUUID(), appId: randomUUID(), seed: randomBytes(32).toString("hex") },
    }
    const far = await started({ setup: { ...site, kind: "far" }, count: 0 })
    farRuns.push(far.run)
    const near = { setup: { ...site, kind: "014" as const, relayPort: far.port }, count }
    const name = count === 0 ? "node by itself" : `node, ${count} outlet${count === 1 ? "" : "s"}`
    const node = { ...(await started(near)), name, serving: Math.max(1, count) }
    all.push({ ...node, ...(far.pids[0] && { farPid: far.pids[0] }) })
    if (count === 0) continue
    const bare = await started({ setup: { ...site, kind: "bare" }, count })
    const workers = `bare, ${count} worker${count === 1 ? "" : "s"}`
    all.push({ ...bare, name: workers, serving: count })
  }
  console.log(
    `enc_keys, one of 256 bits, ${CONNECTIONS} connections a process, ${cpus().length} cores:`,
  )
  print(all, await measured(all, connect, side, rounds, requests))
  const slow = SlowCores.open()
  if (slow === undefined) console.log("no slower cores: control groups cannot be made here")
  else {
    const several = all.filter(({ pids }) => pids.length > 1)
    for (const { pids } of several) for (const pid of pids.slice(1)) slow.put(pid, SLOW_CORE)
    console.log(`each outlet and worker on a core of its own, ${SLOW_CORE} of a real one:`)
    print(several, await measured(several, connect, side, rounds, requests / 2))
  }
  const runs = [...all.map(({ run }) => run), ...farRuns]
  const ended = runs.map((run) => once(run, "exit"))
  for (const run of runs) run.disconnect()
  await Promise.all(ended)
  // Workers and outlets end with what they belong to, a moment later.
  await pause(FORGOTTEN_MS)
  slow?.close()
  rmSync(folder, { recursive: true })
}

async function measured(
  all: readonly Server[],
  connect: Connect,
  side: { readonly identity: Setup["sae"]; readonly authority: string },
  rounds: number,
  requests: number,
): Promise<Map<Server, Round[]>> {
  const results = new Map<Server, Round[]>(all.map((server) => [server, []]))
  const cores = `0-${cpus().length - 1}`
  // The first rounds warm up: code is compiled, heaps have grown.
  for (let i = rounds === 1 ? 0 : -2; i < rounds; i++) {
    for (const server of all) {
      if (server.farPid !== undefined) await pause(FORGOTTEN_MS)
      const connections = CONNECTIONS * server.serving
      const target = { ...side, port: server.port, path: targetOf(1), connections }
      const load = await connect({ ...target, cores })
      const result = await round(server, load, requests)
      load.close()
      if (i >= 0) results.get(server)?.push(result)
    }
  }
  return results
}

function print(all: readonly Server[], results: ReadonlyMap<Server, readonly Round[]>): void {
  const of = (server: Server | undefined, what: (round: Round) => number): number =>
    median((server && results.get(server))?.map(what) ?? [])
  const sum = ({ servers }: Round): number => servers.reduce((total, each) => total + each, 0)
  for (const server of all) {
    const each = server.pids.map((_, nth) =>
      of(server, ({ servers }) => servers[nth] ?? 0).toFixed(1),
    )
    const beside = each.length > 1 ? `, beside it ${each.slice(1).join(" and ")}` : ""
    console.log(
      `  ${server.name.padEnd(15)} ${of(server, ({ perS }) => perS)
        .toFixed(0)
        .padStart(6)} requests/s, ` +
        `${of(server, sum).toFixed(1)} us server CPU a request (its own process ${each[0] ?? ""}${beside}); ` +
        `client ${of(server, ({ client }) => client).toFixed(1)}` +
        (server.farPid === undefined
          ? ""
          : `, far site ${of(server, ({ far }) => far).toFixed(1)}`),
    )
  }
  for (const kind of ["node", "bare"]) {
    const [one, two] = all.filter(({ name }) => name.startsWith(`${kind},`))
    const perS = of(two, (round) => round.perS) / of(one, (round) => round.perS)
    const room = (2 * of(one, sum)) / of(two, sum)
    console.log(
      `  ${kind}: two to one ${perS.toFixed(2)} by requests/s beside client and far site; ` +
        `by server CPU a request two cores carry ${room.toFixed(2)} times what one does`,
    )
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

if (!isBuilt(import.meta.url)) await runBuilt(import.meta.url)
else if (process.argv.includes("--outlet")) await import("../src/cli/node-outlet.js")
else if (process.argv.includes("--worker")) worker()
else if (process.argv.includes("--server")) child()
else await main()
