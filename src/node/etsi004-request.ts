// ETSI GS QKD 004 V2.1.1 calls as JSON: one object a line, `command` and `data`, names as clients in the field have
// them. Strict: what is not known is refused. No socket, no decision on who may.

import { asQkdError, QkdError } from "../errors.js"
import { isUuid } from "../keys/bytes.js"
import type { StreamQos } from "../keys/stream-qos.js"
import { saeUri } from "../transport/pki.js"
import { isObject, parseJson } from "../yang/json-text.js"
import type { JsonObject, JsonValue } from "../yang/json-text.js"

export type StreamCall =
  | {
      readonly command: "OPEN_CONNECT"
      readonly source: string
      readonly destination: string
      readonly qos: StreamQos
      readonly ksid?: string
    }
  | {
      readonly command: "GET_KEY"
      readonly ksid: string
      readonly index?: number
      /** Bytes that the caller has for metadata; absent: it wants none. */
      readonly metadataBytes?: number
    }
  | { readonly command: "CLOSE"; readonly ksid: string }

/** Of one call. Its longest texts are two ids and a type. */
export const MAX_CALL_BYTES = 8192
const MAX_DEPTH = 6
const UINT32 = 0xffff_ffff
const QOS_MEMBERS = [
  "key_chunk_size",
  "max_bps",
  "min_bps",
  "jitter",
  "priority",
  "timeout",
  "ttl",
  "metadata_mimetype",
] as const

/**
 * @param line one line, without its end
 * @throws QkdError `malformed-message` for what is no JSON; `invalid-value`, `missing-element`, `unknown-element` with
 * the path of the fault
 */
export function parseStreamCall(line: Uint8Array): StreamCall {
  const call = object(parse(line), "", ["command", "data"])
  const { command } = call
  switch (command) {
    case "OPEN_CONNECT":
      return openConnect(call["data"])
    case "GET_KEY":
      return getKey(call["data"])
    case "CLOSE": {
      const data = object(call["data"], "/data", ["key_stream_id"])
      return { command, ksid: streamId(data) ?? missing("/data/key_stream_id") }
    }
    case undefined:
      return missing("/command")
    default:
      throw invalid("command shall be OPEN_CONNECT, GET_KEY or CLOSE", "/command")
  }
}

function openConnect(value: JsonValue | undefined): StreamCall {
  const data = object(value, "/data", ["source", "destination", "qos", "key_stream_id"])
  const ksid = streamId(data)
  return {
    command: "OPEN_CONNECT",
    source: application(data, "source"),
    destination: application(data, "destination"),
    qos: qosOf(data["qos"]),
    ...(ksid !== undefined && { ksid }),
  }
}

function getKey(value: JsonValue | undefined): StreamCall {
  const data = object(value, "/data", ["key_stream_id", "index", "metadata"])
  const ksid = streamId(data) ?? missing("/data/key_stream_id")
  const { index, metadata } = data
  const room =
    metadata === undefined ? undefined : object(metadata, "/data/metadata", ["size", "buffer"])
  const buffer = room?.["buffer"]
  if (buffer !== undefined && typeof buffer !== "string")
    throw invalid("buffer shall be a string", "/data/metadata/buffer")
  return {
    command: "GET_KEY",
    ksid,
    ...(index !== undefined && { index: uint32(index, "/data/index") }),
    ...(room !== undefined && {
      metadataBytes: uint32(room["size"] ?? missing("/data/metadata/size"), "/data/metadata/size"),
    }),
  }
}

function qosOf(value: JsonValue | undefined): StreamQos {
  const qos = value === undefined ? {} : object(value, "/data/qos", QOS_MEMBERS)
  const number = (name: (typeof QOS_MEMBERS)[number]): number => {
    const { [name]: value = 0 } = qos
    return uint32(value, `/data/qos/${name}`)
  }
  const { metadata_mimetype: type = "" } = qos
  if (typeof type !== "string" || Buffer.byteLength(type) > 256)
    throw invalid(
      "metadata_mimetype shall be a string of at most 256 bytes",
      "/data/qos/metadata_mimetype",
    )
  return {
    chunkBytes: number("key_chunk_size"),
    maxBps: number("max_bps"),
    minBps: number("min_bps"),
    jitterBps: number("jitter"),
    priority: number("priority"),
    timeoutMs: number("timeout"),
    ttlS: number("ttl"),
    metadataMimetype: type,
  }
}

/** An SAE id as it is, or as the URN that certificates carry. */
function application(data: JsonObject, name: "source" | "destination"): string {
  const path = `/data/${name}`
  const value = data[name] ?? missing(path)
  if (typeof value !== "string" || !/^[^\p{Cc}\p{Cs}]{1,512}$/u.test(value))
    throw invalid(`${name} shall be the URI of an application`, path)
  const urn = saeUri("")
  if (!value.startsWith(urn)) return value
  try {
    return decodeURIComponent(value.slice(urn.length))
  } catch {
    throw invalid(`${name} shall be the URI of an application`, path)
  }
}

/** Empty is absent. */
function streamId(data: JsonObject): string | undefined {
  const { key_stream_id: value } = data
  if (value === undefined || value === "") return undefined
  const id = typeof value === "string" ? value.toLowerCase() : ""
  if (!isUuid(id)) throw invalid("key_stream_id shall be a UUID", "/data/key_stream_id")
  return id
}

function uint32(value: JsonValue, path: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > UINT32)
    throw invalid("shall be an integer from 0 to 4294967295", path)
  return value
}

function object(
  value: JsonValue | undefined,
  path: string,
  names: readonly string[],
): Readonly<Record<string, JsonValue>> {
  if (value === undefined) missing(path)
  if (!isObject(value)) throw invalid("shall be an object", path === "" ? "/" : path)
  const stranger = Object.keys(value).find((name) => !names.includes(name))
  if (stranger === undefined) return value
  throw new QkdError("unknown-element", "unknown member", {
    path: `${path}/${stranger.slice(0, 64)}`,
  })
}

function parse(line: Uint8Array): JsonValue {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(line)
    return parseJson(text, { maxBytes: MAX_CALL_BYTES, maxDepth: MAX_DEPTH })
  } catch (cause) {
    const message = cause instanceof TypeError ? "not UTF-8" : asQkdError(cause).message
    throw new QkdError("malformed-message", message, { path: "/", cause })
  }
}

function missing(path: string): never {
  throw new QkdError("missing-element", "a member is missing", { path })
}

function invalid(message: string, path: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}
