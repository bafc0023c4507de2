// In which order a token is asked for what waits for it.

import assert from "node:assert/strict"
import { TokenQueue } from "../../src/consumer/token-queue.js"
import type { Frame } from "../../src/transport/frames.js"

function asking(op: string, id: number): Frame {
  return { header: { op, id }, bytes: Buffer.alloc(0) }
}

function drain(queue: TokenQueue): unknown[] {
  const ids: unknown[] = []
  for (let frame = queue.take(); frame !== undefined; frame = queue.take()) {
    ids.push(frame.header["id"])
  }
  return ids
}

describe("what waits for a token", () => {
  it("comes in the order it was asked for, but proofs before the imports of later batches", () => {
    const queue = new TokenQueue()
    const ops = ["import-plain", "destroy", "import-wrapped", "prove", "keys", "prove"]
    for (const [id, op] of ops.entries()) queue.push(asking(op, id))
    assert.deepEqual(drain(queue), [3, 5, 0, 1, 2, 4])
    queue.push(asking("import-plain", 6))
    queue.push(asking("import-plain", 7))
    assert.equal(queue.take()?.header["id"], 6)
    queue.push(asking("prove", 8))
    assert.deepEqual(drain(queue), [8, 7])
    assert.equal(queue.take(), undefined)
  })
})
