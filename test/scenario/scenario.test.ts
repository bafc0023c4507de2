// Scenario folders: `topology.json`, then numbered steps: `01-event.jsonl` goes in, `01-effects.jsonl` and
// `01-network.json` must come out. KEYLOOM_UPDATE_SCENARIOS=1 writes the outputs anew, to be read before they are
// committed.

import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { isDeepStrictEqual } from "node:util"
import { desiredConfig } from "../../src/core/desired.js"
import { decide } from "../../src/core/decide.js"
import type { Effect, Event, LinkInventory, NodeInventory } from "../../src/core/event.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { Picture } from "../../src/core/view.js"

const here = path.dirname(fileURLToPath(import.meta.url))
const update = process.env["KEYLOOM_UPDATE_SCENARIOS"] === "1"
const START = Date.parse("2026-06-01T12:00:00Z")

interface Topology {
  readonly about: string
  readonly nodes: readonly Pick<NodeInventory, "name">[]
  readonly links: readonly {
    readonly id: string
    readonly a: string
    readonly b: string
    readonly skrBps: number
  }[]
}

/** An event line: any event, `{"wait": ms}`, or one of the shorthands that stand for what nodes do. */
type Line =
  | Event
  | { readonly wait: number }
  | { readonly confirm: readonly string[] }
  | { readonly link: string; readonly status: "ACTIVE" | "PASSIVE" | "OFF" }

class Scenario {
  readonly picture = new Picture()
  now = START
  #ids = 0

  constructor(topology: Topology) {
    const used = new Map<string, number>()
    const end = (qkdnId: string): LinkInventory["a"] => {
      const qkdiId = (used.get(qkdnId) ?? 0) + 1
      used.set(qkdnId, qkdiId)
      return { qkdnId, qkdiId }
    }
    for (const { name } of topology.nodes) this.#do({ kind: "node-added", node: nodeOf(name) })
    for (const { id, a, b, skrBps } of topology.links) {
      this.#do({ kind: "link-added", link: { qkdlId: id, a: end(a), b: end(b), skrBps } })
    }
    for (const { name } of topology.nodes) {
      const { links, apps, peers } = desiredConfig(this.picture, name)
      this.#do({
        kind: "node-connected",
        qkdnId: name,
        state: {
          qkdnId: name,
          status: "OPERATING",
          capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
          interfaces: [],
          links: links.map((link) => ({
            ...link,
            status: "ACTIVE",
            appIds: [],
            performance: { skrBps: skrOf(topology, link.qkdlId) },
          })),
          apps: apps.map((app) => ({ ...app, statistics: [] })),
          peers,
        },
      })
    }
  }

  step(lines: readonly Line[]): Effect[] {
    return lines.flatMap((line): Effect[] => {
      if ("wait" in line) {
        this.now += line.wait
        return []
      }
      if ("confirm" in line) {
        return line.confirm.flatMap((qkdnId) =>
          this.#do({ kind: "node-synced", qkdnId, revision: this.picture.revision }),
        )
      }
      if ("status" in line) {
        const link = this.picture.link(line.link)
        assert(link !== undefined, `no link ${line.link}`)
        const { link: qkdlId, status } = line
        return [link.a.qkdnId, link.b.qkdnId].flatMap((qkdnId) =>
          this.#do({
            kind: "node-event",
            qkdnId,
            atMs: this.now,
            event: { kind: "event", resource: { kind: "link", qkdlId, status } },
          }),
        )
      }
      return this.#do(line)
    })
  }

  /** What a reader of a scenario wants to see of the network. */
  summary(): object {
    const { links, services, nodes } = this.picture.snapshot()
    return {
      nodes: Object.fromEntries([...nodes].map(([id, node]) => [id, node.reach])),
      links: Object.fromEntries(
        [...links].map(([id, link]) => [
          id,
          { status: link.status, reservedBps: this.picture.reservedBps(id) },
        ]),
      ),
      services: [...services.values()],
      virtualLinks: Object.fromEntries(
        [...nodes.keys()].map((id) => [
          id,
          desiredConfig(this.picture, id).links.filter((link) => link.type === "VIRT"),
        ]),
      ),
      apps: Object.fromEntries(
        [...nodes.keys()].map((id) => [id, desiredConfig(this.picture, id).apps]),
      ),
    }
  }

  #do(event: Event): Effect[] {
    const { changes, effects } = decide(this.picture, event, {
      now: this.now,
      newId: () => this.#nextId(),
      settings: DEFAULT_SETTINGS,
    })
    this.picture.apply(changes, this.picture.revision + 1)
    return [...effects]
  }

  #nextId(): string {
    this.#ids += 1
    return `00000000-0000-4000-8000-${String(this.#ids).padStart(12, "0")}`
  }
}

function nodeOf(name: string): NodeInventory {
  const target = {
    host: "127.0.0.1",
    port: 830,
    username: "controller",
    privateKeyFile: "controller.key",
    hostKeyFingerprint: "SHA256:none",
  }
  return { qkdnId: name, name, relay: true, driver: "etsi015", target, saeIds: [`sae-${name}`] }
}

function skrOf(topology: Topology, qkdlId: string): number {
  return topology.links.find((link) => link.id === qkdlId)?.skrBps ?? 0
}

function linesOf(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as unknown)
}

/** Compares with the file, or writes it when asked to. How a file is laid out does not matter. */
function expect(
  file: string,
  values: unknown,
  parse: (text: string) => unknown,
  text: string,
): void {
  const before = existsSync(file) ? parse(readFileSync(file, "utf8")) : undefined
  if (!update) assert.deepEqual(values, before, path.basename(file))
  else if (!isDeepStrictEqual(values, before)) writeFileSync(file, text)
}

describe("the scenario", () => {
  for (const entry of readdirSync(here, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const folder = path.join(here, entry.name)
    const topology = JSON.parse(
      readFileSync(path.join(folder, "topology.json"), "utf8"),
    ) as Topology
    it(`${entry.name}: ${topology.about}`, () => {
      const scenario = new Scenario(topology)
      const steps = readdirSync(folder)
        .filter((name) => /^\d\d-event\.jsonl$/.test(name))
        .sort()
      assert(steps.length > 0, "a scenario has steps")
      for (const step of steps) {
        const number = step.slice(0, 2)
        const lines = linesOf(readFileSync(path.join(folder, step), "utf8")) as Line[]
        const effects = scenario.step(lines)
        const printed = effects.map((effect) => `${JSON.stringify(effect)}\n`).join("")
        expect(path.join(folder, `${number}-effects.jsonl`), effects, linesOf, printed)
        const network: unknown = JSON.parse(JSON.stringify(scenario.summary()))
        const shown = `${JSON.stringify(network, null, 2)}\n`
        expect(path.join(folder, `${number}-network.json`), network, JSON.parse, shown)
      }
    })
  }
})
