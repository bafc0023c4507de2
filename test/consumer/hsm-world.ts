// Two sites that preload, without token and network: what the tests of maker and taker drive, break off and meddle with.

import assert from "node:assert/strict"
import { createHmac, randomBytes, randomUUID } from "node:crypto"
import { rmSync } from "node:fs"
import path from "node:path"
import { HsmIndex, type IndexedKey } from "../../src/consumer/hsm-index.js"
import { HsmMaker } from "../../src/consumer/hsm-maker.js"
import { type Kind, type MessageKinds, readMessage } from "../../src/consumer/hsm-messages.js"
import type { KeySource, PeerLine } from "../../src/consumer/hsm-ports.js"
import { reconcile } from "../../src/consumer/hsm-reconcile.js"
import { HsmTaker } from "../../src/consumer/hsm-taker.js"
import type { HsmToken, TokenKey } from "../../src/consumer/hsm-token.js"
import type { DeliveredKey } from "../../src/etsi014/key-container.js"
import { QkdError } from "../../src/errors.js"
import { Secret } from "../../src/keys/secret.js"
import { freshDir } from "../support/demo.js"

/** A step at which everything stops, as by a crash. */
class Crash extends Error {}

/** Counts steps down to a crash. */
class Fuse {
  left = Infinity

  step(): void {
    if (this.left-- <= 0) throw new Crash("crashed")
  }
}

function soon<T>(work: () => T): Promise<T> {
  return Promise.resolve().then(work)
}

class MemoryToken implements HsmToken {
  readonly held = new Map<string, TokenKey & { bytes: Buffer }>()
  readonly #fuse: Fuse

  constructor(fuse: Fuse) {
    this.#fuse = fuse
  }

  keys(): Promise<TokenKey[]> {
    const keys = [...this.held.values()].map(({ keyId, peer, way }) => ({ keyId, peer, way }))
    return Promise.resolve(keys)
  }

  import(key: TokenKey, bytes: Uint8Array): Promise<void> {
    return soon(() => {
      this.#fuse.step()
      if (this.held.has(key.keyId)) throw new QkdError("data-exists", "twice")
      this.held.set(key.keyId, { ...key, bytes: Buffer.from(bytes) })
    })
  }

  prove(keyId: string, transcripts: readonly Uint8Array[]): Promise<Buffer[]> {
    return soon(() => {
      const key = this.held.get(keyId)
      if (key === undefined) throw new QkdError("data-missing", "no such key")
      if (key.bytes.length === 0) throw new QkdError("operation-failed", "the key has no value")
      return transcripts.map((each) => createHmac("sha256", key.bytes).update(each).digest())
    })
  }

  destroy(keyId: string): Promise<void> {
    return soon(() => {
      this.#fuse.step()
      this.held.delete(keyId)
    })
  }

  sweep = (): Promise<number> => Promise.resolve(0)
  spend = (): Promise<void> => Promise.resolve()
  encrypt = (): Promise<Buffer> => Promise.reject(new Error("not here"))
  decrypt = (): Promise<Buffer> => Promise.reject(new Error("not here"))
  close = (): Promise<void> => Promise.resolve()
}

/** Sites a (maker) and b (taker), with real indexes; tokens, key manager and line are memory. */
export class World {
  readonly dir = freshDir()
  readonly fuse = new Fuse()
  readonly tokens = { a: new MemoryToken(this.fuse), b: new MemoryToken(this.fuse) }
  readonly indexes = {
    a: new HsmIndex(path.join(this.dir, "a")),
    b: new HsmIndex(path.join(this.dir, "b")),
  }
  readonly alarms: string[] = []
  nowMs = 1_800_000_000_000
  count = 3
  lowWatermark: number | undefined
  hybrid = false
  takerHybrid = false
  maxTokenKeys = 100
  /** Ids whose bytes differ at the far end. */
  readonly wrong = new Set<number>()
  #delivered = 0
  readonly #store = new Map<string, Buffer>()
  /** As they were delivered. */
  readonly made = new Map<string, Buffer>()
  /** The peer gets messages of this kind, and its answers do not come back. */
  lineLost: Kind | undefined
  /** Changes what passes on the line. */
  meddle: (kind: Kind, message: unknown) => unknown = (_, message) => message
  maker = this.#maker()
  taker = this.#taker()

  get #watch() {
    return {
      alarm: (event: string) => {
        this.alarms.push(event)
      },
      note: () => undefined,
    }
  }

  #source(): KeySource {
    return {
      make: (_, number) =>
        soon(() => {
          this.fuse.step()
          return Array.from({ length: number }, () => this.#deliver())
        }),
      take: (_, keyIds) =>
        soon(() => {
          this.fuse.step()
          if (keyIds.some((keyId) => !this.#store.has(keyId))) {
            throw new QkdError("data-missing", "one or more keys specified are not found on KME")
          }
          return keyIds.map((keyId) => {
            const bytes = this.#store.get(keyId) ?? Buffer.alloc(0)
            this.#store.delete(keyId)
            return { keyId, key: Secret.take(bytes) }
          })
        }),
    }
  }

  #deliver(): DeliveredKey {
    const [keyId, bytes] = [randomUUID(), randomBytes(32)]
    const far = Buffer.from(bytes)
    this.made.set(keyId, Buffer.from(bytes))
    if (this.wrong.has(this.#delivered++)) far[0] = (far[0] ?? 0) ^ 1
    this.#store.set(keyId, far)
    return { keyId, key: Secret.take(bytes) }
  }

  #maker(): HsmMaker {
    const line: PeerLine = {
      ask: async <K extends Kind>(kind: K, message: MessageKinds[K]["ask"]) => {
        this.fuse.step()
        const sent = Buffer.from(JSON.stringify(this.meddle(kind, message)))
        const answer = await this.taker.answer(kind, readMessage(kind, "ask", sent))
        this.fuse.step()
        if (kind === this.lineLost) throw new QkdError("operation-failed", "the line is cut")
        return readMessage(kind, "answer", Buffer.from(JSON.stringify(answer)))
      },
    }
    return new HsmMaker(
      {
        site: "a",
        peer: "b",
        saeId: "sae-a",
        peerSaeId: "sae-b",
        hybrid: this.hybrid,
        count: this.count,
        lowWatermark: this.lowWatermark ?? this.count - 1,
        keySizeBits: 256,
        lifetimeMs: 60_000,
        maxTokenKeys: this.maxTokenKeys,
      },
      {
        index: this.indexes.a,
        token: this.tokens.a,
        source: this.#source(),
        line,
        watch: this.#watch,
        now: () => this.nowMs,
        random: randomBytes,
      },
    )
  }

  #taker(): HsmTaker {
    return new HsmTaker(
      {
        site: "b",
        peer: "a",
        peerSaeId: "sae-a",
        saeId: "sae-b",
        hybrid: this.takerHybrid,
        keySizeBits: 256,
      },
      {
        index: this.indexes.b,
        token: this.tokens.b,
        source: this.#source(),
        watch: this.#watch,
        random: randomBytes,
      },
    )
  }

  /** Both ends start anew on what is durable. */
  async restart(): Promise<void> {
    this.fuse.left = Infinity
    this.maker = this.#maker()
    this.taker = this.#taker()
    for (const end of ["a", "b"] as const) {
      await reconcile(this.indexes[end], this.tokens[end], this.#watch)
    }
  }

  states(end: "a" | "b"): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { state } of this.indexes[end].all()) counts[state] = (counts[state] ?? 0) + 1
    return counts
  }

  /** Ready keys are in both tokens with the same bytes, and tokens hold nothing else. */
  check(): void {
    const ready = (end: "a" | "b"): IndexedKey[] =>
      this.indexes[end].all().filter(({ state }) => state === "ready" || state === "used")
    for (const { keyId } of ready("a")) {
      const [one, other] = [this.tokens.a.held.get(keyId), this.tokens.b.held.get(keyId)]
      assert.ok(one && other && one.bytes.equals(other.bytes), `${keyId} is the same at both ends`)
      assert.ok(this.indexes.b.get(keyId)?.state !== "imported", "the far end is ready first")
    }
    for (const end of ["a", "b"] as const) {
      assert.deepEqual(
        [...this.tokens[end].held.keys()].sort(),
        this.indexes[end]
          .all()
          .map(({ keyId }) => keyId)
          .sort(),
      )
    }
  }

  async close(): Promise<void> {
    await this.indexes.a.close()
    await this.indexes.b.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
