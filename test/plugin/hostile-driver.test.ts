// The driver suite finds what it is for: the ETSI 015 driver with one vice each, and each is found.

import assert from "node:assert/strict"
import etsi015 from "../../plugins/etsi015/index.js"
import {
  driverChecks,
  type NodeConnection,
  type NodeDriver,
  runChecks,
  startFakeNode,
} from "../../src/plugin/index.js"

/** The honest driver, with its connection changed by `spoil`. */
function spoiled(spoil: (honest: NodeConnection) => Partial<NodeConnection>): NodeDriver {
  return {
    name: "spoiled",
    contract: 1,
    connect: async (target, host) => {
      const honest = await etsi015.connect(target, host)
      const { refuse } = honest
      return {
        read: () => honest.read(),
        apply: (desired) => honest.apply(desired),
        events: honest.events,
        close: () => honest.close(),
        ...(refuse !== undefined && { refuse }),
        ...spoil(honest),
      }
    },
  }
}

async function* twice<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  for await (const item of source) {
    yield item
    yield item
  }
}

async function* endless<T>(source: AsyncIterable<T>): AsyncIterable<T> {
  for await (const item of source) yield item
  await new Promise(() => undefined)
}

describe("the driver conformance suite", () => {
  const failures = async (driver: NodeDriver, names: RegExp): Promise<string[]> => {
    const checks = driverChecks(driver, startFakeNode).filter(({ name }) => names.test(name))
    assert.ok(checks.length > 0)
    const results = await runChecks(checks)
    return results.flatMap(({ outcome, reason }) => (outcome === "failed" ? [reason ?? ""] : []))
  }

  const hostile: [string, NodeDriver, RegExp, RegExp][] = [
    [
      "says done without doing",
      spoiled(() => ({ apply: () => Promise.resolve() })),
      /reads it back/,
      /the node holds/,
    ],
    [
      "does half of it",
      spoiled((honest) => ({ apply: (desired) => honest.apply({ ...desired, apps: [] }) })),
      /reads it back/,
      /the node holds/,
    ],
    [
      "hides a refusal",
      spoiled((honest) => ({ apply: (desired) => honest.apply(desired).catch(() => undefined) })),
      /node's own tag/,
      /it succeeded/,
    ],
    [
      "loses the tag of a refusal",
      spoiled((honest) => ({
        apply: (desired) =>
          honest.apply(desired).catch(() => {
            throw new Error("failed")
          }),
      })),
      /node's own tag/,
      /no QkdError/,
    ],
    [
      "writes again what is there",
      spoiled((honest) => ({
        apply: async (desired) => {
          await honest.apply({ ...desired, links: [], apps: [], peers: [] })
          await honest.apply(desired)
        },
      })),
      /same is applied again/,
      /changes at the node/,
    ],
    [
      "hands notifications on twice",
      spoiled((honest) => ({ events: twice(honest.events) })),
      /each notification/,
      /events/,
    ],
    [
      "never ends its events",
      spoiled((honest) => ({ events: endless(honest.events) })),
      /host is taken back/,
      /end of the events/,
    ],
    [
      "claims an ability that the node lacks",
      spoiled(() => ({ refuse: () => Promise.resolve() })),
      /plain 015 node/,
      /ability to refuse/,
    ],
  ]
  for (const [what, driver, check, reason] of hostile) {
    it(`catches a driver that ${what}`, async () => {
      const [found] = await failures(driver, check)
      assert.match(found ?? "passed", reason)
    }).timeout(60_000)
  }

  it("passes the honest driver through the same wrapping", async () => {
    assert.deepEqual(
      await failures(
        spoiled(() => ({})),
        /./,
      ),
      [],
    )
  }).timeout(60_000)
})
