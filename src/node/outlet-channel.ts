// The channel between a node and an outlet: frames over a private pipe, every one sealed, so that no key crosses a socket
// in clear, not even between two processes of one machine. Keys are agreed upon by X25519 when it opens; each direction
// has its own, and a counter for nonce. A frame that does not open, or comes again, ends the channel.

import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from "node:crypto"
import type { Duplex } from "node:stream"
import { asQkdError, QkdError } from "../errors.js"
import { encodeFrame, type Frame } from "../transport/frames.js"

const CIPHER = "aes-256-gcm"
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const LENGTH_BYTES = 4
const MAX_RECORD_BYTES = 16 * 1024 * 1024
/** Of the SubjectPublicKeyInfo of an X25519 key (RFC 8410), before its 32 bytes. */
const SPKI_HEAD = Buffer.from("302a300506032b656e032100", "hex")

export type ChannelSide = "node" | "outlet"

export class OutletChannel {
  readonly #pipe: Duplex
  readonly #side: ChannelSide
  readonly #onFrame: (frame: Frame) => void
  readonly #onEnd: (why: QkdError) => void
  readonly #own = generateKeyPairSync("x25519")
  #seal: Sealing | undefined
  #open: Sealing | undefined
  /** What is sent before keys are agreed upon. */
  #early: Buffer[] = []
  #held: Buffer = Buffer.alloc(0)
  #corked = false
  #ended = false

  /**
   * @param onFrame looks at the frame's bytes before it returns: they are wiped then
   * @param onEnd once: the other end is gone, or is none
   */
  constructor(
    pipe: Duplex,
    side: ChannelSide,
    onFrame: (frame: Frame) => void,
    onEnd: (why: QkdError) => void,
  ) {
    this.#pipe = pipe
    this.#side = side
    this.#onFrame = onFrame
    this.#onEnd = onEnd
    pipe.on("data", (chunk: Buffer) => {
      this.#take(chunk)
    })
    pipe.on("error", () => undefined)
    for (const over of ["end", "close"])
      pipe.once(over, () => {
        this.#end(gone())
      })
    this.#write(this.#publicKey())
  }

  /** The parts stay the caller's. Nothing happens once the channel has ended. */
  send(header: object, ...parts: readonly Uint8Array[]): void {
    if (this.#ended) return
    const frame = encodeFrame(header, ...parts)
    if (this.#seal === undefined) this.#early.push(frame)
    else this.#sendSealed(this.#seal, frame)
  }

  get ended(): boolean {
    return this.#ended
  }

  end(): void {
    this.#end(gone())
  }

  #sendSealed(seal: Sealing, frame: Buffer): void {
    this.#write(seal.seal(frame.subarray(LENGTH_BYTES)))
    frame.fill(0)
  }

  /** What is sent in one go leaves in one write. */
  #write(record: Buffer): void {
    if (!this.#corked) {
      this.#corked = true
      this.#pipe.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#pipe.uncork()
      })
    }
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(record.length)
    this.#pipe.write(length)
    this.#pipe.write(record)
  }

  #take(chunk: Buffer): void {
    let all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    try {
      while (!this.#ended && all.length >= LENGTH_BYTES) {
        const length = all.readUInt32BE(0)
        if (length > MAX_RECORD_BYTES) throw malformed()
        if (all.length < LENGTH_BYTES + length) break
        this.#record(all.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
        all = all.subarray(LENGTH_BYTES + length)
      }
    } catch (fault) {
      this.#end(asQkdError(fault))
      return
    }
    this.#held = all
  }

  #record(record: Buffer): void {
    if (this.#open === undefined) {
      this.#agree(record)
      return
    }
    const plain = this.#open.open(record)
    try {
      this.#onFrame(frameIn(plain))
    } finally {
      plain.fill(0)
    }
  }

  #publicKey(): Buffer {
    const der = this.#own.publicKey.export({ type: "spki", format: "der" })
    return der.subarray(SPKI_HEAD.length)
  }

  #agree(theirs: Buffer): void {
    if (theirs.length !== KEY_BYTES) throw malformed()
    const publicKey = createPublicKey({
      key: Buffer.concat([SPKI_HEAD, theirs]),
      format: "der",
      type: "spki",
    })
    const shared = diffieHellman({ privateKey: this.#own.privateKey, publicKey })
    const both = [this.#publicKey(), theirs]
    const salt = Buffer.concat(this.#side === "node" ? both : both.reverse())
    const keys = Buffer.from(hkdfSync("sha256", shared, salt, "keyloom outlet 1", 2 * KEY_BYTES))
    shared.fill(0)
    const toOutlet = new Sealing(keys.subarray(0, KEY_BYTES))
    const toNode = new Sealing(keys.subarray(KEY_BYTES))
    this.#seal = this.#side === "node" ? toOutlet : toNode
    this.#open = this.#side === "node" ? toNode : toOutlet
    for (const frame of this.#early.splice(0)) this.#sendSealed(this.#seal, frame)
  }

  #end(why: QkdError): void {
    if (this.#ended) return
    this.#ended = true
    for (const frame of this.#early.splice(0)) frame.fill(0)
    this.#pipe.destroy()
    this.#onEnd(why)
  }
}

/** One direction. */
class Sealing {
  readonly #key: Buffer
  readonly #nonce = Buffer.alloc(NONCE_BYTES)
  #count = 0

  constructor(key: Buffer) {
    this.#key = key
  }

  seal(plain: Uint8Array): Buffer {
    const cipher = createCipheriv(CIPHER, this.#key, this.#next())
    const sealed = cipher.update(plain)
    return Buffer.concat([sealed, cipher.final(), cipher.getAuthTag()])
  }

  /** @throws QkdError `malformed-message` for anything but the next record */
  open(record: Buffer): Buffer {
    if (record.length < TAG_BYTES) throw malformed()
    const decipher = createDecipheriv(CIPHER, this.#key, this.#next(), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(record.subarray(record.length - TAG_BYTES))
    const plain = decipher.update(record.subarray(0, record.length - TAG_BYTES))
    try {
      decipher.final()
    } catch {
      plain.fill(0)
      throw malformed()
    }
    return plain
  }

  #next(): Buffer {
    this.#nonce.writeUIntBE(this.#count++, NONCE_BYTES - 6, 6)
    return this.#nonce
  }
}

/** As `encodeFrame` made it, without the length of the whole; the bytes are not a copy. */
function frameIn(plain: Buffer): Frame {
  if (plain.length < LENGTH_BYTES) throw malformed()
  const bytesAt = LENGTH_BYTES + plain.readUInt32BE(0)
  if (bytesAt > plain.length) throw malformed()
  let header: unknown
  try {
    header = JSON.parse(plain.toString("utf8", LENGTH_BYTES, bytesAt))
  } catch {
    throw malformed()
  }
  if (typeof header !== "object" || header === null) throw malformed()
  return { header: header as Frame["header"], bytes: plain.subarray(bytesAt) }
}

function malformed(): QkdError {
  return new QkdError("malformed-message", "no frame of this channel")
}

function gone(): QkdError {
  return new QkdError("operation-failed", "the other end of the channel is gone", {
    appTag: "closed",
  })
}
