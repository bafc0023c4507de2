// What is written to a TLS socket together (headers and body of an answer) leaves as one piece: one record, one call to
// the kernel. Node would join the pieces too, but in memory that nobody wipes, and bodies may be keys.

import type { ServerResponse } from "node:http"
import type { TLSSocket } from "node:tls"

interface Piece {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
}

/** Kept for the next answers: each as large as two answers of 128 keys. */
const ROOM_BYTES = 32_768
const MOST_KEPT = 32

interface Room {
  readonly bytes: Buffer
  /** As much of it as the last pieces took: the next ones are as long, as a rule, and making a view takes time. */
  view: Buffer
}
const kept: Room[] = []

/** From now on, pieces that wait together are joined in a buffer of their own, which is wiped once it has left. */
export function joinWrites(socket: TLSSocket): void {
  const write = socket._write.bind(socket)
  socket._writev = (pieces: readonly Piece[], done) => {
    const room = roomFor(lengthOf(pieces))
    const { view } = room
    join(pieces, view)
    write(view, "buffer" as BufferEncoding, (error) => {
      view.fill(0)
      if (room.bytes.length === ROOM_BYTES && kept.length < MOST_KEPT) kept.push(room)
      done(error)
    })
  }
}

function roomFor(length: number): Room {
  if (length > ROOM_BYTES) {
    const bytes = Buffer.allocUnsafeSlow(length)
    return { bytes, view: bytes }
  }
  const room = kept.pop()
  if (room?.view.length === length) return room
  const bytes = room?.bytes ?? Buffer.allocUnsafeSlow(ROOM_BYTES)
  return { bytes, view: bytes.subarray(0, length) }
}

/** The body that is being ended, until it has been joined. */
let ending: Uint8Array | undefined

/**
 * Ends an answer with a body that nobody else keeps and that is wiped: as soon as it has been joined with its headers,
 * which is at once unless an earlier answer is still leaving; at the latest when the answer is over or its connection is.
 */
export function endWiped(response: ServerResponse, body: Uint8Array): void {
  ending = body
  try {
    response.end(body)
  } finally {
    if (isEnding(body)) response.once("close", () => body.fill(0))
    ending = undefined
  }
}

function isEnding(body: Uint8Array): boolean {
  return ending === body
}

function lengthOf(pieces: readonly Piece[]): number {
  let sum = 0
  for (const { chunk, encoding } of pieces)
    sum +=
      typeof chunk !== "string" || encoding === "latin1"
        ? chunk.length
        : Buffer.byteLength(chunk, encoding)
  return sum
}

function join(pieces: readonly Piece[], joined: Buffer): void {
  let at = 0
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === "string") {
      if (chunk !== "") at += joined.write(chunk, at, encoding)
      continue
    }
    joined.set(chunk, at)
    at += chunk.length
    if (!isEnding(chunk)) continue
    chunk.fill(0)
    ending = undefined
  }
}
