// Our NETCONF server beside netconfd (Debian, yuma123, in C): the same module, the same configuration of 10,000 links,
// the same client over SSH, taking turns request by request so that what else the machine does falls on both.
// Prints medians, the processor time of either server, and ratios; asserts nothing.
//
//   npx tsx bench/netconf.ts [links]
//
// netconfd serves running or candidate, so it is started once for each. Both keep their configuration in memory.

import { fork } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir, userInfo } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { NetconfClientSession } from "../src/netconf/client.js"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import { connectNetconfSsh } from "../src/transport/ssh.js"
import type { JsonObject } from "../src/yang/json-text.js"
import type { Served, ServeRequest } from "./netconf-server.js"
import { hasNetconfd, startNetconfd } from "./netconfd.js"

const NS = "urn:keyloom:bench-links"
const LINKS = Number(process.argv[2] ?? "10000")
/** A work ends after its rounds or this time, whichever comes first. */
const MOST_MS = 15_000
/**
 * Each server does the work for so long before it is measured: servers run for months. In its first second ours is not
 * compiled yet and takes up to four times as long; netconfd is C from the first request on.
 */
const WARM_MS = 3_000
/** USER_HZ: /proc counts processor time in these. */
const TICKS_PER_SECOND = 100

interface Contender {
  readonly session: NetconfClientSession
  readonly pids: () => readonly number[]
}

interface Work {
  readonly name: string
  readonly rounds: number
  readonly run: (session: NetconfClientSession, round: number) => Promise<unknown>
}

function linkXml(n: number): string {
  return `<link><id>link-${n}</id><a>site-${n % 100}</a><b>site-${(n * 7) % 100}</b><rate>${n * 10}</rate><loss>12.5</loss></link>`
}

function linkData(n: number): JsonObject {
  return {
    id: `link-${n}`,
    a: `site-${n % 100}`,
    b: `site-${(n * 7) % 100}`,
    rate: n * 10,
    loss: "12.5",
  }
}

const network = (inner: string): string => `<network xmlns="${NS}">${inner}</network>`
const oneLeaf = (round: number): string =>
  network(`<link><id>link-${(round * 37) % LINKS}</id><rate>${round}</rate></link>`)

const COMMON: readonly Work[] = [
  {
    name: "get-config, one link by its key",
    rounds: 1000,
    run: (session, round) =>
      session.getConfig("running", network(`<link><id>link-${(round * 37) % LINKS}</id></link>`)),
  },
  {
    name: "get-config, the links of one site (1 in 100)",
    rounds: 500,
    run: (session, round) =>
      session.getConfig("running", network(`<link><a>site-${round % 100}</a></link>`)),
  },
  {
    name: `get-config, all ${LINKS} links`,
    rounds: LINKS > 1000 ? 8 : 200,
    run: (session) => session.getConfig("running", network("")),
  },
]
const RUNNING: readonly Work[] = [
  ...COMMON,
  {
    name: "edit-config running, one leaf",
    rounds: 200,
    run: (session, round) => session.editConfig("running", oneLeaf(round)),
  },
  {
    name: "edit-config running, 100 new links and away again",
    rounds: 10,
    run: async (session) => {
      const ids = Array.from({ length: 100 }, (_, n) => LINKS + n)
      await session.editConfig("running", network(ids.map(linkXml).join("")))
      const gone = ids.map((n) => `<link nc:operation="delete"><id>link-${n}</id></link>`)
      await session.editConfig(
        "running",
        network(gone.join("")).replace(
          "<network",
          '<network xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"',
        ),
      )
    },
  },
]
const CANDIDATE: readonly Work[] = [
  {
    name: "edit-config candidate, one leaf, and commit",
    rounds: 100,
    run: async (session, round) => {
      await session.editConfig("candidate", oneLeaf(round))
      await session.rpc("<commit/>")
    },
  },
]

function processorMs(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")
      ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It has ended meanwhile.
    }
  }
  return (ticks * 1000) / TICKS_PER_SECOND
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function compare(ours: Contender, theirs: Contender, work: Work): Promise<void> {
  const both = [ours, theirs]
  const times: number[][] = [[], []]
  for (const { session } of both) {
    const until = performance.now() + WARM_MS
    do await work.run(session, 0)
    while (performance.now() < until)
  }
  const before = both.map(({ pids }) => processorMs(pids()))
  const until = performance.now() + MOST_MS
  let rounds = 0
  for (; rounds < work.rounds && performance.now() < until; rounds++) {
    for (const [i, { session }] of both.entries()) {
      const start = performance.now()
      await work.run(session, rounds + 1)
      times[i]?.push(performance.now() - start)
    }
  }
  const [ourMs = 0, theirMs = 0] = times.map(median)
  const [ourCpu = 0, theirCpu = 0] = both.map(
    ({ pids }, i) => (processorMs(pids()) - (before[i] ?? 0)) / rounds,
  )
  const f = (ms: number): string => ms.toFixed(2).padStart(9)
  console.log(
    `${work.name.padEnd(50)} ${f(ourMs)} ${f(theirMs)} ${(theirMs / ourMs).toFixed(2).padStart(7)}x  ${f(ourCpu)} ${f(theirCpu)}`,
  )
}

async function main(): Promise<void> {
  if (!hasNetconfd()) {
    console.log("netconfd and openssh-server (Debian packages) are wanted for this bench")
    return
  }
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-bench-"))
  const { username } = userInfo()
  const user = generateSshKey()
  const privateKeyFile = path.join(dir, "id")
  writeFileSync(privateKeyFile, user.privateKey, { mode: 0o600 })
  const numbers = Array.from({ length: LINKS }, (_, n) => n)
  const server = fork(fileURLToPath(new URL("netconf-server.ts", import.meta.url)), {
    execArgv: ["--import=tsx"],
  })
  const served = new Promise<Served>((resolve) => server.once("message", resolve))
  server.send({
    initial: { "bench-links:network": { link: numbers.map(linkData) } },
    username,
    publicKey: user.publicKey,
  } satisfies ServeRequest)
  const connect = (at: Served): Promise<NetconfClientSession> =>
    connectNetconfSsh(
      { host: "127.0.0.1", username, privateKeyFile, ...at },
      { rpcTimeoutMs: 120_000, ciphers: "gcm-ctr" },
    )
  const session = await connect(await served)
  const ours: Contender = { session, pids: () => [server.pid ?? 0] }
  console.log(`Node ${process.version}, ${cpus().length} CPUs, ${cpus()[0]?.model ?? "unknown"}`)
  console.log(`${LINKS} links; milliseconds a request, median\n`)
  console.log(
    `${"".padEnd(50)} ${"ours".padStart(9)} ${"netconfd".padStart(9)} ${"ratio".padStart(8)}  ${"ours CPU".padStart(9)} ${"its CPU".padStart(9)}`,
  )
  try {
    for (const target of ["running", "candidate"] as const) {
      const netconfd = await startNetconfd({
        module: fileURLToPath(new URL("links.yang", import.meta.url)),
        target,
        startup: `<?xml version="1.0" encoding="UTF-8"?>\n<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">${network(numbers.map(linkXml).join(""))}</config>`,
        publicKey: user.publicKey,
      })
      try {
        const theirs: Contender = { session: await connect(netconfd), pids: () => netconfd.pids() }
        for (const work of target === "running" ? RUNNING : CANDIDATE)
          await compare(ours, theirs, work)
        await theirs.session.close()
      } finally {
        netconfd.stop()
      }
    }
  } finally {
    await session.close()
    server.kill()
    rmSync(dir, { recursive: true })
  }
}

await main()
