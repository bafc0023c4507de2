// What is written to a TLS socket together (headers and body of an answer) leaves as one piece: one record, one call to
// the kernel. Node would join the pieces too, but in memory that nobody wipes, and bodies may be keys.

import type { TLSSocket } from "node:tls"

interface Piece {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
}

/** Kept for the next answers: each as large as two answers of 128 keys. */
const ROOM_BYTES = 32_768
const MOST_KEPT = 32
const kept: Buffer[] = []

/** From now on, pieces that wait together are joined in a buffer of their own, which is wiped once it has left. */
export function joinWrites(socket: TLSSocket): void {
  const write = socket._write.bind(socket)
  socket._writev = (pieces: readonly Piece[], done) => {
    const length = lengthOf(pieces)
    const room =
      (length > ROOM_BYTES ? undefined : kept.pop()) ??
      Buffer.allocUnsafeSlow(Math.max(length, ROOM_BYTES))
    const joined = room.subarray(0, length)
    join(pieces, joined)
    write(joined, "buffer" as BufferEncoding, (error) => {
      joined.fill(0)
      if (room.length === ROOM_BYTES && kept.length < MOST_KEPT) kept.push(room)
      done(error)
    })
  }
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { chunk, encoding }) => {
    return sum + (typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.length)
  }, 0)
}

function join(pieces: readonly Piece[], joined: Buffer): void {
  let at = 0
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === "string") at += joined.write(chunk, at, encoding)
    else {
      joined.set(chunk, at)
      at += chunk.length
    }
  }
}
