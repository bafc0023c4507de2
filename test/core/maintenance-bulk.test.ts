// Bulk orders round planned maintenance, in simulated time.

import assert from "node:assert/strict"
import { NOON } from "./lab.js"
import { KEY, MaintenanceLab, MINUTE, TRIANGLE } from "./maintenance-lab.js"

describe("a bulk order and maintenance", () => {
  it("is scheduled round a window, over another path where there is one", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", from: 10, until: 20 })
    // 30 minutes at 900 bit/s.
    assert.equal(lab.bulk("a", "b", 6000, 60).ok, true)
    const { periods } = lab.bulkOrder()
    assert.deepEqual(
      periods.map(({ fromMs, hops }) => [
        (fromMs - NOON) / MINUTE,
        hops.map(({ qkdlId }) => qkdlId),
      ]),
      [
        [0, ["a-b"]],
        [10, ["c-a", "b-c"]],
        [20, ["c-a", "b-c"]],
      ],
    )
  })

  it("waits for the end of a window where there is no other path, and its forecast says so", () => {
    const lab = new MaintenanceLab({ links: ["a-b"] })
    lab.plan({ link: "a-b", from: 10, until: 20 })
    // 598 seconds before, and the rest after 20 minutes and two seconds for the path.
    const bits = 4000 * KEY
    assert.equal(lab.bulk("a", "b", 4000, 60).ok, true)
    const leftS = (bits - 598 * 900) / 900
    assert.equal(
      lab.bulkOrder().forecast,
      new Date(NOON + 20 * MINUTE + 2000 + Math.ceil(leftS * 1000)).toISOString(),
    )
  })

  it("really runs to the window's beginning and again after its end", () => {
    const lab = new MaintenanceLab({ links: ["a-b"] })
    lab.plan({ link: "a-b", from: 10, until: 20 })
    lab.bulk("a", "b", 4000, 60)
    lab.confirmAll()
    const rate = (): number => lab.picture.reservedBps("a-b")
    assert.equal(rate(), 900)
    lab.at(9)
    lab.confirmAll()
    assert.equal(rate(), 900, "services leave the link by then; what is scheduled does not have to")
    lab.at(10)
    lab.confirmAll()
    assert.equal(rate(), 0)
    lab.at(20)
    lab.confirmAll()
    assert.equal(rate(), 900)
  })

  it("that cannot be in time for it is refused with the reason", () => {
    const lab = new MaintenanceLab({ links: ["a-b"] })
    lab.plan({ link: "a-b", from: 1, until: 20 })
    const reply = lab.bulk("a", "b", 1000, 10)
    assert.ok(!reply.ok)
    assert.match(
      reply.message,
      /: planned maintenance: a - b from 2026-06-01T12:01:00.000Z until 2026-06-01T12:20:00.000Z$/,
    )
    assert.equal(reply.info?.["bits-by-deadline"], String(58 * 900))
    const tooMuch = lab.bulk("a", "b", 1_000_000, 10)
    assert.ok(!tooMuch.ok)
    assert.doesNotMatch(tooMuch.message, /maintenance/, "it could not be in time without it either")
  })

  it("that was promised is told late when maintenance is planned across it, and in time when that is called off", () => {
    const lab = new MaintenanceLab({ links: ["a-b"] })
    lab.bulk("a", "b", 1000, 10)
    lab.confirmAll()
    lab.effects.length = 0
    lab.plan({ link: "a-b", from: 1, until: 20 })
    const late = lab.bulkOrder()
    assert.equal(late.late, true)
    assert.match(late.reason ?? "", /^planned maintenance: a - b from/)
    assert.ok(Date.parse(late.forecast ?? "") > NOON + 20 * MINUTE)
    assert.ok(lab.notices().includes("order.late"))
    const maintenanceId = lab.window()?.maintenanceId ?? ""
    lab.submit({ kind: "maintenance-cancelled", maintenanceId })
    assert.deepEqual([lab.bulkOrder().late, lab.bulkOrder().reason], [false, undefined])
    assert.ok(lab.notices().includes("order.in-time"))
  })

  it("that nobody promised says so as well when it is late for maintenance, and not when it would be late without", () => {
    const reasonOf = (keys: number): string | undefined => {
      const lab = new MaintenanceLab({ links: ["a-b"] })
      lab.bulk("a", "b", keys, 10, true)
      lab.confirmAll()
      lab.plan({ link: "a-b", from: 1, until: 20 })
      assert.equal(lab.bulkOrder().late, true)
      return lab.bulkOrder().reason
    }
    assert.match(reasonOf(1000) ?? "", /^planned maintenance: a - b from/)
    assert.equal(reasonOf(1_000_000), undefined)
  })

  it("counts on a link that went down in its window from the window's end on, and not on one that was down before", () => {
    const lab = new MaintenanceLab({ links: ["a-b"] })
    lab.plan({ link: "a-b", until: 20 })
    lab.now += 1000
    lab.linkDown("a-b")
    assert.equal(lab.bulk("a", "b", 1000, 60).ok, true)
    assert.ok(Date.parse(lab.bulkOrder().forecast ?? "") > NOON + 20 * MINUTE)

    const broken = new MaintenanceLab({ links: ["a-b"] })
    broken.linkDown("a-b")
    broken.now += 1000
    broken.plan({ link: "a-b", until: 20 })
    assert.equal(broken.bulk("a", "b", 1000, 60).ok, false)
  })
})
