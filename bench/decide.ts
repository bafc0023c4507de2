// How long decisions take: requests with their confirmations, measurements, a cut link under load. The core alone, no
// store, no sockets. Prints medians; asserts nothing. Run: npx tsx bench/decide.ts

import type { Event } from "../src/core/event.js"
import { groups } from "../src/core/memberships.js"
import { type Drawn, generated, germany50, picture, quantiles, timed } from "./graphs.js"

const SERVICES = 1000

function run(drawn: Drawn): void {
  const { picture: view, submit } = picture(drawn)
  const time = { request: [] as number[], confirm: [] as number[], measure: [] as number[] }
  const follow = (events: Event[], into: number[]): void => {
    const queue = [...events]
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      const now = event
      into.push(
        timed(() => {
          queue.push(...submit(now))
        }),
      )
    }
  }
  const size = drawn.nodes.length
  for (let n = 0; n < SERVICES; n += 1) {
    const from = (n * 7919) % size
    const to = (from + 1 + ((n * 104_729) % (size - 1))) % size
    const a = drawn.nodes[from] ?? ""
    const b = drawn.nodes[to] ?? ""
    let told: Event[] = []
    time.request.push(
      timed(() => {
        told = submit({
          kind: "node-event",
          qkdnId: a,
          atMs: 0,
          event: {
            kind: "app-new",
            serverAppId: `sae-${a}`,
            clientAppIds: [`sae-${b}`],
            appType: "CLIENT",
            priority: n % 4,
            qos: { minBps: 4 },
          },
        })
      }),
    )
    follow(told, time.confirm)
  }
  drawn.links.forEach(({ id, a }, n) => {
    const performance = { skrBps: 9000 + n, stockBits: 1000 * n }
    time.measure.push(
      timed(() => {
        submit({ kind: "performance", reports: [{ qkdnId: a, qkdlId: id, performance }] })
      }),
    )
  })
  const busiest = drawn.links.reduce((most, link) => {
    const load = (id: string): number => view.members(groups.servicesOn(id)).length
    return load(link.id) > load(most.id) ? link : most
  })
  const hit = view.members(groups.servicesOn(busiest.id)).length
  let told: Event[] = []
  const cut = timed(() => {
    told = submit({
      kind: "node-event",
      qkdnId: busiest.a,
      atMs: 0,
      event: { kind: "link-down", qkdlId: busiest.id },
    })
  })
  const after: number[] = []
  follow(told, after)
  const services = [...view.snapshot().services.values()]
  const moved = services.filter((service) => service.state === "active").length
  console.log(`${drawn.name}, ${drawn.links.length} links, ${services.length} services`)
  console.log(`  request            ${quantiles(time.request)}`)
  console.log(`  confirmation       ${quantiles(time.confirm)}`)
  console.log(`  measurement        ${quantiles(time.measure)}`)
  console.log(
    `  busiest link cut   ${(cut / 1000).toFixed(2)} ms for ${hit} services, ${moved} of ${services.length} active after`,
  )
}

const real = germany50()
if (real !== undefined) run(real)
run(generated(1000))
