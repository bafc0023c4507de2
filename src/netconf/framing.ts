// RFC 6242 framing, both kinds, bytes in and out. Does not look into messages and owns no socket.
//
//   end-of-message (section 4.3, and every hello):  <octets> "]]>]]>"
//   chunked (section 4.2, after both sent base:1.1): 1*("\n#" size "\n" <octets>) "\n##\n"

import { QkdError } from "../errors.js"
import { ByteBuffer } from "./byte-buffer.js"

export type Framing = "end-of-message" | "chunked"

const LF = 0x0a
const HASH = 0x23
const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
/** `]]>]]>` */
const DELIMITER = Uint8Array.of(0x5d, 0x5d, 0x3e, 0x5d, 0x5d, 0x3e)
const END_OF_CHUNKS = Uint8Array.of(LF, HASH, HASH, LF)
/** RFC 6242 section 4.2: chunk-size is 1..4294967295, so at most ten digits. */
const MAX_CHUNK_BYTES = 4_294_967_295
const MAX_CHUNK_DIGITS = 10

const encoder = new TextEncoder()

/** One message ready to be sent. */
export function frame(message: string, framing: Framing): Uint8Array {
  const body = encoder.encode(message)
  const head = framing === "chunked" ? encoder.encode(`\n#${body.length}\n`) : new Uint8Array(0)
  const tail = framing === "chunked" ? END_OF_CHUNKS : DELIMITER
  const out = new Uint8Array(head.length + body.length + tail.length)
  out.set(head, 0)
  out.set(body, head.length)
  out.set(tail, head.length + body.length)
  return out
}

/**
 * Cuts a byte stream into messages. `push` takes what arrived, `next` gives one message at a time, so
 * that the framing can change between two messages of the same read (a client may send its hello and a
 * chunked rpc in one packet).
 */
export class FrameReader {
  /** Bytes not yet looked at, or looked at in vain while a delimiter may still be completed. */
  readonly #pending = new ByteBuffer()
  /** Octets of the chunks of the message under way. */
  readonly #message = new ByteBuffer()
  readonly #maxMessageBytes: number
  #framing: Framing = "end-of-message"
  /** Pending bytes known to hold no delimiter start. */
  #searched = 0
  /** Octets of the current chunk still to come; 0 while a chunk header is expected. */
  #chunkLeft = 0

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes
  }

  get framing(): Framing {
    return this.#framing
  }

  /** From the next message on. Only between messages, that is right after `next` gave one. */
  useChunked(): void {
    this.#framing = "chunked"
  }

  push(bytes: Uint8Array): void {
    this.#pending.append(bytes)
  }

  /**
   * The next whole message, or undefined until more arrives.
   *
   * @throws QkdError `malformed-message` on a framing fault and `too-big` on a message beyond the limit;
   * the session must end then, the stream cannot be picked up again (RFC 6242 section 4.2).
   */
  next(): Uint8Array | undefined {
    return this.#framing === "chunked" ? this.#nextChunked() : this.#nextDelimited()
  }

  #nextDelimited(): Uint8Array | undefined {
    const view = this.#pending.view()
    const found = indexOfDelimiter(view, this.#searched)
    // Without a delimiter, the last five bytes may be its beginning and are not counted yet.
    const length = found === -1 ? view.length - (DELIMITER.length - 1) : found
    if (length > this.#maxMessageBytes) throw this.#tooBig()
    if (found === -1) {
      this.#searched = Math.max(0, length)
      return undefined
    }
    const message = view.slice(0, found)
    this.#pending.drop(found + DELIMITER.length)
    this.#searched = 0
    return message
  }

  #nextChunked(): Uint8Array | undefined {
    for (;;) {
      if (this.#chunkLeft > 0) {
        const part = this.#pending.view().subarray(0, this.#chunkLeft)
        if (part.length === 0) return undefined
        this.#message.append(part)
        this.#chunkLeft -= part.length
        this.#pending.drop(part.length)
        continue
      }
      const header = this.#readHeader()
      if (header === undefined) return undefined
      if (header !== "end") {
        if (this.#message.length + header > this.#maxMessageBytes) throw this.#tooBig()
        this.#chunkLeft = header
        continue
      }
      if (this.#message.length === 0) throw malformed("end of chunks before any chunk")
      const message = this.#message.view().slice()
      this.#message.drop(message.length)
      return message
    }
  }

  /** A chunk size, the end of the message, or undefined while the header is incomplete; refused at the first wrong byte. */
  #readHeader(): number | "end" | undefined {
    const pending = this.#pending
    const expect = (offset: number, byte: number): boolean => {
      const got = pending.at(offset)
      if (got !== -1 && got !== byte) throw malformed(`wrong byte ${offset} in a chunk header`)
      return got === byte
    }
    if (!expect(0, LF) || !expect(1, HASH)) return undefined
    if (pending.at(2) === HASH) {
      if (!expect(3, LF)) return undefined
      pending.drop(END_OF_CHUNKS.length)
      return "end"
    }
    let size = 0
    for (let digits = 0; ; digits++) {
      const byte = pending.at(2 + digits)
      if (byte === -1) return undefined
      if (byte === LF && digits > 0) {
        pending.drop(2 + digits + 1)
        return size
      }
      if (byte < (digits === 0 ? DIGIT_0 + 1 : DIGIT_0) || byte > DIGIT_9)
        throw malformed("chunk size is not a decimal number without leading zero")
      size = size * 10 + (byte - DIGIT_0)
      if (digits === MAX_CHUNK_DIGITS || size > MAX_CHUNK_BYTES)
        throw malformed("chunk size beyond 4294967295")
    }
  }

  #tooBig(): QkdError {
    return new QkdError("too-big", `message beyond ${this.#maxMessageBytes} bytes`)
  }
}

function indexOfDelimiter(bytes: Uint8Array, from: number): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.indexOf(DELIMITER, from)
}

function malformed(what: string): QkdError {
  return new QkdError("malformed-message", `framing: ${what}`)
}
