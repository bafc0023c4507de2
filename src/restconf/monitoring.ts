// What a RESTCONF server says of itself: `restconf-state` of ietf-restconf-monitoring (RFC 8040 section 9). Data only.

import type { JsonObject, JsonValue } from "../yang/json-text.js"
import { encodePercent } from "./uri.js"

export interface StreamInfo {
  readonly name: string
  readonly description: string
  /** Since when past events are kept, milliseconds since the epoch; absent: no replay. */
  readonly replaySinceMs?: number
}

/** Where one listens to a stream, below the entry point. */
export function streamPath(name: string, encoding: "xml" | "json"): string {
  return `/streams/${encodePercent(name)}/${encoding}`
}

/** @param entry origin and entry point, such as `https://host/restconf`. */
export function restconfState(
  entry: string,
  capabilities: readonly string[],
  streams: readonly StreamInfo[],
): JsonObject {
  const stream = streams.map(
    (info): JsonValue => ({
      name: info.name,
      description: info.description,
      "replay-support": info.replaySinceMs !== undefined,
      ...(info.replaySinceMs === undefined
        ? {}
        : { "replay-log-creation-time": new Date(info.replaySinceMs).toISOString() }),
      access: (["json", "xml"] as const).map((encoding) => ({
        encoding,
        location: `${entry}${streamPath(info.name, encoding)}`,
      })),
    }),
  )
  return {
    "ietf-restconf-monitoring:restconf-state": {
      capabilities: { capability: capabilities },
      ...(stream.length === 0 ? {} : { streams: { stream } }),
    },
  }
}
