// One stretch of light between two simulated modules, seen from one end: who is there, agreement on a session,
// and blocks announced, confirmed and given. Ends with the light. Owns no socket and no clock.
//
//   hello, hello ─▶ proof, proof ─▶ block n ─▶ (receiver gives it) got n ─▶ (transmitter gives it)
//
// When a confirmation is lost with the light, the receiver has a block that the transmitter has not: the key
// managers find out when they compare. What nobody confirmed is given by nobody.

import type { KeyBlock, ModuleRole, Secret } from "../../src/plugin/index.js"
import { KeySession, NONCE_BYTES } from "./key-session.js"
import { type FibreEndName, parseObject } from "./lines.js"

export const MAX_BLOCK_BYTES = 16_384
export const MIN_BLOCK_BYTES = 64
/** Announced and not yet confirmed, or given and not yet read: at most this much key waits at one end. */
const WINDOW_BLOCKS = 256

export interface SessionSide {
  readonly end: FibreEndName
  readonly fibreId: string
  readonly qkdlId: string
  readonly role: Exclude<ModuleRole, "TRANSCEIVER">
  readonly seed: Secret
  readonly nonce: Uint8Array
  send(line: string): void
  /** Blocks given at this end and not read yet. */
  unread(): number
  give(block: KeyBlock): void
  /** The receiver hears what the transmitter measured. */
  measured(skrBps: number, qber: number): void
}

export type SessionState =
  | { readonly kind: "meeting" }
  | { readonly kind: "proven" }
  | { readonly kind: "refused"; readonly reason: string }

export class LinkSession {
  readonly #side: SessionSide
  #keys: KeySession | undefined
  #state: SessionState = { kind: "meeting" }
  /** Transmitter: lengths announced, by number. Receiver: announced but not given, for want of room. */
  readonly #open = new Map<number, number>()
  #lastBlock = 0

  constructor(side: SessionSide) {
    this.#side = side
    this.#say({ k: "hello", link: side.qkdlId, role: side.role, nonce: hex(side.nonce) })
  }

  get state(): SessionState {
    return this.#state
  }

  /** Whether the transmitter may announce another block. */
  get room(): boolean {
    return this.#state.kind === "proven" && this.#open.size + this.#side.unread() < WINDOW_BLOCKS
  }

  /** Transmitter: announces the next block. Call only when there is room. */
  announce(lengthBytes: number): void {
    this.#lastBlock += 1
    this.#open.set(this.#lastBlock, lengthBytes)
    this.#say({ k: "block", n: this.#lastBlock, bytes: lengthBytes })
  }

  /** Transmitter: what was measured. */
  report(skrBps: number, qber: number): void {
    this.#say({ k: "measured", skrBps, qber })
  }

  /** Receiver: the reader has made room; give what was held back. */
  resume(): void {
    if (this.#side.role !== "RECEIVER") return
    for (const [n, lengthBytes] of this.#open) {
      if (this.#side.unread() >= WINDOW_BLOCKS) return
      this.#open.delete(n)
      this.#receive(n, lengthBytes)
    }
  }

  /** A line from the other end. What makes no sense is refused: then there is no key until the light returns. */
  heard(line: string): void {
    if (this.#state.kind === "refused") return
    const said = parseObject(line)
    switch (said?.["k"]) {
      case "hello":
        this.#hello(said)
        return
      case "proof":
        this.#proof(said)
        return
      case "block":
        this.#block(said)
        return
      case "got":
        this.#got(said)
        return
      case "measured":
        if (this.#side.role === "RECEIVER" && this.#state.kind === "proven")
          this.#side.measured(numberOf(said["skrBps"]), Math.min(numberOf(said["qber"]), 0.5))
        return
      default:
        this.#refuse("the other end speaks another language")
    }
  }

  /** The light is gone: nothing more is given. */
  end(): void {
    this.#refuse("no light")
    this.#open.clear()
    this.#keys?.wipe()
    this.#keys = undefined
  }

  #hello(said: Readonly<Record<string, unknown>>): void {
    const { nonce, link, role } = said
    const { end, fibreId, qkdlId } = this.#side
    const other = typeof nonce === "string" ? new Uint8Array(Buffer.from(nonce, "hex")) : undefined
    if (this.#keys !== undefined || other?.length !== NONCE_BYTES) {
      this.#refuse("the other end's greeting is malformed")
      return
    }
    if (link !== qkdlId) {
      this.#refuse("the other end is configured for another link")
      return
    }
    if (role === this.#side.role || (role !== "TRANSMITTER" && role !== "RECEIVER")) {
      this.#refuse(`both ends are configured as ${this.#side.role.toLowerCase()}`)
      return
    }
    const [a, b] = end === "a" ? [this.#side.nonce, other] : [other, this.#side.nonce]
    this.#keys = new KeySession(this.#side.seed, a, b, [fibreId, qkdlId])
    this.#say({ k: "proof", mac: this.#keys.proof(end) })
  }

  #proof(said: Readonly<Record<string, unknown>>): void {
    const { mac } = said
    const otherEnd = this.#side.end === "a" ? "b" : "a"
    if (typeof mac !== "string" || this.#keys?.provenBy(otherEnd, mac) !== true)
      this.#refuse("the other end does not hold this link's seed")
    else if (this.#state.kind === "meeting") this.#state = { kind: "proven" }
  }

  #block(said: Readonly<Record<string, unknown>>): void {
    const n = numberOf(said["n"])
    const lengthBytes = numberOf(said["bytes"])
    const sound =
      this.#side.role === "RECEIVER" &&
      this.#state.kind === "proven" &&
      n === this.#lastBlock + 1 &&
      Number.isInteger(lengthBytes) &&
      lengthBytes >= MIN_BLOCK_BYTES &&
      lengthBytes <= MAX_BLOCK_BYTES &&
      this.#open.size < WINDOW_BLOCKS
    if (!sound) {
      this.#refuse("the other end announced a block out of turn")
      return
    }
    this.#lastBlock = n
    if (this.#side.unread() >= WINDOW_BLOCKS) this.#open.set(n, lengthBytes)
    else this.#receive(n, lengthBytes)
  }

  #receive(n: number, lengthBytes: number): void {
    if (this.#keys === undefined) return
    this.#side.give(this.#keys.block(n, lengthBytes))
    this.#say({ k: "got", n })
  }

  #got(said: Readonly<Record<string, unknown>>): void {
    const n = numberOf(said["n"])
    const lengthBytes = this.#open.get(n)
    if (
      this.#side.role !== "TRANSMITTER" ||
      lengthBytes === undefined ||
      this.#keys === undefined
    ) {
      this.#refuse("the other end confirmed a block that was not announced")
      return
    }
    this.#open.delete(n)
    this.#side.give(this.#keys.block(n, lengthBytes))
  }

  #refuse(reason: string): void {
    if (this.#state.kind !== "refused") this.#state = { kind: "refused", reason }
  }

  #say(message: Readonly<Record<string, unknown>>): void {
    this.#side.send(JSON.stringify(message))
  }
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex")
}
