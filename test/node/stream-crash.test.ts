// A key stream between two sites over a relay, each a process of its own, killed with SIGKILL at random moments while
// both ends read. No end ever gets an index twice, nor do the ends get different bits for one.

import assert from "node:assert/strict"
import { randomInt, randomUUID } from "node:crypto"
import { KeySites, sleep } from "./key-sites.js"

const ROUNDS = 3

class Story extends KeySites {
  readonly ksid = randomUUID()
  readonly read = [new Map<number, string>(), new Map<number, string>()] as const
  readonly twice: string[] = []

  async open(end: 0 | 1): Promise<unknown> {
    const [saeA, saeB] = this.net.saes
    const [sae, peer] = end === 0 ? [saeA, saeB] : [saeB, saeA]
    const app = this.net.app(end * 2)
    return this.child(end * 2).ask({ do: "open-stream", app, sae, peer, ksid: this.ksid })
  }

  async reader(end: 0 | 1): Promise<void> {
    const sae = this.net.saes[end]
    while (this.running) {
      try {
        const request = { do: "read-stream" as const, sae, ksid: this.ksid }
        const said = (await this.child(end * 2).ask(request)) as [number, number?, string?]
        const [status, index, hex] = said
        if (status !== 0 || index === undefined || hex === undefined) continue
        if (this.read[end].has(index)) this.twice.push(`${sae} ${index}`)
        this.read[end].set(index, hex)
      } catch {
        // It was killed: what was under way may or may not have been read.
        await sleep(20)
      }
    }
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + 60_000
    while (!condition()) {
      assert.ok(performance.now() < deadline, "it did not happen in time")
      await sleep(20)
    }
  }
}

describe("a key stream over sites that are killed", function () {
  this.timeout(180_000)
  this.slow(30_000)

  it("T3: gives each end each index at most once, and both the same bits", async () => {
    const story = new Story()
    const { read } = story
    for (const index of [0, 1, 2]) await story.start(index)
    for (const index of [0, 1, 2]) await story.configure(index)
    const feeding = [story.feed(0), story.feed(1)]
    assert.equal(await story.open(0), 1)
    assert.equal(await story.open(1), 0)
    const reading = [story.reader(0), story.reader(1)]
    const grown = async (by: number): Promise<void> => {
      const before = read.map(({ size }) => size)
      await story.until(() => read.every(({ size }, end) => size >= (before[end] ?? 0) + by))
    }
    await grown(10)
    for (let round = 0; round < ROUNDS; round++) {
      const victim = round % 3
      await sleep(randomInt(0, 200))
      await story.child(victim).kill()
      await story.start(victim)
      await story.configure(victim)
      await grown(10)
    }
    story.running = false
    await Promise.all(reading)
    for (const index of [0, 1, 2]) await story.child(index).kill()
    await Promise.all(feeding)
    assert.deepEqual(story.twice, [])
    const shared = [...read[0]].filter(([index]) => read[1].has(index))
    for (const [index, hex] of shared) assert.equal(read[1].get(index), hex, `index ${index}`)
    // What one end alone has: under way when a site was killed, or read by the faster end last.
    assert.ok(shared.length > ROUNDS * 8, String(shared.length))
    await story.net.close()
  })
})
