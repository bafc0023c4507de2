// The shapes of the REST and WebSocket faces as JSON Schema 2020-12, written once: requests are checked against
// them, the OpenAPI and AsyncAPI documents carry them, and a test checks every answer against them.

import { BULK_SCHEMAS } from "./bulk-schemas.js"
import {
  LINK_MAINTENANCE,
  LINK_REST,
  MAINTENANCE_SCHEMAS,
  NODE_MAINTENANCE,
} from "./maintenance-schemas.js"
import { REOPTIMISATION_SCHEMAS } from "./reoptimisation-schemas.js"
import { SOCKET_SCHEMAS, TOPIC } from "./socket-schemas.js"
import {
  boolean,
  bps,
  count,
  type JsonSchema,
  list,
  number,
  object,
  oneOf,
  ref,
  string,
  time,
} from "./schema-words.js"

export type { JsonSchema } from "./schema-words.js"

const PROTECTION =
  "restore: a backup path is worked out beforehand and its rate kept; 1+1: two paths stand at once, a key comes over either"
const TOLERANCE =
  "So many relay nodes together learn no key: each is the xor of one share over each of as many paths and one more, which have no relay node in common"
const REVERTIVE =
  "After a failure: true, back to the path that was left; false, never back; absent, back to a path that spares relay nodes"
const HOLD_OFF =
  "How long that path must have been whole before a revertive service returns, seconds"

const linkEnd = object({ qkdnId: string, qkdiId: count })
const endReport = object({
  "status?": ref("LinkStatus"),
  performance: ref("LinkPerformance"),
})
const listFrame = { epoch: string, seq: count, "next?": string }

export const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  LinkStatus: {
    ...oneOf("ACTIVE", "PASSIVE", "PENDING", "OFF"),
    description:
      "ETSI GS QKD 015 LINK-STATUS-TYPES: generating; not generating but keys in store; waiting for activation; neither",
  },
  LinkPerformance: object({
    "expectedConsumptionBps?": bps("Sum of the rates promised to applications"),
    "skrBps?": bps("Secret key rate generated"),
    "eskrBps?": bps("Secret key rate left after the link's own use"),
    "qber?": { ...number, minimum: 0, maximum: 1, description: "Quantum bit error ratio" },
    "snrDb?": number,
    "stockBits?": { ...number, minimum: 0, description: "Unused secret bits in store" },
  }),
  QkdInterface: object({
    qkdiId: count,
    "model?": string,
    "technology?": oneOf("CV-QKD", "DV-QKD", "DV-QKD-COW", "DV-QKD-2Ws"),
    "attachment?": object({ "device?": string, "port?": count }),
    "role?": oneOf("TRANSMITTER", "RECEIVER", "TRANSCEIVER"),
    "wavelengthRange?": string,
    "maxAbsorptionDb?": number,
    "status?": oneOf("ENABLED", "DISABLED", "FAILED"),
  }),
  Node: object(
    {
      qkdnId: string,
      name: string,
      "place?": string,
      "lat?": { ...number, minimum: -90, maximum: 90 },
      "lon?": { ...number, minimum: -180, maximum: 180 },
      "operator?": string,
      relay: boolean,
      "outOfService?": {
        const: true,
        description: "Taken out of service by an operator: no new path begins, ends or passes here",
      },
      "maintenance?": NODE_MAINTENANCE,
      "interfacesOut?": {
        ...list(count),
        description: "Interfaces (`qkdiId`) whose links are all out for maintenance",
      },
      driver: string,
      netconf: object({ host: string, port: count }),
      reach: oneOf("connecting", "connected", "unreachable", "unmanaged"),
      "reachReason?": string,
      "syncFault?": { ...string, description: "Why the node last refused its configuration" },
      "driftPolicy?": oneOf("heal", "report", "adopt"),
      "drift?": {
        ...object({
          since: time,
          differences: list(
            object({
              kind: oneOf("link", "app", "peer"),
              id: string,
              change: oneOf("missing", "unexpected", "changed"),
            }),
          ),
        }),
        description: "Somebody else has changed the node: what it holds otherwise than it should",
      },
      "driven?": {
        ...object({ profile: string, leftOut: list(string) }),
        description:
          "The device profile by which it is driven, and the leaves that it does not take",
      },
      "status?": oneOf("NEW", "OPERATING", "DOWN", "FAILURE", "OUT"),
      "version?": string,
      "capabilities?": object({ linkStats: boolean, applicationStats: boolean, keyRelay: boolean }),
      interfaces: list(ref("QkdInterface")),
      "keyManager?": object({
        etsi014Url: string,
        relayHost: string,
        relayPort: count,
        saeIds: list(string),
        policyVersion: count,
      }),
      saeIds: list(string),
      "lastHeardAt?": time,
    },
    "An SD-QKD node. `reach` tells of the controller's session; keys may flow while a node is unreachable.",
  ),
  Link: object(
    {
      qkdlId: string,
      "name?": string,
      a: linkEnd,
      b: linkEnd,
      "lengthKm?": number,
      "lossDb?": number,
      "module?": string,
      "epsilon?": number,
      "latencyMs?": number,
      srlg: list(string),
      enabled: boolean,
      "expectedBps?": bps("The rate entered with the link, counted with until one is measured"),
      endA: endReport,
      endB: endReport,
      status: ref("LinkStatus"),
      performance: ref("LinkPerformance"),
      "capacityBps?": bps("What admission counts with: the measured rate, smoothed"),
      "steadyBps?": bps("The same with hysteresis: what the surplus is shared out of"),
      "measuredAt?": time,
      "hold?": {
        ...object({ until: time, flaps: count }),
        description: "It came back not long ago: new paths avoid it until then if they can",
      },
      "doubt?": {
        ...object({ since: time, qberA: number, qberB: number }),
        description: "Its ends have told different error rates since then: one lies or is broken",
      },
      "maintenance?": LINK_MAINTENANCE,
      "rateProfile?": ref("RateProfile"),
      "rests?": LINK_REST,
      "reason?": string,
      "changedAt?": time,
    },
    "A physical QKD link, both ends in one: `status` is the worse of the two.",
  ),
  ServiceEnd: object({ saeId: string, qkdnId: string }),
  ServiceTerms: object({
    minRateBps: bps("Guaranteed end-to-end key rate"),
    "maxRateBps?": bps("Wanted where there is room: the most it is ever granted"),
    priority: { type: "integer", description: "Greater wins" },
    "ttlS?": { ...count, description: "Longest time an unused key may wait, seconds" },
    avoidNodes: list(string),
    "avoidLinks?": list(string),
    "requireNodes?": list(string),
    "maxHops?": { type: "integer", minimum: 1 },
    "maxEpsilon?": { ...number, minimum: 0 },
    "protection?": { ...oneOf("restore", "1+1"), description: PROTECTION },
    "trustTolerance?": { type: "integer", minimum: 1, description: TOLERANCE },
    "revertive?": { ...boolean, description: REVERTIVE },
    "holdOffS?": { ...count, description: HOLD_OFF },
  }),
  Hop: object({ qkdlId: string, from: string, to: string }),
  DryRun: object(
    {
      "service?": ref("Service"),
      "path?": ref("KeyPath"),
      "reason?": { ...string, description: "Why there is no path" },
      nodes: list(
        object({
          qkdnId: string,
          name: string,
          "way?": { ...string, description: "How the node would be written" },
          "edits?": list(object({ operation: oneOf("create", "replace", "delete"), path: string })),
          "payload?": {
            ...string,
            description: "Exactly what would be sent; empty when nothing would change",
          },
          "fault?": { ...string, description: "Why the node would refuse, or cannot be asked" },
        }),
      ),
    },
    "An order tried without consequences: the path, and what would be written to each node on it, from end to end.",
  ),
  ...REOPTIMISATION_SCHEMAS,
  ...BULK_SCHEMAS,
  ...MAINTENANCE_SCHEMAS,
  KeyPath: object({
    qkdlId: string,
    hops: list(ref("Hop")),
    nodes: list(string),
    rateBps: bps("Rate reserved on every hop"),
    phase: oneOf("relays", "ends", "up", "leaving"),
    awaiting: list(string),
    "holding?": {
      ...list(string),
      description:
        "Nodes that hold their part provisionally: they take it back unless they are told to keep it",
    },
    "confirming?": { const: true, description: "Every node has its part and is told to keep it" },
  }),
  Service: object(
    {
      serviceId: string,
      origin: oneOf("request", "order", "bulk"),
      a: ref("ServiceEnd"),
      b: ref("ServiceEnd"),
      terms: ref("ServiceTerms"),
      "ordered?": {
        ...object({ orderId: string, qkdnId: string, keySizeBits: count, untilBits: count }),
        description: "Of a service that carries out a bulk order: what its node makes ahead",
      },
      state: oneOf("pending", "active", "degraded", "failed", "removing"),
      "reason?": string,
      "grantedBps?": bps(
        "The most it may take now: minRateBps and its share of what its links have left, at most maxRateBps. Absent where maxRateBps is not above minRateBps",
      ),
      "path?": ref("KeyPath"),
      "next?": ref("KeyPath"),
      "beside?": {
        ...list(object({ "path?": ref("KeyPath"), "next?": ref("KeyPath") })),
        description: "The other paths of a service that stands on several at once",
      },
      "backup?": {
        ...object({
          hops: list(ref("Hop")),
          nodes: list(string),
          rateBps: bps("Rate kept on every hop, as policy has it shared with others"),
          disjoint: oneOf("node", "link", "part"),
        }),
        description: "Where the service moves at once when its path fails",
      },
      "noBackup?": { ...string, description: "Why there is no backup where there should be one" },
      "home?": {
        ...object({ hops: list(ref("Hop")), nodes: list(string) }),
        description: "The path that a revertive service left and will return to",
      },
      leaving: list(ref("KeyPath")),
      "avoiding?": {
        ...list(object({ qkdnId: string, until: time, reason: string })),
        description: "Nodes that failed a path of this service and are left out for a while",
      },
      "admittedAt?": { ...time, description: "When its first path stood" },
      createdAt: time,
      changedAt: time,
    },
    "A key service between two SAEs. `serviceId` is also the ETSI GS QKD 015 `app_id`.",
  ),
  App: object(
    { saeId: string, qkdnId: string, nodeName: string, serviceIds: list(string) },
    "Which application lives at which node.",
  ),
  Notice: object(
    {
      seq: count,
      time,
      topic: TOPIC,
      type: { ...string, description: "For example `link.down`, `service.active`" },
      id: string,
      value: {
        description:
          "The thing as it now is (Node, Link, Service, BulkOrder or Maintenance), null when it is gone",
      },
      "message?": string,
    },
    "A committed change. `seq` has no gaps within an epoch.",
  ),
  Network: object({
    epoch: string,
    seq: count,
    revision: count,
    nodes: list(ref("Node")),
    links: list(ref("Link")),
    services: list(ref("Service")),
    orders: list(ref("BulkOrder")),
    maintenance: list(ref("Maintenance")),
  }),
  NodeList: object({ ...listFrame, items: list({ type: "object" }) }),
  LinkList: object({ ...listFrame, items: list({ type: "object" }) }),
  ServiceList: object({ ...listFrame, items: list({ type: "object" }) }),
  BulkOrderList: object({ ...listFrame, items: list({ type: "object" }) }),
  MaintenanceList: object({ ...listFrame, items: list({ type: "object" }) }),
  AppList: object({ ...listFrame, items: list({ type: "object" }) }),
  Journal: object({ epoch: string, seq: count, items: list(ref("Notice")) }),
  Order: {
    ...object({
      a: { ...string, minLength: 1, maxLength: 255, description: "SAE id" },
      b: { ...string, minLength: 1, maxLength: 255, description: "SAE id" },
      // ETSI GS QKD 015 carries rates as uint32.
      minRateBps: { ...count, maximum: 4294967295 },
      "maxRateBps?": { type: "integer", minimum: 1, maximum: 4294967295 },
      "priority?": { type: "integer", minimum: 0, maximum: 4294967295, default: 0 },
      "ttlS?": { type: "integer", minimum: 1, maximum: 4294967295 },
      "avoidNodes?": {
        ...list({ ...string, minLength: 1, maxLength: 255 }),
        maxItems: 1000,
        uniqueItems: true,
        description: "Nodes that must not see the key, by qkdnId or name",
      },
      "avoidLinks?": {
        ...list({ ...string, minLength: 1, maxLength: 255 }),
        maxItems: 1000,
        uniqueItems: true,
        description: "Links that must not carry the key, by qkdlId or name",
      },
      "requireNodes?": {
        ...list({ ...string, minLength: 1, maxLength: 255 }),
        maxItems: 16,
        uniqueItems: true,
        description: "Nodes that the path must pass, by qkdnId or name",
      },
      "protection?": {
        ...oneOf("none", "restore", "1+1"),
        default: "none",
        description: PROTECTION,
      },
      "trustTolerance?": {
        type: "integer",
        minimum: 0,
        maximum: 7,
        default: 0,
        description: TOLERANCE,
      },
      "revertive?": { ...boolean, description: REVERTIVE },
      "holdOffS?": { type: "integer", minimum: 0, maximum: 604800, description: HOLD_OFF },
      "maxHops?": { type: "integer", minimum: 1, maximum: 255 },
      "maxEpsilon?": { ...number, exclusiveMinimum: 0, maximum: 1 },
    }),
    description: "What is ordered: a key stream between two SAEs at a guaranteed rate.",
  },
  Login: {
    description: "Either a one-time code or a bearer token.",
    oneOf: [
      object({ code: { ...string, minLength: 1, maxLength: 128 } }),
      object({ token: { ...string, minLength: 1, maxLength: 512 } }),
    ],
  },
  SessionInfo: object({
    name: string,
    role: oneOf("operator", "observer"),
    "expiresAt?": time,
  }),
  LoginCode: object({ code: string, expiresAt: time }),
  Health: object({ status: { const: "ok" } }),
  Problem: object(
    {
      type: string,
      title: string,
      status: count,
      detail: string,
      tag: string,
      "appTag?": string,
      "path?": string,
      "info?": { type: "object", additionalProperties: string },
      "trace?": string,
    },
    "RFC 9457. `tag` is of RFC 6241 Appendix A; branch on it, not on the text.",
  ),
  ...SOCKET_SCHEMAS,
}
