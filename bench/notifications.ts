// Notifications to many subscribers: our NETCONF server beside netconfd (Debian, yuma123, in C). One session makes
// edits, each of which both servers tell as netconf-config-change (RFC 6470) to every session that has subscribed. The
// subscribers only count what arrives, so that the time is the servers'. Prints milliseconds from the first edit to the
// last notification at the last subscriber, the processor time of either server, and ratios; asserts nothing.
//
//   npx tsx bench/notifications.ts [notifications] [subscribers] [rounds]

import { fork } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir, userInfo } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Client } from "ssh2"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import { connectNetconfSsh } from "../src/transport/ssh.js"
import type { Served, ServeRequest } from "./netconf-server.js"
import { hasNetconfd, startNetconfd } from "./netconfd.js"

const NOTIFICATIONS = Number(process.argv[2] ?? "1000")
const SUBSCRIBERS = Number(process.argv[3] ?? "50")
const ROUNDS = Number(process.argv[4] ?? "5")
const LINKS = 100
/** Edits on their way at once. */
const PIPELINE = 16
const NS = "urn:keyloom:bench-links"
/** USER_HZ: /proc counts processor time in these. */
const TICKS_PER_SECOND = 100
const HELLO =
  '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>'
const SUBSCRIBE = `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><filter type="subtree"><netconf-config-change xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"/></filter></create-subscription></rpc>]]>]]>`
const END = "</notification>"

interface Login {
  readonly port: number
  readonly username: string
  readonly privateKey: string
}

/** A session of NETCONF 1.0 that counts notifications and reads nothing in them. */
class Counter {
  count = 0
  #tail = ""
  #client = new Client()
  #waiting: { readonly count: number; readonly done: () => void } | undefined

  async open({ port, username, privateKey }: Login): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client.once("ready", resolve).once("error", reject)
      this.#client.connect({ host: "127.0.0.1", port, username, privateKey })
    })
    await new Promise<void>((resolve, reject) => {
      this.#client.subsys("netconf", (error, channel) => {
        if (error !== undefined) {
          reject(error)
          return
        }
        let ready = false
        let greeted = false
        channel.on("data", (bytes: Buffer) => {
          const text = this.#tail + bytes.toString("latin1")
          // netconfd loses what comes in one piece with a hello.
          if (!greeted) {
            greeted = true
            setTimeout(() => channel.write(SUBSCRIBE), 200)
          }
          if (!ready && text.includes("rpc-reply")) {
            ready = true
            resolve()
          }
          for (let at = text.indexOf(END); at >= 0; at = text.indexOf(END, at + 1)) this.count++
          this.#tail = text.endsWith(END) ? "" : text.slice(1 - END.length)
          if (this.#waiting !== undefined && this.count >= this.#waiting.count) this.#waiting.done()
        })
        channel.write(HELLO)
      })
    })
  }

  until(count: number): Promise<void> {
    return new Promise((done) => {
      if (this.count >= count) done()
      else this.#waiting = { count, done }
    })
  }

  close(): void {
    this.#client.end()
  }
}

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

interface Contender {
  readonly name: string
  readonly subscribers: readonly Counter[]
  readonly pids: () => readonly number[]
  /** @returns when the last edit is answered. */
  readonly edit: (count: number) => Promise<void>
  readonly close: () => Promise<void>
}

async function contender(
  name: string,
  served: Served,
  login: Omit<Login, "port">,
  privateKeyFile: string,
  pids: () => readonly number[],
): Promise<Contender> {
  const { username } = login
  const editor = await connectNetconfSsh(
    { host: "127.0.0.1", username, privateKeyFile, ...served },
    { rpcTimeoutMs: 120_000, ciphers: "gcm-ctr" },
  )
  const subscribers = Array.from({ length: SUBSCRIBERS }, () => new Counter())
  for (const subscriber of subscribers) await subscriber.open({ port: served.port, ...login })
  let next = 0
  const worker = async (until: number): Promise<void> => {
    while (next < until) {
      const n = next++
      const link = `<link><id>link-${n % LINKS}</id><rate>${1_000_000 + n}</rate></link>`
      await editor.editConfig("running", `<network xmlns="${NS}">${link}</network>`)
    }
  }
  return {
    name,
    subscribers,
    pids,
    edit: async (count) => {
      const until = next + count
      await Promise.all(Array.from({ length: PIPELINE }, () => worker(until)))
    },
    close: async () => {
      for (const subscriber of subscribers) subscriber.close()
      await editor.close()
    },
  }
}

interface Figures {
  readonly ms: number
  readonly cpuMs: number
}

async function round(one: Contender, count: number): Promise<Figures> {
  const wanted = one.subscribers.map((s) => s.count + count)
  const cpu = processorMs(one.pids())
  const start = performance.now()
  const all = Promise.all(one.subscribers.map((s, i) => s.until(wanted[i] ?? 0)))
  await one.edit(count)
  await all
  return { ms: performance.now() - start, cpuMs: processorMs(one.pids()) - cpu }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function main(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-bench-"))
  const { username } = userInfo()
  const user = generateSshKey()
  const privateKeyFile = path.join(dir, "id")
  writeFileSync(privateKeyFile, user.privateKey, { mode: 0o600 })
  const login = { username, privateKey: user.privateKey }
  const link = Array.from({ length: LINKS }, (_, n) => ({ id: `link-${n}`, rate: n }))
  const linkXml = link.map(({ id, rate }) => `<link><id>${id}</id><rate>${rate}</rate></link>`)
  const server = fork(fileURLToPath(new URL("netconf-server.ts", import.meta.url)), {
    execArgv: ["--import=tsx"],
  })
  const served = new Promise<Served>((resolve) => server.once("message", resolve))
  server.send({
    initial: { "bench-links:network": { link } },
    username,
    publicKey: user.publicKey,
    implement: ["ietf-netconf-notifications"],
  } satisfies ServeRequest)
  const contenders = [
    await contender("ours", await served, login, privateKeyFile, () => [server.pid ?? 0]),
  ]
  const netconfd = hasNetconfd()
    ? await startNetconfd({
        module: fileURLToPath(new URL("links.yang", import.meta.url)),
        target: "running",
        startup: `<?xml version="1.0" encoding="UTF-8"?>\n<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><network xmlns="${NS}">${linkXml.join("")}</network></config>`,
        publicKey: user.publicKey,
        // As many notifications at once as there are.
        more: ["--max-burst=0"],
      })
    : undefined
  try {
    if (netconfd === undefined) console.log("netconfd (Debian) is not here: our server alone\n")
    else
      contenders.push(
        await contender("netconfd", netconfd, login, privateKeyFile, () => netconfd.pids()),
      )
    console.log(`Node ${process.version}, ${cpus().length} CPUs, ${cpus()[0]?.model ?? "unknown"}`)
    console.log(
      `${NOTIFICATIONS} notifications by edits to ${SUBSCRIBERS} subscribers, median of ${ROUNDS} rounds\n`,
    )
    const figures = contenders.map((): Figures[] => [])
    for (const one of contenders) await round(one, 100)
    for (let n = 0; n < ROUNDS; n++)
      for (const [i, one] of contenders.entries()) figures[i]?.push(await round(one, NOTIFICATIONS))
    const medians = figures.map((f) => ({
      ms: median(f.map((each) => each.ms)),
      cpuMs: median(f.map((each) => each.cpuMs)),
    }))
    for (const [i, { name }] of contenders.entries()) {
      const { ms = 0, cpuMs = 0 } = medians[i] ?? {}
      const perSecond = (NOTIFICATIONS * SUBSCRIBERS * 1000) / ms
      console.log(
        `${name.padEnd(10)} ${ms.toFixed(0).padStart(7)} ms  ${perSecond.toFixed(0).padStart(8)} delivered/s  ${cpuMs.toFixed(0).padStart(7)} ms CPU of the server`,
      )
    }
    const [ours, theirs] = medians
    if (ours !== undefined && theirs !== undefined)
      console.log(
        `\nnetconfd takes ${(theirs.ms / ours.ms).toFixed(2)} times as long, and ${(theirs.cpuMs / ours.cpuMs).toFixed(2)} times the processor`,
      )
    await Promise.all(contenders.map((one) => one.close()))
  } finally {
    netconfd?.stop()
    server.kill()
    rmSync(dir, { recursive: true })
  }
}

await main()
process.exit(0)
