// What a consumer tells of itself on the machine it runs on: JSON over HTTP on a Unix socket, nothing secret in it.

import { chmodSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { QkdError } from "../errors.js"
import type { Alarm } from "./rotation.js"

export interface TunnelStatus {
  readonly tunnel: string
  readonly purpose: string
  readonly role: string
  readonly policy: string
  readonly up: boolean
  /** `idle`, or the step of a rotation. */
  readonly step: string
  /** Finished since the program started. */
  readonly rotations: number
  readonly highestGeneration: number
  readonly current?: {
    readonly generation: number
    readonly kind: string
    readonly sinceMs: number
  }
  /** At the initiator: when the next key is due, or the next try after so many that failed. */
  readonly next?: { readonly atMs: number; readonly failures: number }
  readonly alarms: readonly {
    readonly alarm: Alarm
    readonly sinceMs: number
    readonly detail: string
  }[]
}

/**
 * Answers `GET /status`. The socket's file is for owner and group; one left by a crash is replaced.
 *
 * @throws QkdError `operation-failed` when it cannot listen there
 */
export async function serveStatus(
  socketFile: string,
  status: () => TunnelStatus,
): Promise<{ close(): Promise<void> }> {
  rmSync(socketFile, { force: true })
  const server = createServer((request, response) => {
    const found = request.method === "GET" && request.url === "/status"
    response.writeHead(found ? 200 : 404, { "content-type": "application/json" })
    response.end(found ? `${JSON.stringify(status())}\n` : "")
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new QkdError("operation-failed", `cannot listen at ${socketFile}`, { cause }))
    })
    server.listen(socketFile, resolve)
  })
  chmodSync(socketFile, 0o660)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
