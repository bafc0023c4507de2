// The line between two sites that preload: JSON over HTTPS with client certificates, the sealing end asks. What it says
// is no secret, but who says it counts: the certificate's common name decides, never the message.

import type { IncomingMessage, ServerResponse } from "node:http"
import { asQkdError, QkdError } from "../errors.js"
import {
  HttpsClient,
  type HttpsClientOptions,
  type HttpsServer,
  listenHttps,
  readBody,
} from "../transport/https.js"
import type { MutualTls } from "../transport/tls.js"
import { isKind, type Kind, type MessageKinds, readMessage } from "./hsm-messages.js"
import type { PeerLine, Watch } from "./hsm-ports.js"

const PREFIX = "/keyloom/hsm/v1/"
const MAX_BODY_BYTES = 64 * 1024

export function connectLine(options: Omit<HttpsClientOptions, "maxBodyBytes">): PeerLine & {
  close(): void
} {
  const client = new HttpsClient({ ...options, maxBodyBytes: MAX_BODY_BYTES })
  return {
    async ask<K extends Kind>(kind: K, message: MessageKinds[K]["ask"]) {
      const body = JSON.stringify(message)
      const answer = await client.request({ method: "POST", path: PREFIX + kind, body })
      if (answer.status === 200) return readMessage(kind, "answer", answer.body)
      const said = new TextDecoder().decode(answer.body).slice(0, 300)
      throw new QkdError(
        answer.status === 403 ? "access-denied" : "operation-failed",
        `the peer answered ${answer.status} to ${kind}: ${said}`,
      )
    },
    close() {
      client.close()
    },
  }
}

/** Who answers for a peer, by the common name of its certificate. */
export type Answerers = ReadonlyMap<
  string,
  { answer<K extends Kind>(kind: K, message: MessageKinds[K]["ask"]): Promise<object> }
>

/** @throws QkdError app-tag of the listener when the address is taken */
export function listenLine(options: {
  readonly host: string
  readonly port: number
  readonly tls: MutualTls
  readonly answerers: Answerers
  readonly watch: Watch
}): Promise<HttpsServer> {
  const { host, port, tls, answerers, watch } = options
  return listenHttps({
    host,
    port,
    tls,
    handler: (request, response, { commonName }) => {
      void answer(request, answerers, commonName).then(
        (body) => {
          send(response, 200, body)
        },
        (error: unknown) => {
          const fault = asQkdError(error)
          watch.alarm("line-refused", { peer: commonName, reason: fault.message })
          send(response, statusOf(fault), { message: fault.message })
        },
      )
    },
  })
}

async function answer(
  request: IncomingMessage,
  answerers: Answerers,
  commonName: string,
): Promise<object> {
  const answerer = answerers.get(commonName)
  if (answerer === undefined) throw new QkdError("access-denied", `${commonName} is no peer here`)
  const { method, url = "" } = request
  const kind = url.startsWith(PREFIX) ? url.slice(PREFIX.length) : ""
  if (method !== "POST" || !isKind(kind)) {
    throw new QkdError("operation-not-supported", `there is no ${method ?? ""} ${url}`)
  }
  return answerer.answer(kind, readMessage(kind, "ask", await readBody(request, MAX_BODY_BYTES)))
}

function statusOf({ tag }: QkdError): number {
  if (tag === "access-denied") return 403
  if (tag === "operation-not-supported") return 404
  return tag === "malformed-message" || tag === "too-big" ? 400 : 503
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  })
  response.end(text)
}
