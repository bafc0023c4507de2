// Alarms read off the network: each stands with its cause, under the same id, and goes with it.

import assert from "node:assert/strict"
import { linkAlarms, nodeAlarms, serviceAlarms } from "../../src/core/alarms.js"
import type { NetworkLink, NetworkNode } from "../../src/model/network.js"
import { Lab } from "./lab.js"

describe("alarms", () => {
  const lab = (): Lab => new Lab({ links: ["a-b"] })
  const node = (more: Partial<NetworkNode> = {}): NetworkNode => {
    const held = lab().picture.node("a") ?? assert.fail()
    return { ...held, ...more }
  }
  const link = (more: Partial<NetworkLink> = {}): NetworkLink => ({ ...lab().link("a-b"), ...more })
  const brief = (alarms: ReturnType<typeof nodeAlarms>): string[] =>
    alarms.map((one) => `${one.alarmId} ${one.severity}: ${one.message}`)

  it("are none while all is well", () => {
    assert.deepEqual([...nodeAlarms(node()), ...linkAlarms(link())], [])
  })

  it("tell of a node that is away, unmanaged, down, changed, or refuses what it should be", () => {
    const cases: [Partial<NetworkNode>, string][] = [
      [
        { reach: "unreachable", reachReason: "reset" },
        "node-unreachable:a MAJOR: a is not reached: reset",
      ],
      [
        { reach: "connecting", reachReason: "refused" },
        "node-unreachable:a MAJOR: a is not reached: refused",
      ],
      [{ reach: "unmanaged" }, "node-unmanaged:a MAJOR: a is not managed"],
      [{ status: "FAILURE" }, "node-down:a MAJOR: a reports FAILURE"],
      [{ syncFault: "policy" }, "node-out-of-sync:a MAJOR: a is not what it should be: policy"],
      [
        {
          drift: {
            since: "2026-01-01T00:00:00Z",
            differences: [{ kind: "link", id: "a-b", change: "missing" }],
          },
        },
        "node-drifted:a MAJOR: somebody else has changed a: link a-b missing",
      ],
      [
        {
          interfaces: [
            { qkdiId: 4, status: "FAILED" },
            { qkdiId: 5, status: "DISABLED" },
          ],
        },
        "interface-failed:a/4 MAJOR: interface 4 of a has failed",
      ],
    ]
    for (const [more, told] of cases) assert.deepEqual(brief(nodeAlarms(node(more))), [told])
    assert.deepEqual(nodeAlarms(node({ reach: "connecting" })), [], "it has only just begun")
  })

  it("tell of a link that does not generate, or is asked for more than it makes; not of one switched off", () => {
    const down = link({
      status: "PASSIVE",
      reason: "loss of signal",
      changedAt: "2026-01-01T00:00:00Z",
    })
    const [alarm] = linkAlarms(down)
    assert.equal(alarm?.since, "2026-01-01T00:00:00Z")
    assert.deepEqual(brief(linkAlarms(down)), [
      "link-down:a-b MAJOR: link a-b is PASSIVE: loss of signal",
    ])
    assert.deepEqual(brief(linkAlarms(link({ status: "PENDING" }))), [
      "link-down:a-b MINOR: link a-b is PENDING",
    ])
    assert.deepEqual(linkAlarms({ ...down, enabled: false }), [])
    const busy = link({ performance: { skrBps: 10, expectedConsumptionBps: 11 } })
    assert.deepEqual(brief(linkAlarms(busy)), [
      "link-overloaded:a-b MINOR: link a-b: more key wanted than made",
    ])
  })

  it("tell of services that fail or are degraded, and fall silent when they stand", () => {
    const one = lab()
    one.order("a", "b", { minRateBps: 90_000 })
    const failed = one.service("a", "b") ?? assert.fail()
    const [alarm] = serviceAlarms(failed)
    assert.equal(alarm?.type, "service-failed")
    assert.match(alarm.message, /^sae-a and sae-b: service failed: no path with 90000 bit\/s/)
    const other = lab()
    other.order("a", "b")
    other.confirmAll()
    assert.deepEqual(serviceAlarms(other.service("a", "b") ?? assert.fail()), [])
    other.linkDown("a-b")
    assert.equal(serviceAlarms(other.service("a", "b") ?? assert.fail())[0]?.severity, "MINOR")
  })
})
