// How long a pair of SAEs that never met waits for its first key: from `enc_keys` to its answer, path set-up over
// real NETCONF sessions to real node agents included. All ordered pairs of a 14-node network (the shape of NSFNET,
// with 21 links of 20 kbit/s). Prints the distribution by step; asserts nothing.
//
//   npm run build && npx tsx bench/setup.ts
//
// Steps are seen from outside: the WebSocket tells when the service was decided, when its relays had confirmed and
// when both ends had; the rest is asking, relaying the key and answering.

import { readFileSync } from "node:fs"
import https from "node:https"
import { WebSocket } from "ws"
import {
  type DemoFile,
  freshDir,
  removeDir,
  startDemo,
  writeTopology,
} from "../test/support/demo.js"

const LINKS =
  "1-2 1-3 1-8 2-3 2-4 3-6 4-5 4-11 5-6 5-7 6-10 6-14 7-8 7-10 8-9 9-10 9-12 9-13 11-12 11-13 12-14".split(
    " ",
  )

interface Sample {
  hops: number
  totalMs: number
  askToDecidedMs?: number
  relaysMs?: number
  endsMs?: number
  restMs?: number
}

interface ServiceView {
  state: string
  path?: { phase: string; nodes: string[] }
  next?: { phase: string; nodes: string[] }
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

function row(name: string, values: readonly number[]): string {
  const sorted = values.filter((v) => Number.isFinite(v)).sort((a, b) => a - b)
  const f = (q: number): string => quantile(sorted, q).toFixed(1).padStart(7)
  return `  ${name.padEnd(34)} ${String(sorted.length).padStart(4)} ${f(0.1)} ${f(0.5)} ${f(0.9)} ${f(0.99)}`
}

function ask(agent: https.Agent, url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { agent, method: "GET" }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (body += chunk))
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body })
      })
    })
    request.on("error", reject)
    request.end()
  })
}

async function main(): Promise<void> {
  const dir = freshDir()
  const names = Array.from({ length: 14 }, (_, i) => `n${i + 1}`)
  const topology = writeTopology(dir, {
    name: "14 nodes, 21 links",
    nodes: names.map((name) => ({ name })),
    links: LINKS.map((pair) => {
      const [a, b] = pair.split("-")
      return { a: `n${a ?? ""}`, b: `n${b ?? ""}`, lossDb: 10, skrBps: 20_000 }
    }),
  })
  const demo = await startDemo({ dir, topology, readyMs: 90_000 })
  try {
    console.log(`  up: ${demo.output().trim().split("\n").at(-3) ?? ""}`)
    const { file } = demo
    const nodeOf = new Map(file.nodes.map((n) => [n.name, n]))
    const agents = new Map(
      file.saes.map((sae) => [
        sae.saeId,
        new https.Agent({
          keepAlive: true,
          maxSockets: 1,
          cert: readFileSync(sae.certFile),
          key: readFileSync(sae.keyFile),
          ca: readFileSync(sae.caFile),
        }),
      ]),
    )
    const url = (sae: DemoFile["saes"][number], rest: string): string =>
      `${nodeOf.get(sae.node)?.etsi014 ?? ""}/api/v1/keys/${rest}`
    // The TLS handshake is not part of the question: each SAE has its connection first.
    for (const sae of file.saes)
      await ask(agents.get(sae.saeId) ?? new https.Agent(), url(sae, `${sae.saeId}/status`))

    const steps = new Map<string, number>()
    const socket = new WebSocket(
      `${file.controller.url.replace("http", "ws")}/api/v1/events`,
      "keyloom.v1",
      {
        headers: { authorization: `Bearer ${file.controller.token}` },
      },
    )
    await new Promise<void>((resolve) =>
      socket.once("open", () => {
        resolve()
      }),
    )
    socket.send(JSON.stringify({ op: "subscribe", id: "bench", topics: ["service"] }))
    socket.on("message", (data: Buffer) => {
      const { value } = JSON.parse(data.toString("utf8")) as { value?: ServiceView | null }
      if (value === undefined || value === null) return
      const path = value.path ?? value.next
      const mark = value.state === "active" ? "up" : (path?.phase ?? value.state)
      if (!steps.has(mark)) steps.set(mark, performance.now())
      if (path !== undefined) steps.set("hops", path.nodes.length - 1)
    })
    await new Promise((done) => setTimeout(done, 500))

    const fresh: Sample[] = []
    const known: number[] = []
    const seen = new Set<string>()
    for (const master of file.saes) {
      for (const slave of file.saes.filter((s) => s !== master)) {
        steps.clear()
        const first = !seen.has(`${slave.saeId} ${master.saeId}`)
        seen.add(`${master.saeId} ${slave.saeId}`)
        const startedAt = performance.now()
        const answer = await ask(
          agents.get(master.saeId) ?? new https.Agent(),
          url(master, `${slave.saeId}/enc_keys`),
        )
        const totalMs = performance.now() - startedAt
        if (answer.status !== 200) {
          console.log(`  ${master.saeId} -> ${slave.saeId}: ${answer.status} ${answer.body}`)
          continue
        }
        if (!first) {
          known.push(totalMs)
          continue
        }
        await new Promise((done) => setTimeout(done, 20))
        const decided = steps.get("relays") ?? steps.get("ends") ?? Number.NaN
        const relays = steps.get("ends") ?? Number.NaN
        const up = steps.get("up") ?? Number.NaN
        fresh.push({
          hops: steps.get("hops") ?? Number.NaN,
          totalMs,
          askToDecidedMs: decided - startedAt,
          relaysMs: relays - decided,
          endsMs: up - relays,
          restMs: startedAt + totalMs - up,
        })
      }
    }
    socket.close()
    for (const agent of agents.values()) agent.destroy()
    console.log(`\n  ms${" ".repeat(35)}   n     p10  median     p90     p99`)
    console.log(
      row(
        "first key of a new pair",
        fresh.map((s) => s.totalMs),
      ),
    )
    // Programs that have just started are slow for a while: the later half tells what a running network does.
    const later = fresh.slice(Math.floor(fresh.length / 2))
    console.log(
      row(
        "  the later half of them",
        later.map((s) => s.totalMs),
      ),
    )
    console.log(
      row(
        "  asked, told, decided, stored",
        fresh.map((s) => s.askToDecidedMs ?? Number.NaN),
      ),
    )
    console.log(
      row(
        "  relay nodes told and confirmed",
        fresh.filter((s) => s.hops > 1).map((s) => s.relaysMs ?? Number.NaN),
      ),
    )
    console.log(
      row(
        "  both ends told and confirmed",
        fresh.map((s) => s.endsMs ?? Number.NaN),
      ),
    )
    console.log(
      row(
        "  key relayed, stored, answered *",
        fresh.map((s) => s.restMs ?? Number.NaN),
      ),
    )
    for (const hops of [1, 2, 3, 4]) {
      console.log(
        row(
          `  over ${hops} hop${hops > 1 ? "s" : ""}`,
          fresh.filter((s) => s.hops === hops).map((s) => s.totalMs),
        ),
      )
    }
    console.log(row("key of a pair that has its path", known))
    console.log("  * after both ends confirmed; negative when the answer overtook the confirmation")
  } finally {
    await demo.stop()
    removeDir(dir)
  }
}

await main()
