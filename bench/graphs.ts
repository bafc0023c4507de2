// Networks for the benches of path finding and deciding: germany50 where the shared data is there, else and besides
// generated ones (a ring with chords, mean degree four). Measures nothing.

import { existsSync, readFileSync } from "node:fs"
import { decide } from "../src/core/decide.js"
import { desiredConfig } from "../src/core/desired.js"
import type { Event } from "../src/core/event.js"
import { DEFAULT_SETTINGS } from "../src/core/settings.js"
import { Picture } from "../src/core/view.js"
import { readTopology } from "../src/model/topology-file.js"

export interface Drawn {
  readonly name: string
  readonly nodes: readonly string[]
  readonly links: readonly { readonly id: string; readonly a: string; readonly b: string }[]
}

const GERMANY50 = new URL("../../shared/data/topologies/sndlib/germany50.json", import.meta.url)

export function germany50(): Drawn | undefined {
  if (!existsSync(GERMANY50)) return undefined
  const drawn = readTopology(readFileSync(GERMANY50, "utf8"), "germany50.json")
  return {
    name: "germany50",
    nodes: drawn.nodes.map((node) => node.name),
    links: drawn.links.map(({ id, a, b }) => ({ id, a, b })),
  }
}

export function generated(size: number): Drawn {
  const nodes = Array.from({ length: size }, (_, n) => `n${n}`)
  const links = nodes.flatMap((a, n) => [
    { id: `r${n}`, a, b: `n${(n + 1) % size}` },
    { id: `c${n}`, a, b: `n${(n * 7 + 3) % size === n ? (n + 2) % size : (n * 7 + 3) % size}` },
  ])
  return { name: `generated, ${size} nodes`, nodes, links }
}

let ids = 0
const context = {
  now: Date.parse("2026-06-01T12:00:00Z"),
  newId: (): string => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, "0")}`,
  settings: DEFAULT_SETTINGS,
}

/** A picture to decide on, and the way to decide: applies the changes and gives the effects. */
export function picture(drawn: Drawn): { picture: Picture; submit: (event: Event) => Event[] } {
  const made = new Picture()
  const submit = (event: Event): Event[] => {
    const { changes, effects } = decide(made, event, context)
    made.apply(changes, made.revision + 1)
    return effects.flatMap((effect) =>
      effect.kind === "sync-node"
        ? [{ kind: "node-synced" as const, qkdnId: effect.qkdnId, revision: made.revision }]
        : [],
    )
  }
  const used = new Map<string, number>()
  const end = (qkdnId: string): { qkdnId: string; qkdiId: number } => {
    const qkdiId = (used.get(qkdnId) ?? 0) + 1
    used.set(qkdnId, qkdiId)
    return { qkdnId, qkdiId }
  }
  const target = { host: "h", port: 1, username: "u", privateKeyFile: "k", hostKeyFingerprint: "f" }
  for (const name of drawn.nodes) {
    const node = { qkdnId: name, name, relay: true, driver: "d", target, saeIds: [`sae-${name}`] }
    submit({ kind: "node-added", node })
  }
  drawn.links.forEach(({ id, a, b }, n) => {
    const skrBps = 10_000 + ((n * 7919) % 5000)
    submit({ kind: "link-added", link: { qkdlId: id, a: end(a), b: end(b), skrBps } })
  })
  for (const name of drawn.nodes) {
    const { links } = desiredConfig(made, name)
    submit({
      kind: "node-connected",
      qkdnId: name,
      state: {
        qkdnId: name,
        capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
        interfaces: [],
        links: links.map((link) => ({ ...link, status: "ACTIVE", appIds: [], performance: {} })),
        apps: [],
        peers: [],
      },
    })
  }
  return { picture: made, submit }
}

/** Quantiles of timings in microseconds, as text. */
export function quantiles(us: number[]): string {
  us.sort((x, y) => x - y)
  const at = (q: number): string => (us[Math.floor(q * (us.length - 1))] ?? 0).toFixed(1)
  return `median ${at(0.5)} us, 99 % ${at(0.99)} us, most ${at(1)} us`
}

export function timed(work: () => void): number {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e3
}
