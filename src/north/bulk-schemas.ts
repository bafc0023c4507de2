// The shapes of bulk key orders.

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

const MAX_VOLUME_BITS = 1_000_000_000_000
const sae = { ...string, minLength: 1, maxLength: 255 }
const names = { ...list({ ...string, minLength: 1, maxLength: 255 }), uniqueItems: true }
const bits = (description: string): JsonSchema => ({ ...count, description })

export const BULK_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  BulkOrderRequest: {
    ...object({
      from: { ...sae, description: "SAE id: it asks its node for the keys" },
      to: { ...sae, description: "SAE id: it fetches the keys by their ids" },
      "volumeBits?": {
        type: "integer",
        minimum: 1,
        maximum: MAX_VOLUME_BITS,
        description: "A whole number of keys; or give `keys`",
      },
      "keys?": { type: "integer", minimum: 1, maximum: MAX_VOLUME_BITS },
      "keySizeBits?": {
        type: "integer",
        minimum: 64,
        maximum: 16_384,
        multipleOf: 8,
        default: 256,
        description: "Size of the keys that are made ready",
      },
      deadline: { ...time, description: "RFC 3339: all of it is there by then" },
      "notBefore?": { ...time, description: "RFC 3339: it begins at once where absent" },
      "bestEffort?": {
        ...boolean,
        default: false,
        description: "Take the order on even if it cannot be in time",
      },
      "priority?": { type: "integer", minimum: 0, maximum: 4_294_967_295, default: 0 },
      "mostBps?": {
        type: "integer",
        minimum: 1,
        maximum: 4_294_967_295,
        description: "Its key stream runs no faster: for sites whose policies have a ceiling",
      },
      "ttlS?": { type: "integer", minimum: 1, maximum: 4_294_967_295 },
      "avoidNodes?": {
        ...names,
        maxItems: 1000,
        description: "Nodes that must not see the key, by qkdnId or name",
      },
      "avoidLinks?": {
        ...names,
        maxItems: 1000,
        description: "Links that must not carry the key, by qkdlId or name",
      },
      "maxHops?": { type: "integer", minimum: 1, maximum: 255 },
      "maxEpsilon?": { ...number, exclusiveMinimum: 0, maximum: 1 },
    }),
    description: "So much key for a pair of SAEs by a deadline.",
  },
  BulkPeriod: object({
    begin: time,
    end: time,
    rateBps: bps("Rate of the order's key stream"),
    hops: list(ref("Hop")),
    nodes: list(string),
  }),
  BulkOrder: object(
    {
      orderId: string,
      from: ref("ServiceEnd"),
      to: ref("ServiceEnd"),
      volumeBits: bits("As ordered"),
      keySizeBits: count,
      keys: bits("As ordered"),
      notBefore: time,
      deadline: time,
      terms: object({
        priority: { type: "integer", description: "Greater goes first" },
        "mostBps?": bps("Its key stream runs no faster"),
        "ttlS?": { ...count, description: "Longest time an unused key may wait, seconds" },
        avoidNodes: list(string),
        "avoidLinks?": list(string),
        "maxHops?": { type: "integer", minimum: 1 },
        "maxEpsilon?": { ...number, minimum: 0 },
      }),
      bestEffort: boolean,
      state: {
        ...oneOf("pending", "inProgress", "held", "completed", "cancelled"),
        description:
          "Accepted, its time has not come; its stream is to run; nothing can be scheduled now; all of it is there; taken back",
      },
      "reason?": string,
      late: { ...boolean, description: "The forecast, or the completion, is after the deadline" },
      "forecast?": {
        ...time,
        description: "When all of it will be there; absent while nobody can say",
      },
      deliveredBits: bits("Of the volume, what is at both sites: handed out, or ready to be"),
      takenBits: bits("Handed to the SAE of `from` since the order began, by its node's count"),
      readyBits: bits("Ready at both sites, not handed out yet"),
      "serviceId?": { ...string, description: "The key stream that carries it out" },
      periods: { ...list(ref("BulkPeriod")), description: "As scheduled last" },
      createdAt: time,
      changedAt: time,
      "completedAt?": time,
    },
    "A bulk key order and what has become of it.",
  ),
}
