// A small network that first come, first served has filled badly, for tests of re-optimisation.

import assert from "node:assert/strict"
import type { LinkInventory } from "../../src/core/event.js"
import type { ServiceTerms } from "../../src/model/service.js"
import { nodeEntry } from "../core/lab.js"
import { Bench } from "./fakes.js"

/** A square a-b-c-d with a diagonal b-d; 900 bit/s may be promised on each link. */
export function square(): Promise<Bench> {
  return network(["a-b", "b-c", "c-d", "a-d", "b-d"])
}

/** Links that generate, and the nodes that they join. */
export async function network(
  links: readonly string[],
  more: (qkdlId: string) => Partial<LinkInventory> = () => ({}),
): Promise<Bench> {
  const bench = await Bench.open()
  const names = [...new Set(links.flatMap((qkdlId) => qkdlId.split("-")))].sort()
  for (const name of names)
    await bench.submit({
      kind: "node-added",
      node: nodeEntry(name, { saeIds: [`sae-${name}`, `lab-${name}`] }),
    })
  const used = new Map<string, number>()
  const end = (qkdnId: string): { qkdnId: string; qkdiId: number } => {
    used.set(qkdnId, (used.get(qkdnId) ?? 0) + 1)
    return { qkdnId, qkdiId: used.get(qkdnId) ?? 0 }
  }
  for (const qkdlId of links) {
    const [a = "", b = ""] = qkdlId.split("-")
    const link = { qkdlId, a: end(a), b: end(b), skrBps: 1000, ...more(qkdlId) }
    await bench.submit({ kind: "link-added", link })
  }
  for (const name of names) await bench.connect(name)
  for (const link of links) await bench.status(link, "ACTIVE")
  await bench.settle()
  bench.south.submit = (event) => bench.submit(event)
  return bench
}

export async function order(
  bench: Bench,
  aSaeId: string,
  bSaeId: string,
  minRateBps: number,
  more: Partial<ServiceTerms> = {},
): Promise<string> {
  const reply = await bench.submit({
    kind: "service-ordered",
    aSaeId,
    bSaeId,
    terms: { minRateBps, priority: 0, avoidNodes: [], ...more },
  })
  await bench.settle()
  return reply.ok ? (reply.id ?? "") : assert.fail(reply.message)
}

export function linksOf(bench: Bench, serviceId: string): string[] | undefined {
  return bench.controller
    .network()
    .services.get(serviceId)
    ?.path?.hops.map(({ qkdlId }) => qkdlId)
}

/** One that was led round, and one that waits for what it takes. */
export async function crowded(): Promise<{ bench: Bench; round: string; waits: string }> {
  const bench = await square()
  const first = await order(bench, "sae-a", "sae-b", 500)
  const round = await order(bench, "lab-a", "lab-b", 500)
  assert.deepEqual(linksOf(bench, round), ["a-d", "b-d"])
  await bench.submit({ kind: "service-cancelled", serviceId: first })
  await bench.settle()
  await order(bench, "sae-c", "sae-d", 500)
  await order(bench, "sae-b", "sae-c", 500)
  const waits = await order(bench, "sae-b", "sae-d", 500)
  return { bench, round, waits }
}

/**
 * While a-d was cut, one had to go by b, and stays there now that it is mended: by d it is no shorter. Another waits for
 * what it takes of a-b. Nobody holds off from a-d any more.
 */
export async function mended(): Promise<{ bench: Bench; byB: string; waits: string }> {
  const bench = await square()
  await bench.status("a-d", "OFF")
  const byB = await order(bench, "sae-a", "sae-c", 600)
  await order(bench, "sae-b", "sae-d", 500)
  const waits = await order(bench, "lab-a", "lab-b", 500)
  await bench.status("a-d", "ACTIVE")
  await bench.pass(60_000)
  assert.deepEqual(linksOf(bench, byB), ["a-b", "b-c"])
  assert.equal(linksOf(bench, waits), undefined)
  return { bench, byB, waits }
}
