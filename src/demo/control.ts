// How `keyloom demo cut|mend|url` reach a running demo: one JSON line over loopback TCP, with a token from
// `control.json` (mode 0600). It moves fibres and hands out page addresses; it tells no node and no controller anything.

import { randomBytes, timingSafeEqual } from "node:crypto"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import path from "node:path"
import { QkdError } from "../errors.js"
import { LOOPBACK } from "./ports.js"
import { writeFileDurably } from "./write-file.js"

export type ControlRequest =
  | {
      readonly verb: "cut" | "mend"
      readonly a: string
      readonly b: string
      readonly link?: string
    }
  | { readonly verb: "url" }

/** What the supervisor does for a request; answers a line for people. */
export type ControlHandler = (request: ControlRequest) => Promise<string>

const MAX_LINE_BYTES = 4096

/** Opens the control channel and writes `control.json`. */
export async function openControl(
  dir: string,
  handler: ControlHandler,
): Promise<{ close(): Promise<void> }> {
  const token = randomBytes(32).toString("base64url")
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    socket.on("error", () => socket.destroy())
    socket.setTimeout(10_000, () => socket.destroy())
    readLine(socket)
      .then(async (line) => {
        const { token: given, ...request } = JSON.parse(line) as ControlRequest & { token: string }
        const ok =
          given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token))
        if (!ok) throw new QkdError("access-denied", "wrong token")
        return handler(request)
      })
      .then(
        (said) => socket.end(`${JSON.stringify({ said })}\n`),
        (error: unknown) =>
          socket.end(
            `${JSON.stringify({ error: error instanceof Error ? error.message : "failed" })}\n`,
          ),
      )
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, LOOPBACK, () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })
  const file = path.join(dir, "control.json")
  writeFileDurably(file, JSON.stringify({ port, token }), 0o600)
  return {
    close: () =>
      new Promise((done) => {
        rmSync(file, { force: true })
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          done()
        })
      }),
  }
}

/**
 * Asks the demo running in `dir`.
 *
 * @throws QkdError `data-missing` when none runs there, or `operation-failed` with the demo's own words.
 */
export async function askDemo(dir: string, request: ControlRequest): Promise<string> {
  const file = path.join(dir, "control.json")
  if (!existsSync(file)) throw new QkdError("data-missing", `no demo is running in ${dir}`)
  const { port, token } = JSON.parse(readFileSync(file, "utf8")) as { port: number; token: string }
  const socket = connect(port, LOOPBACK)
  try {
    socket.write(`${JSON.stringify({ ...request, token })}\n`)
    const answer = JSON.parse(await readLine(socket)) as { said?: string; error?: string }
    if (answer.said === undefined) throw new QkdError("operation-failed", answer.error ?? "failed")
    return answer.said
  } catch (error) {
    if (error instanceof QkdError) throw error
    throw new QkdError("data-missing", `no demo is running in ${dir}`, { cause: error })
  } finally {
    socket.destroy()
  }
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ""
    socket.setEncoding("utf8")
    socket.on("data", (chunk: string) => {
      text += chunk
      const end = text.indexOf("\n")
      if (end >= 0) resolve(text.slice(0, end))
      else if (text.length > MAX_LINE_BYTES) reject(new QkdError("too-big", "line too long"))
    })
    socket.on("error", reject)
    socket.on("close", () => {
      reject(
        new QkdError("operation-failed", "the connection ended without an answer", {
          appTag: "closed",
        }),
      )
    })
  })
}
