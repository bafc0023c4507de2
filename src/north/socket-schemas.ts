// The messages of the WebSocket protocol.

import { count, type JsonSchema, list, object, oneOf, ref, string, time } from "./schema-words.js"

/** What notices are about. */
export const TOPIC: JsonSchema = oneOf("node", "link", "service", "order", "maintenance", "log")

export const SOCKET_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Topics: {
    ...list(oneOf("node", "link", "service", "order", "maintenance", "log", "*")),
    minItems: 1,
    maxItems: 7,
    uniqueItems: true,
  },
  Since: object({ epoch: { ...string, maxLength: 128 }, seq: count }),
  Init: object({ op: { const: "init" }, token: { ...string, minLength: 1, maxLength: 512 } }),
  Subscribe: object({
    op: { const: "subscribe" },
    id: { ...string, minLength: 1, maxLength: 64 },
    topics: ref("Topics"),
    "since?": ref("Since"),
  }),
  Unsubscribe: object({ op: { const: "unsubscribe" }, id: { ...string, maxLength: 64 } }),
  Ready: object({ op: { const: "ready" }, epoch: string, seq: count, role: string }),
  Resumed: object({ op: { const: "resumed" }, id: string, epoch: string, seq: count, from: count }),
  NothingMissed: object({ op: { const: "nothing-missed" }, id: string, epoch: string, seq: count }),
  Snapshot: object({
    op: { const: "snapshot" },
    id: string,
    reason: oneOf("first", "other-epoch", "too-old", "ahead"),
    epoch: string,
    seq: count,
    network: object({
      revision: count,
      "nodes?": list(ref("Node")),
      "links?": list(ref("Link")),
      "services?": list(ref("Service")),
      "orders?": list(ref("BulkOrder")),
      "maintenance?": list(ref("Maintenance")),
    }),
  }),
  Unsubscribed: object({ op: { const: "unsubscribed" }, id: string }),
  NoticeMessage: object({
    op: { const: "notice" },
    seq: count,
    time,
    topic: TOPIC,
    type: string,
    id: string,
    value: {},
    "message?": string,
  }),
  Heartbeat: object({ op: { const: "heartbeat" }, epoch: string, seq: count, time }),
  ErrorMessage: object({ op: { const: "error" }, problem: ref("Problem") }),
}
