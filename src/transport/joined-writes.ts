// What is written to a TLS socket together (headers and body of an answer) leaves as one piece: one record, one call to
// the kernel. Node would join the pieces too, but in memory that nobody wipes, and bodies may be keys.

import type { TLSSocket } from "node:tls"

interface Piece {
  readonly chunk: string | Uint8Array
  readonly encoding: BufferEncoding
}

/** From now on, pieces that wait together are joined in a buffer of its own, which is wiped once it has left. */
export function joinWrites(socket: TLSSocket): void {
  const write = socket._write.bind(socket)
  socket._writev = (pieces: readonly Piece[], done) => {
    const joined = joinedOf(pieces)
    write(joined, "buffer" as BufferEncoding, (error) => {
      joined.fill(0)
      done(error)
    })
  }
}

function joinedOf(pieces: readonly Piece[]): Buffer {
  const length = pieces.reduce((sum, { chunk, encoding }) => {
    return sum + (typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.length)
  }, 0)
  const joined = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const { chunk, encoding } of pieces) {
    if (typeof chunk === "string") at += joined.write(chunk, at, encoding)
    else {
      joined.set(chunk, at)
      at += chunk.length
    }
  }
  return joined
}
