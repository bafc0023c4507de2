// Re-optimisation over REST, on the real deciding loop and the thread's program as it is built.

import assert from "node:assert/strict"
import { moveWorker } from "../../src/cli/controller-reoptimise.js"
import type { MovePlanner } from "../../src/controller/reoptimiser.js"
import { WorkerPlanner } from "../../src/controller/worker-planner.js"
import type { RunningHttp } from "../../src/north/http.js"
import { hasShape } from "../../src/north/validate.js"
import type { Bench } from "../controller/fakes.js"
import { linksOf, mended } from "../controller/square.js"
import { closeAll, house, OBSERVER, OPERATOR } from "./harness.js"
import { serveReoptimising } from "./reoptimising.js"

const WAIT = { Prefer: "wait=30" }
const MOVES = [
  {
    name: "sae-a - sae-c",
    rateBps: 600,
    from: [{ qkdlId: "a-b" }, { qkdlId: "b-c" }],
    to: [{ qkdlId: "a-d" }, { qkdlId: "c-d" }],
    nodes: 4,
    group: 1,
    worth: "lets lab-a - lab-b in, 500 bit/s",
  },
  {
    name: "lab-a - lab-b",
    rateBps: 500,
    to: [{ qkdlId: "a-b" }],
    nodes: 2,
    group: 1,
    worth: "there is room for it after 1 move",
  },
]

describe("re-optimisation over REST", () => {
  let planner: MovePlanner
  let bench: Bench
  let byB: string
  let waits: string
  let http: RunningHttp
  before(() => {
    planner = new WorkerPlanner(moveWorker())
  })
  beforeEach(async () => {
    ;({ bench, byB, waits } = await mended())
    http = await serveReoptimising(bench, planner)
  })
  afterEach(async () => {
    await http.close()
    await bench.controller.stop()
    await closeAll()
  })
  after(() => planner.close())

  interface Answer {
    readonly status: number
    readonly json: Record<string, unknown>
  }

  async function post(
    body: unknown,
    token = OPERATOR,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${http.url}/api/v1/reoptimisation`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${token}`,
        "Content-Type": "application/json",
        ...headers,
      },
      body: JSON.stringify(body),
    })
    const json: unknown = await response.json()
    assert(json !== null && typeof json === "object")
    if (response.ok) assert(hasShape("Reoptimisation", json), JSON.stringify(json))
    return { status: response.status, json: { ...json } }
  }

  const paths = (): unknown => [linksOf(bench, byB), linksOf(bench, waits)]
  const BEFORE = [["a-b", "b-c"], undefined]
  const AFTER = [["a-d", "c-d"], ["a-b"]]
  const withIds = (): object[] =>
    MOVES.map((move, i) => ({ serviceId: i === 0 ? byB : waits, ...move }))

  it("shows an observer each move, its ways and its worth, and changes nothing", async () => {
    const before = [bench.controller.network().revision, bench.south.synced.length]
    const { status, json } = await post({ dryRun: true }, OBSERVER)
    assert.equal(status, 200, JSON.stringify(json))
    assert.deepEqual(json, {
      moves: withIds(),
      carriedBps: { before: 1100, after: 1600 },
      linkBps: { before: 1700, after: 2200 },
      boundBps: 1600,
      leftAlone: 0,
      text: [
        "1 move, 1 service comes in",
        "carried: 1100 bit/s now, 1600 then, at most 1600 whatever moved",
        "key rate of links in use: 1700 bit/s now, 2200 then",
        "1. sae-a - sae-c, 600 bit/s, moves from a-b, b-c to a-d, c-d: lets lab-a - lab-b in, 500 bit/s; 4 nodes told",
        "1. lab-a - lab-b, 500 bit/s, comes in over a-b: there is room for it after 1 move; 2 nodes told",
      ],
    })
    assert.deepEqual([bench.controller.network().revision, bench.south.synced.length], before)
    assert.deepEqual(paths(), BEFORE)
  })

  it("is carried out for operators only, old path beside new, and waited for on wish", async () => {
    const refused = await post({ dryRun: false }, OBSERVER)
    assert.deepEqual([refused.status, refused.json.tag], [403, "access-denied"])
    assert.deepEqual(paths(), BEFORE)
    const told = bench.notices.length
    const { status, json } = await post({ dryRun: false }, OPERATOR, WAIT)
    assert.equal(status, 200, JSON.stringify(json))
    assert.deepEqual([json.moves, json.outcome], [withIds(), { state: "done", moved: 2 }])
    assert.deepEqual(paths(), AFTER)
    const types = bench.notices.slice(told).map(({ type }) => type)
    assert(types.includes("service.moving") && !types.includes("service.degraded"))
    const again = await post({ dryRun: false })
    assert.equal(again.status, 200)
    assert.deepEqual([again.json.moves, again.json.outcome], [[], { state: "done", moved: 0 }])
  })

  it("answers at once that it moves, refuses another meanwhile, and tells the end to nobody twice", async () => {
    // Nodes that say nothing.
    bench.south.submit = undefined
    const key = { "Idempotency-Key": "night-1" }
    const first = await post({ dryRun: false }, OPERATOR, key)
    assert.deepEqual([first.status, first.json.outcome], [202, { state: "moving" }])
    const other = await post({ dryRun: false })
    assert.deepEqual([other.status, other.json.tag], [409, "in-use"])
    assert.deepEqual(await post({ dryRun: false }, OPERATOR, key), first, "the same order")
    assert.equal((await post({ dryRun: true })).status, 200, "looking is allowed")
  })

  it("tells where it ended when a move no longer fits", async () => {
    const cut = bench.controller.onNotice((notice) => {
      if (notice.type !== "service.moving") return
      cut()
      bench.status("a-d", "OFF").catch(() => undefined)
    })
    const { json } = await post({ dryRun: false }, OPERATOR, WAIT)
    assert.match(JSON.stringify(json.outcome), /"state":"ended","moved":[01],"reason":"[^"]/)
  })

  it("names the place of everything it refuses", async () => {
    const faults: [unknown, number, string, string | undefined][] = [
      [{}, 400, "missing-element", "/dryRun"],
      [{ dryRun: "yes" }, 400, "invalid-value", "/dryRun"],
      [{ dryRun: true, maxMoves: 3 }, 400, "unknown-element", "/maxMoves"],
    ]
    for (const [body, status, tag, path] of faults) {
      const { status: got, json } = await post(body)
      assert.deepEqual([got, json.tag, json.path], [status, tag, path], JSON.stringify(body))
    }
    assert.equal((await post({ dryRun: true }, "stranger")).status, 401)
    assert.deepEqual(paths(), BEFORE)
    const { call } = await house()
    const cannot = await call("/api/v1/reoptimisation", { method: "POST", body: { dryRun: true } })
    assert.deepEqual([cannot.status, cannot.json.tag], [501, "operation-not-supported"])
  })
})
