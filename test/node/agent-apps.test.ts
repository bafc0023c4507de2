// The application board: status, statistics by period, expiry.

import assert from "node:assert/strict"
import { AppBoard } from "../../src/node/app-board.js"
import { APP, clientApp } from "./agent-fixtures.js"

const START = Date.parse("2026-11-23T12:00:00Z")

describe("a node's applications", () => {
  it("have one row of statistics for each period in which they took keys, and no more than allowed", () => {
    const board = new AppBoard({ periodS: 60, rows: 3 })
    let bits = 1000n
    const delivered = (): bigint => bits
    board.configure([clientApp()], {}, START, delivered)
    for (let minute = 1; minute <= 6; minute += 1) {
      if (minute !== 2) bits += 256n * BigInt(minute)
      board.tick(START + minute * 60_000 - 1, delivered)
      board.tick(START + minute * 60_000, delivered)
    }
    const rows = board.now(APP, START, bits)?.statistics
    assert.deepEqual(rows, [
      {
        startTime: "2026-11-23T12:03:00.000Z",
        endTime: "2026-11-23T12:04:00.000Z",
        consumedBits: 1024,
      },
      {
        startTime: "2026-11-23T12:04:00.000Z",
        endTime: "2026-11-23T12:05:00.000Z",
        consumedBits: 1280,
      },
      {
        startTime: "2026-11-23T12:05:00.000Z",
        endTime: "2026-11-23T12:06:00.000Z",
        consumedBits: 1536,
      },
    ])
  })

  it("keep the creation time they are known by", () => {
    const board = new AppBoard({ periodS: 60, rows: 3 })
    board.configure([clientApp()], { [APP]: "2026-01-01T00:00:00Z" }, START, () => 0n)
    assert.equal(board.now(APP, START, 0n)?.createdAt, "2026-01-01T00:00:00Z")
    board.configure([clientApp({ priority: 9 })], {}, START + 1000, () => 0n)
    assert.equal(board.now(APP, START, 0n)?.createdAt, "2026-01-01T00:00:00Z")
  })

  it("are told once when their time is over, and on again when it is extended", () => {
    const board = new AppBoard({ periodS: 60, rows: 3 })
    const limited = clientApp({ expiresAt: "2026-11-23T12:00:10Z" })
    board.configure([limited], {}, START, () => 0n)
    assert.deepEqual(
      board.tick(START + 9999, () => 0n),
      [],
    )
    const told = board.tick(START + 10_000, () => 0n)
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["app-disconnected", "event"],
    )
    assert.equal(board.now(APP, START + 10_000, 0n)?.status, "OUT-OF-TIME")
    assert.deepEqual(
      board.tick(START + 11_000, () => 0n),
      [],
    )
    board.configure(
      [clientApp({ expiresAt: "2026-11-23T13:00:00Z" })],
      {},
      START + 12_000,
      () => 0n,
    )
    assert.equal(board.now(APP, START + 12_000, 0n)?.status, "ON")
    assert.equal(board.tick(Date.parse("2026-11-23T13:00:00Z"), () => 0n).length, 2)
  })

  it("are disconnected while no link stands behind them", () => {
    const board = new AppBoard({ periodS: 60, rows: 3 })
    board.configure([clientApp({ backingQkdlIds: [] })], {}, START, () => 0n)
    assert.equal(board.now(APP, START, 0n)?.status, "DISCONNECTED")
  })

  it("count refused requests", () => {
    const board = new AppBoard({ periodS: 60, rows: 3 })
    board.configure([clientApp()], {}, START, () => 0n)
    board.refused(APP)
    board.refused(APP)
    assert.deepEqual(board.now(APP, START, 7n)?.delivery, { deliveredBits: 7n, refusedRequests: 2 })
  })
})
