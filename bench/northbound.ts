// The controller's YANG tree over a large network: 1,000 nodes, 2,000 links, 10,000 services. What an order costs until
// running shows it, an edit, a read of one service, a read of everything. Medians, one process, no socket.
//
//   node --import tsx bench/northbound.ts

import { randomUUID } from "node:crypto"
import { Controller } from "../src/controller/controller.js"
import type { Event } from "../src/core/event.js"
import type { Change, NetworkLink, NetworkNode } from "../src/model/network.js"
import type { Service } from "../src/model/service.js"
import { NetconfServer } from "../src/netconf/server.js"
import { NetworkBackend } from "../src/north/network-backend.js"
import { networkSchema } from "../src/north/network-schema.js"
import { OrderGate } from "../src/north/order-gate.js"
import { MemoryStore } from "../src/store/memory.js"
import { systemClock } from "../src/transport/ssh-clock.js"
import { filterSubtree } from "../src/yang/filter.js"
import { encodeXml } from "../src/yang/xml.js"
import { childrenOf, parseXml } from "../src/yang/xml-tree.js"

const NODES = 1000
const SERVICES = 10_000
const NET = "urn:keyloom:yang:keyloom-network"
const CON = "urn:keyloom:yang:keyloom-connectivity"

const time = "2026-01-01T00:00:00.000Z"
const ids = Array.from({ length: NODES }, () => randomUUID())
const nodes = ids.map(
  (qkdnId, i): NetworkNode => ({
    qkdnId,
    name: `node ${i}`,
    relay: true,
    driver: "etsi015",
    target: {
      host: "127.0.0.1",
      port: 830,
      username: "controller",
      privateKeyFile: "controller.ssh",
      hostKeyFingerprint: `SHA256:${"A".repeat(43)}`,
    },
    reach: "connected",
    interfaces: [],
    saeIds: [`sae-${i}`],
    listedSaeIds: [`sae-${i}`],
  }),
)
const at = (i: number): NetworkNode => {
  const node = nodes[i % NODES]
  if (node === undefined) throw new Error("no such node")
  return node
}
const links = Array.from({ length: 2 * NODES }, (_, i): NetworkLink => {
  const step = i < NODES ? 1 : 37
  const [a, b] = [at(i), at(i + step)]
  return {
    qkdlId: randomUUID(),
    a: { qkdnId: a.qkdnId, qkdiId: i < NODES ? 1 : 3 },
    b: { qkdnId: b.qkdnId, qkdiId: i < NODES ? 2 : 4 },
    srlg: [],
    enabled: true,
    endA: { performance: {} },
    endB: { performance: {} },
    status: "ACTIVE",
    performance: { skrBps: 100_000, eskrBps: 99_000, qber: 0.02, stockBits: 1e7 },
    capacityBps: 1e9,
  }
})
const services = Array.from({ length: SERVICES }, (_, n): Service => {
  const i = n % NODES
  const link = links[i]
  const [a, b] = [at(i), at(i + 1)]
  if (link === undefined) throw new Error("no such link")
  return {
    serviceId: randomUUID(),
    origin: "order",
    a: { saeId: `sae-${i}`, qkdnId: a.qkdnId },
    b: { saeId: `peer-${n}`, qkdnId: b.qkdnId },
    terms: { minRateBps: 10, priority: 0, avoidNodes: [] },
    state: "active",
    path: {
      qkdlId: link.qkdlId,
      hops: [{ qkdlId: link.qkdlId, from: a.qkdnId, to: b.qkdnId }],
      nodes: [a.qkdnId, b.qkdnId],
      rateBps: 10,
      phase: "up",
      awaiting: [],
      sinceRevision: 0,
    },
    leaving: [],
    createdAt: time,
    changedAt: time,
  }
})

async function main(): Promise<void> {
  const store = new MemoryStore()
  const changes: Change[] = [
    ...nodes.map((value): Change => ({ kind: "node", id: value.qkdnId, value })),
    ...links.map((value): Change => ({ kind: "link", id: value.qkdlId, value })),
    ...services.map((value): Change => ({ kind: "service", id: value.serviceId, value })),
  ]
  await store.commit(0, changes)
  const controller = await Controller.open({
    store,
    now: Date.now,
    newId: randomUUID,
    schedule: () => () => undefined,
    epoch: "bench",
    log: () => undefined,
  })
  const schema = networkSchema()
  const begun = performance.now()
  const backend = new NetworkBackend({
    controller,
    schema,
    startedMs: Date.now(),
    log: () => undefined,
  })
  const server = new NetconfServer({
    backend,
    initial: backend.initial,
    clock: systemClock,
    candidate: true,
  })
  backend.attach(server)
  console.log(`open: ${(performance.now() - begun).toFixed(0)} ms`)
  const gate = new OrderGate(controller, (work) => backend.ordered(work))
  const caller = { sessionId: 1, username: "bench", address: "", groups: ["operator"] }

  await measure("order by another face, until running shows it", 100, (n) =>
    gate.submit(order(n)).then((reply) => {
      if (!reply.ok) throw new Error(reply.message)
    }),
  )
  await measure("edit-config of one service", 100, (n) =>
    server.datastore.edit(
      { edit: [parseXml(editXml(n))], defaultOperation: "merge", testOnly: false },
      caller,
    ),
  )
  const wanted = services[5000]?.serviceId ?? ""
  const filter = childrenOf(
    parseXml(
      `<filter><qkd_network xmlns="${NET}"><qkd_apps xmlns="${CON}"><qkd_app><app_id>${wanted}</app_id></qkd_app></qkd_apps></qkd_network></filter>`,
    ),
  )
  await measure("get of one service", 50, () => {
    const xml = encodeXml(schema, filterSubtree(schema, server.datastore.data(caller), filter))
    if (!xml.includes("active")) throw new Error("it is not there")
  })
  await measure("get of everything, as XML", 5, () => {
    const xml = encodeXml(schema, server.datastore.data(caller))
    if (xml.length < 1e6) throw new Error("it is too short")
  })
  console.log(`memory: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`)
}

function order(n: number): Event {
  return {
    kind: "service-ordered",
    aSaeId: `sae-${n}`,
    bSaeId: `sae-${n + 1}`,
    terms: { minRateBps: 10, priority: 0, avoidNodes: [] },
  }
}

function editXml(n: number): string {
  return `<qkd_network xmlns="${NET}"><qkd_apps xmlns="${CON}"><qkd_app><app_id>${services[n]?.serviceId ?? ""}</app_id><app_priority>7</app_priority></qkd_app></qkd_apps></qkd_network>`
}

async function measure(
  what: string,
  times: number,
  work: (n: number) => Promise<void> | void,
): Promise<void> {
  const took: number[] = []
  for (let n = 0; n < times; n += 1) {
    const begun = performance.now()
    await work(n)
    took.push(performance.now() - begun)
  }
  took.sort((x, y) => x - y)
  const median = took[Math.floor(times / 2)] ?? 0
  const most = took.at(-1) ?? 0
  console.log(`${what}: median ${median.toFixed(2)} ms, most ${most.toFixed(1)} ms, ${times} times`)
}

await main()
