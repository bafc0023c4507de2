// What the threshold rule gains in overload: services come and go on germany50, each for as long as `life` others take to
// come, with the rule and without, in the same order. Decided by the core as the controller decides; what is refused goes
// away. Rate carried is what is compared: the mean over the time after the network has filled.
// Run: npx tsx bench/overload.ts

import { loadOf } from "../src/core/load.js"
import { DEFAULT_SETTINGS } from "../src/core/settings.js"
import { CoreNetwork, dice } from "./core-network.js"
import { type Drawn, germany50 } from "./graphs.js"

const ARRIVALS = 6000
const FILLED = 1500
const LOOK_EVERY = 20

interface Outcome {
  readonly admitted: number
  readonly carriedBps: number
  readonly load: number
}

function run(drawn: Drawn, life: number, seed: number, rule: boolean): Outcome {
  const network = new CoreNetwork(drawn)
  const { picture } = network
  const random = dice(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const size = drawn.nodes.length
  const standing: { id: string; until: number; rateBps: number }[] = []
  let [overloaded, nowBps] = [false, 0]
  let [asked, admitted, looks, sumBps, sumLoad] = [0, 0, 0, 0, 0]
  for (let n = 0; n < ARRIVALS; n += 1) {
    for (let [first] = standing; first !== undefined && first.until <= n; [first] = standing) {
      standing.shift()
      nowBps -= first.rateBps
      picture.apply([{ kind: "service", id: first.id, value: null }], picture.revision + 1)
    }
    const from = below(size)
    const to = (from + 1 + below(size - 1)) % size
    const rateBps = 1000 + below(9000)
    const sae = (node: number, place: number): string => `${drawn.nodes[node] ?? ""}#${place % 40}`
    const [aSaeId, bSaeId] = [sae(from, n), sae(to, Math.floor(n / 40))]
    const terms = { minRateBps: rateBps, priority: 0, avoidNodes: [] }
    const order = { kind: "service-ordered", aSaeId, bSaeId, terms } as const
    const { changes } = network.decide(order, rule && overloaded)
    const placed = changes.find(
      ({ kind, value }) => kind === "service" && value?.next !== undefined,
    )
    if (n >= FILLED) {
      asked += 1
      if (placed !== undefined) admitted += 1
    }
    if (placed !== undefined) {
      picture.apply(changes, picture.revision + 1)
      standing.push({ id: placed.id, until: n + life, rateBps })
      nowBps += rateBps
    }
    if (n % LOOK_EVERY !== 0) continue
    const load = loadOf(picture, DEFAULT_SETTINGS)
    const { overloadAbove, overloadBelow } = DEFAULT_SETTINGS
    overloaded = overloaded ? load >= overloadBelow : load > overloadAbove
    if (n < FILLED) continue
    looks += 1
    sumBps += nowBps
    sumLoad += load
  }
  return { admitted: admitted / asked, carriedBps: sumBps / looks, load: sumLoad / looks }
}

const drawn = germany50()
if (drawn === undefined) console.log("germany50 is not here")
else {
  console.log("| life | admitted without, with | load without, with | carried, with over without |")
  console.log("|---|---|---|---|")
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  for (const life of [400, 600, 800, 1000, 1400, 2000, 3000]) {
    const seeds = [1, 2, 3]
    const [without, ruled] = [false, true].map((rule) =>
      seeds.map((seed) => run(drawn, life, seed, rule)),
    )
    if (without === undefined || ruled === undefined) continue
    const both = (of: (one: Outcome) => number): string =>
      `${mean(without.map(of)).toFixed(3)}, ${mean(ruled.map(of)).toFixed(3)}`
    const gain = mean(ruled.map((one, n) => one.carriedBps / (without[n]?.carriedBps ?? 1)))
    console.log(
      `| ${life} | ${both((one) => one.admitted)} | ${both((one) => one.load)} | ${gain.toFixed(3)} |`,
    )
  }
}
