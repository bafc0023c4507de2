// The mapper between the Network and its YANG tree: what is ordered comes back as it was, entry by entry; what the
// schema says of the tree holds for whatever the Network holds.

import assert from "node:assert/strict"
import fc from "fast-check"
import type { LinkInventory, NodeInventory } from "../../src/model/inventory.js"
import { appConfig, appFromConfig, placeInOrder } from "../../src/model/keyloom-app-entry.js"
import { linkConfig, linkFromConfig } from "../../src/model/keyloom-link-entry.js"
import { NetworkConfig, networkState, withEntries } from "../../src/model/keyloom-network.js"
import { nodeConfig, nodeFromConfig } from "../../src/model/keyloom-node-entry.js"
import { pathIdOf } from "../../src/model/keyloom-path-entry.js"
import { decimal } from "../../src/model/keyloom-values.js"
import type { Network, NetworkLink, NetworkNode, NodeTarget } from "../../src/model/network.js"
import type { Service, ServiceTerms } from "../../src/model/service.js"
import { networkSchema } from "../../src/north/network-schema.js"
import { decodeJson, parseJson } from "../../src/yang/json.js"
import { compileValidator } from "../../src/yang/validate.js"

const uuid = fc.uuid()
const word = fc.string({
  minLength: 1,
  maxLength: 12,
  unit: fc.constantFrom("a", "Z", " ", "0", "-", "é", "ß"),
})
const decimals = (digits: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: max * 10 ** digits }).map((n) => n / 10 ** digits)
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const epsilon = fc.double({ min: 1e-30, max: 1, noNaN: true })
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(one, { nil: undefined })

/** Members that are undefined are not there. */
function given<T extends object>(record: T): T {
  return structuredClone(
    Object.fromEntries(Object.entries(record).filter(([, v]) => v !== undefined)),
  ) as T
}

/** One for each field: a field that nobody thought of here does not compile. */
type Fields<T> = { readonly [K in keyof T]-?: fc.Arbitrary<T[K] | undefined> }

const targetFields: Fields<NodeTarget> = {
  host: fc.constantFrom("127.0.0.1", "::1", "node.example"),
  port: fc.integer({ min: 1, max: 65535 }),
  username: word,
  privateKeyFile: word,
  hostKeyFingerprint: fc.constant(`SHA256:${"Q".repeat(43)}`),
  tls: maybe(
    fc.record({
      certFile: word,
      keyFile: word,
      caFile: word,
      serverKeySha256: fc.constant("0a".repeat(32)),
    }),
  ),
  callHome: maybe(fc.constant(true as const)),
}

/** A node that calls home has no address. */
const target = fc
  .record(targetFields)
  .map((one) => given(one.callHome === true ? { ...one, host: "" } : one) as NodeTarget)

const nodeFields: Fields<NodeInventory> = {
  qkdnId: uuid,
  name: word,
  place: maybe(word),
  lat: maybe(decimals(6, 90)),
  lon: maybe(decimals(6, 180)),
  operator: maybe(word),
  relay: fc.boolean(),
  enabled: fc.boolean(),
  driver: word,
  driftPolicy: maybe(fc.constantFrom("heal" as const, "report" as const, "adopt" as const)),
  target,
  saeIds: fc.uniqueArray(fc.constantFrom("sae-1", "urn:x:2", "sae 3"), { maxLength: 3 }),
}
const nodeEntry = fc.record(nodeFields).map((one) => given(one) as NodeInventory)

const linkFields: Fields<LinkInventory> = {
  qkdlId: uuid,
  name: maybe(word),
  a: fc.record({ qkdnId: uuid, qkdiId: uint32 }),
  b: fc.record({ qkdnId: uuid, qkdiId: uint32 }),
  lengthKm: maybe(decimals(3, 1000)),
  lossDb: maybe(decimals(3, 60)),
  module: maybe(word),
  epsilon: maybe(epsilon),
  latencyMs: maybe(decimals(3, 100)),
  srlg: fc.uniqueArray(word, { maxLength: 3 }),
  enabled: fc.boolean(),
  skrBps: maybe(uint32),
}
const linkEntry = fc.record(linkFields).map((one) => given(one) as LinkInventory)

const terms: fc.Arbitrary<ServiceTerms> = fc
  .record({
    minRateBps: uint32,
    maxRateBps: maybe(uint32),
    priority: uint32,
    ttlS: maybe(uint32),
    avoidNodes: fc.uniqueArray(uuid, { maxLength: 2 }),
    maxHops: maybe(fc.integer({ min: 1, max: 0xffffffff })),
    maxEpsilon: maybe(epsilon),
    avoidLinks: maybe(fc.uniqueArray(uuid, { minLength: 1, maxLength: 2 })),
    requireNodes: maybe(fc.uniqueArray(uuid, { minLength: 1, maxLength: 2 })),
    protection: maybe(fc.constantFrom("restore", "1+1")),
    trustTolerance: maybe(fc.integer({ min: 1, max: 7 })),
    revertive: maybe(fc.boolean()),
    holdOffS: maybe(fc.integer({ min: 0, max: 604_800 })),
  })
  .map((one) => given(one) as ServiceTerms)

/** As the core would hold it. */
function heldNode({ enabled, ...entry }: NodeInventory): NetworkNode {
  return {
    ...entry,
    ...(enabled === false ? { outOfService: true as const } : {}),
    ...(entry.saeIds.length === 0 ? {} : { listedSaeIds: entry.saeIds }),
    reach: "connecting",
    interfaces: [],
  }
}

function heldLink({ skrBps, ...entry }: LinkInventory): NetworkLink {
  return {
    ...entry,
    srlg: entry.srlg ?? [],
    enabled: entry.enabled ?? true,
    ...(skrBps === undefined ? {} : { expectedBps: skrBps }),
    endA: { performance: {} },
    endB: { performance: {} },
    status: "PENDING",
    performance: {},
  }
}

function heldService(
  serviceId: string,
  wanted: ServiceTerms,
  more: Partial<Service> = {},
): Service {
  return {
    serviceId,
    origin: "order",
    a: { saeId: "sae-1", qkdnId: "x" },
    b: { saeId: "urn:x:2", qkdnId: "y" },
    terms: wanted,
    state: "pending",
    leaving: [],
    createdAt: "2026-01-01T00:00:00.000Z",
    changedAt: "2026-01-01T00:00:00.000Z",
    ...more,
  }
}

const schema = networkSchema()
const valid = compileValidator(schema, "get")

describe("an entry of the network's tree", () => {
  it("orders the very node that it was made of", () => {
    fc.assert(
      fc.property(nodeEntry, (node) => {
        assert.deepEqual(nodeFromConfig(nodeConfig(heldNode(node))), node)
      }),
    )
  })

  it("orders the very link that it was made of", () => {
    fc.assert(
      fc.property(linkEntry, (link) => {
        assert.deepEqual(linkFromConfig(linkConfig(heldLink(link))), link)
      }),
    )
  })

  it("orders the very service that it was made of", () => {
    fc.assert(
      fc.property(uuid, terms, (serviceId, wanted) => {
        assert.deepEqual(appFromConfig(appConfig(heldService(serviceId, wanted))), {
          serviceId,
          aSaeId: "sae-1",
          bSaeId: "urn:x:2",
          terms: wanted,
        })
      }),
    )
  })

  it("is valid by the schema, in JSON and back", () => {
    fc.assert(
      fc.property(nodeEntry, linkEntry, uuid, terms, (node, link, serviceId, wanted) => {
        const network: Network = {
          revision: 3,
          nodes: new Map([[node.qkdnId, heldNode(node)]]),
          links: new Map([[link.qkdlId, heldLink(link)]]),
          services: new Map([[serviceId, heldService(serviceId, wanted)]]),
          orders: new Map(),
          maintenance: new Map(),
        }
        const config = new NetworkConfig(network).data()
        assert.deepEqual(valid(config), [])
        assert.deepEqual(decodeJson(schema, parseJson(JSON.stringify(config))), config)
      }),
      { numRuns: 50 },
    )
  })

  it("writes decimals in canonical form", () => {
    assert.deepEqual(
      [
        decimal(49.5, 6),
        decimal(12, 3),
        decimal(0.1 + 0.2, 6),
        decimal(-0.0000001, 6),
        decimal(-6.25, 6),
      ],
      ["49.5", "12.0", "0.3", "0.0", "-6.25"],
    )
  })

  it("knows where a refused member of an order stands", () => {
    assert.equal(placeInOrder("/terms/ttlS"), "/app_qos/ttl")
    assert.equal(placeInOrder("/terms/avoidNodes/1"), "/avoid_qkdn_id[2]")
    assert.equal(placeInOrder("/aSaeId"), "/server_app_id")
    assert.equal(placeInOrder("/nonsense"), "")
    assert.equal(placeInOrder(undefined), "")
  })

  it("names a path by its links, in order", () => {
    const one = pathIdOf([{ qkdlId: "x" }, { qkdlId: "y" }])
    assert.match(one, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(one, pathIdOf([{ qkdlId: "x" }, { qkdlId: "y" }]))
    assert.notEqual(one, pathIdOf([{ qkdlId: "y" }, { qkdlId: "x" }]))
  })
})

describe("the tree of a network", () => {
  const ids = ["11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"]
  const base = (): Network => {
    const target = {
      host: "127.0.0.1",
      port: 1,
      username: "u",
      privateKeyFile: "k",
      hostKeyFingerprint: "SHA256:x",
    }
    const node = (qkdnId: string): NetworkNode =>
      heldNode({ qkdnId, name: qkdnId.slice(-1), relay: true, driver: "d", target, saeIds: [] })
    return {
      revision: 1,
      nodes: new Map(ids.map((id) => [id, node(id)])),
      links: new Map(),
      services: new Map(),
      orders: new Map(),
      maintenance: new Map(),
    }
  }
  const plain: ServiceTerms = { minRateBps: 1, priority: 0, avoidNodes: [] }

  it("changes only where the network does, and shares the rest", () => {
    const network = base()
    const config = new NetworkConfig(network)
    const before = { ...config.data(), "other:thing": { kept: true } }
    const [first] = network.nodes.values()
    assert(first !== undefined)
    assert.equal(
      config.take({ kind: "node", id: first.qkdnId, value: { ...first, reach: "connected" } }),
      undefined,
    )
    const change = config.take({ kind: "node", id: first.qkdnId, value: { ...first, name: "new" } })
    assert(change !== undefined)
    const after = withEntries(before, [change])
    assert.deepEqual(after["other:thing"], { kept: true })
    const list = (tree: object): object[] =>
      (tree as Record<string, { qkd_nodes: { qkd_node: object[] } }>)["keyloom-network:qkd_network"]
        ?.qkd_nodes.qkd_node ?? []
    assert.equal(list(after)[1], list(before)[1], "the same object")
    assert.notDeepEqual(list(after)[0], list(before)[0])
  })

  it("holds as configuration what was ordered and stands; requests and what leaves are state", () => {
    const id = "22222222-0000-4000-8000-000000000001"
    const config = new NetworkConfig(base())
    const take = (value: Service | null): unknown =>
      config.take({ kind: "service", id, value })?.entry === null
        ? "gone"
        : config.data()["keyloom-network:qkd_network"] !== undefined &&
          JSON.stringify(config.data()).includes(id)
    assert.equal(take(heldService(id, plain, { origin: "request" })), false)
    assert.equal(take(heldService(id, plain)), true)
    assert.equal(take(heldService(id, plain, { state: "active" })), true)
    assert.equal(take(heldService(id, plain, { state: "removing" })), "gone")
  })

  it("takes an echo only where the same is ordered already", () => {
    const id = "22222222-0000-4000-8000-000000000001"
    const config = new NetworkConfig(base())
    const empty = config.data()
    const change = config.take({ kind: "service", id, value: heldService(id, plain) })
    assert(change !== undefined)
    const echo = { ...change, echo: true as const }
    assert.deepEqual(withEntries(empty, [echo]), empty)
    const asked = withEntries(empty, [
      {
        ...change,
        entry: {
          app_id: id,
          server_app_id: "sae-1",
          client_app_id: "urn:x:2",
          app_qos: { min_bandwidth: 1 },
        },
      },
    ])
    assert.deepEqual(withEntries(asked, [echo]), config.data())
  })

  it("is made of remembered entries: what did not change is not made again", () => {
    const network = base()
    const extras = {
      epoch: "e",
      seq: 1,
      alarms: [],
      reservedBps: () => 0,
      candidates: () => [],
    }
    const nodes = (state: object): object[] =>
      (state as Record<string, { qkd_nodes: { qkd_node: object[] } }>)[
        "keyloom-network:qkd_network"
      ]?.qkd_nodes.qkd_node ?? []
    assert.equal(nodes(networkState(network, extras))[0], nodes(networkState(network, extras))[0])
  })
})
