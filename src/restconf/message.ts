// A RESTCONF request and its answer as values. Types only: sockets, TLS and who is asking are the edge's
// (`north/restconf.ts`).

import type { Caller } from "../netconf/backend.js"

export interface RestconfRequest {
  readonly method: string
  /** As it stood on the wire, percent-encoded: path and query. */
  readonly target: string
  /** Scheme and authority the client used, such as `https://host:port`: for Location and stream addresses. */
  readonly origin: string
  /** Lower-case names; a header sent twice is joined by commas, as HTTP has it. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
  /** Absent: nobody has proved who they are. */
  readonly caller: Caller | undefined
}

export interface RestconfAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Absent: none. A HEAD's answer carries the body its GET would; the edge keeps it back. */
  readonly body?: string
  /** Something that is no QkdError was thrown: for the log, never for the client. */
  readonly bug?: unknown
  /** Instead of a body: what comes as it happens. To be called once the head has left. @returns the way to stop. */
  readonly stream?: (sink: StreamSink) => () => void
}

/** The far end of a stream. */
export interface StreamSink {
  write(text: string): void
  /** Nothing more will come. */
  end(): void
}

export const METHODS = ["OPTIONS", "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"] as const
export type Method = (typeof METHODS)[number]

export function isMethod(text: string): text is Method {
  return METHODS.some((method) => method === text)
}

export type Encoding = "json" | "xml"
