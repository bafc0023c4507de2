// Edits, orders by REST, operations, locks, candidates, confirmed commits and what nodes report, all at once and at
// random: whatever was answered, running says what the network holds, and each is what the core would hold alone.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import type { Reply } from "../../src/core/event.js"
import { QkdError } from "../../src/errors.js"
import { NetworkConfig } from "../../src/model/keyloom-network.js"
import { Dice } from "../core/dice.js"
import {
  appId,
  appsXml,
  appXml,
  link,
  linkId,
  linksXml,
  nodeId,
  rpcXml,
  Site,
} from "./network-site.js"
import { profileXml, windowId, windowsXml, windowXml } from "./network-windows.js"

const ROUNDS = 25
const STEPS = 60
const DELETE = `xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="remove"`
const REPLACE = DELETE.replace("remove", "replace")

/** What may be refused is refused with a tag; anything else is a fault. */
async function settled(work: Promise<unknown>): Promise<void> {
  try {
    const reply = (await work) as Reply | undefined
    if (reply?.ok === false) assert.notEqual(reply.tag, "operation-failed", reply.message)
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    assert.notEqual(error.tag, "operation-failed", error.message)
  }
}

function byKey(config: object): unknown {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      const entries = value.map(sorted)
      return entries.every((one) => typeof one === "object")
        ? entries.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1))
        : entries
    }
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .sort(([x], [y]) => (x < y ? -1 : 1))
        .map(([name, inner]) => [name, sorted(inner)]),
    )
  }
  return sorted(config)
}

describe("whatever comes at once through all faces", () => {
  it(`running and the network say the same after each of ${ROUNDS * STEPS} random steps`, async function () {
    this.timeout(240_000)
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = Number(process.env["KEYLOOM_SEED"] ?? randomInt(2 ** 31))
      try {
        await play(new Dice(seed))
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        throw new Error(`seed ${seed}: ${message}`, { cause: error })
      }
    }
  })
})

async function play(dice: Dice): Promise<void> {
  const site = await Site.open({
    unconfirmed: { keep: () => Promise.resolve(), forget: () => Promise.resolve() },
  })
  const clients = [await site.login("olga"), await site.login("otto")] as const
  const check = async (): Promise<void> => {
    await site.bench.settle()
    const { running } = site.netconf.server.datastore
    const truth = new NetworkConfig(site.bench.controller.network()).data()
    const { ["ietf-netconf-acm:nacm"]: _rules, ...ours } = running
    assert.deepEqual(byKey(ours), byKey(truth))
  }
  for (let step = 0; step < STEPS; step += 1) {
    const together = Array.from({ length: 1 + dice.below(4) }, () =>
      settled(act(site, clients, dice)),
    )
    await Promise.all(together)
    await check()
    // What was not confirmed in time goes back, beside whatever has been ordered since.
    if (dice.below(6) === 0) {
      site.netconf.clock.pass(31_000)
      await check()
    }
  }
}

type Clients = readonly [Awaited<ReturnType<Site["login"]>>, Awaited<ReturnType<Site["login"]>>]

function act(site: Site, clients: Clients, dice: Dice): Promise<unknown> {
  const client = dice.of(clients)
  const n = 1 + dice.below(4)
  const [a = "a", b = "b"] = dice.of(["ab", "bc", "cd", "ac", "bd", "da"])
  const ends = dice.of(["ab", "bc", "ad", "dc"])
  const rate = dice.of([0, 50, 400, 5000])
  const terms = `<app_priority>${dice.below(3)}</app_priority><app_qos><min_bandwidth>${rate}</min_bandwidth></app_qos>`
  const app = appXml(n, a, b, terms)
  const order = {
    kind: "service-ordered",
    aSaeId: `sae-${a}`,
    bSaeId: `sae-${b}`,
    terms: { minRateBps: rate, priority: dice.below(3), avoidNodes: [] },
  } as const
  const window = {
    link: ends,
    end: new Date(site.bench.now + dice.of([20_000, 60_000, 600_000])).toISOString(),
    reason: `because of ${dice.below(3)}`,
    ...(dice.below(2) === 0
      ? {}
      : { begin: new Date(site.bench.now + dice.of([0, 10_000, 400_000])).toISOString() }),
  }
  const rateOf = `<rate><at>${window.end}</at><skr>${rate}</skr></rate>`
  switch (dice.below(25)) {
    case 0:
    case 1:
      return client.editConfig("running", appsXml(app))
    case 2:
      return client.editConfig("running", appsXml(appXml(n, a, b, "", DELETE)))
    case 3:
      return site.gate.submit(order)
    case 4:
      return site.gate.submit({ kind: "service-cancelled", serviceId: appId(n) })
    case 5:
      return client.rpc(
        rpcXml(
          "register-application",
          `<app_id>${appId(n)}</app_id><server_app_id>sae-${a}</server_app_id><client_app_id>sae-${b}</client_app_id>`,
        ),
      )
    case 6:
      return client.rpc(rpcXml("remove-application", `<app_id>${appId(n)}</app_id>`))
    case 7:
      return client.rpc(rpcXml("move-service", `<app_id>${appId(n)}</app_id>`))
    case 8:
      return site.bench.submit({
        kind: "node-event",
        qkdnId: nodeId(a),
        atMs: site.bench.now,
        event: { kind: "app-qos-update", appId: appId(n), priority: 7, qos: { minBps: 20 } },
      })
    case 9:
      return site.bench.submit({
        kind: "node-event",
        qkdnId: nodeId(a),
        atMs: site.bench.now,
        event: { kind: "app-disconnected", appId: appId(n) },
      })
    case 10:
      return site.status(ends, dice.of(["ACTIVE", "OFF"]))
    case 11:
      return client.editConfig(
        "running",
        linksXml(
          `<phys_link><phys_link_id>${linkId(ends)}</phys_link_id><phys_enable>${dice.of(["true", "false"])}</phys_enable></phys_link>`,
        ),
      )
    case 12:
      return client.editConfig("candidate", appsXml(app))
    case 13:
      return client.commit(dice.below(2) === 0 ? { confirmed: { timeoutS: 30 } } : {})
    case 14:
      // As a whole, with what it leaves unsaid.
      return client.editConfig("running", appsXml(appXml(n, a, b, terms, REPLACE)))
    case 15:
      return site.bench.submit({ kind: "link-changed", link: link(ends, { name: `n${n}` }) })
    case 16:
    case 17:
      return client.editConfig(dice.of(["running", "candidate"]), windowsXml(windowXml(n, window)))
    case 18:
      return client.editConfig("running", windowsXml(windowXml(n, window, REPLACE)))
    case 19:
      return client.editConfig("running", windowsXml(windowXml(n, {}, DELETE)))
    case 20:
      return site.gate.submit({ kind: "maintenance-cancelled", maintenanceId: windowId(n) })
    case 21:
      site.bench.now += 15_000
      return site.bench.submit({ kind: "wake" })
    case 22:
      return client.editConfig("running", linksXml(profileXml(ends, rateOf)))
    case 23:
      return site.gate.submit({ kind: "rate-profile-set", qkdlId: linkId(ends), profile: null })
    default:
      return client.lock("running").then(
        () => client.unlock("running"),
        (error: unknown) => {
          throw error
        },
      )
  }
}
