// Two module ends under test, with everything they give on record: blocks as digests and marks (never the bytes
// themselves), reports, log lines. Judges nothing.

import { createHash } from "node:crypto"
import type { Secret } from "../keys/secret.js"
import { expect, pause } from "./check.js"
import type {
  Host,
  KeyBlock,
  LinkMeasurement,
  ModuleTarget,
  QkdModule,
  QkdModuleDriver,
} from "./contract.js"
import { lendHost, type LentHost } from "./host.js"

/** A link for tests: two modules' targets and the fibre between them. */
export interface TestLink {
  readonly a: ModuleTarget
  readonly b: ModuleTarget
  /** The fibre breaks, or is mended; nobody tells the modules. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

export type MakeTestLink = () => Promise<TestLink>

/** What is kept of a block. */
export interface SeenBlock {
  readonly id: string
  readonly lengthBytes: number
  readonly digest: string
  /** How its beginning would look in a log: hexadecimal, base64, raw. */
  readonly marks: readonly string[]
  /** For the statistics of `key-health`. */
  readonly ones: number
  /** Digest of every 16 bytes: none may come twice. */
  readonly pieces: readonly string[]
}

export interface OpenOptions {
  /** Whether keys are read from the start. */
  readonly readKeys?: boolean
}

export class ModuleEnd {
  readonly blocks: SeenBlock[] = []
  readonly reports: LinkMeasurement[] = []
  readonly log: string[]
  /** Resolves when both keys and reports have ended. */
  readonly ended: Promise<void>
  #fault: unknown
  readonly #lent: LentHost<Host>
  #startKeys: () => void = () => undefined
  readonly #onBlock: (id: string) => void

  constructor(
    readonly module: QkdModule,
    lent: LentHost<Host>,
    log: string[],
    options: OpenOptions,
    onBlock: (id: string) => void,
  ) {
    this.#lent = lent
    this.log = log
    this.#onBlock = onBlock
    const mayRead = new Promise<void>((resolve) => (this.#startKeys = resolve))
    if (options.readKeys !== false) this.#startKeys()
    this.ended = Promise.all([this.#readReports(), mayRead.then(() => this.#readKeys())]).then(
      () => undefined,
    )
    this.ended.catch((fault: unknown) => (this.#fault = fault))
  }

  /** @throws what reading keys or reports ended with, if it was a fault. */
  assertSound(): void {
    if (this.#fault instanceof Error) throw this.#fault
  }

  get last(): LinkMeasurement | undefined {
    return this.reports.at(-1)
  }

  bytes(): number {
    return this.blocks.reduce((sum, block) => sum + block.lengthBytes, 0)
  }

  readKeys(): void {
    this.#startKeys()
  }

  endHost(): Promise<void> {
    return this.#lent.close()
  }

  async #readReports(): Promise<void> {
    for await (const report of this.module.measurements) this.reports.push(report)
  }

  async #readKeys(): Promise<void> {
    for await (const block of this.module.keys) {
      const record = seen(block)
      this.blocks.push(record)
      this.#onBlock(record.id)
    }
  }
}

export class ModuleBench {
  readonly #ends: ModuleEnd[] = []
  /** What each end of the link has given, over all its openings: key managers tell each other. */
  readonly #given = { a: new Set<string>(), b: new Set<string>() }
  readonly #open: { a?: ModuleEnd; b?: ModuleEnd } = {}

  constructor(
    readonly driver: QkdModuleDriver,
    readonly link: TestLink,
  ) {}

  open(end: "a" | "b", options: OpenOptions = {}): Promise<ModuleEnd> {
    return this.openWith(end, this.link[end], options)
  }

  async openWith(
    side: "a" | "b",
    target: ModuleTarget,
    options: OpenOptions = {},
  ): Promise<ModuleEnd> {
    const log: string[] = []
    const lent = lendHost({
      log: (level, message, facts) => log.push(`${level} ${message} ${JSON.stringify(facts)}`),
    })
    try {
      const far = side === "a" ? "b" : "a"
      const module = await this.driver.open(target, lent.host)
      const end = new ModuleEnd(module, lent, log, options, (id) => {
        this.#given[side].add(id)
        this.#open[far]?.module.offered?.([id])
      })
      this.#ends.push(end)
      this.#open[side] = end
      module.offered?.([...this.#given[far]].filter((id) => !this.#given[side].has(id)))
      return end
    } catch (error) {
      await lent.close()
      throw error
    }
  }

  /** Lets both rest and gives what is under way time to arrive. */
  async rest(...ends: readonly ModuleEnd[]): Promise<void> {
    const follows = (end: ModuleEnd): boolean => end.module.offered !== undefined
    const rest = (some: readonly ModuleEnd[]): Promise<unknown> =>
      Promise.all(some.map((end) => end.module.configure(null)))
    await rest(ends.filter((end) => !follows(end)))
    // Who gives what the other end holds comes after it.
    await Promise.all(ends.filter(follows).map((end) => this.#caughtUp(end)))
    await rest(ends.filter(follows))
    await pause(100)
  }

  /** It has all that the far end gave, or gets no more of it. */
  async #caughtUp(end: ModuleEnd): Promise<void> {
    const far = this.#open.a === end ? "b" : "a"
    const missing = (): number => {
      const own = new Set(end.blocks.map((block) => block.id))
      return [...this.#given[far]].filter((id) => !own.has(id)).length
    }
    let before = Number.POSITIVE_INFINITY
    while (missing() < before) {
      before = missing()
      await pause(500)
    }
  }

  async close(): Promise<void> {
    for (const end of this.#ends) {
      await end.module.close().catch(() => undefined)
      await end.endHost()
    }
    await this.link.close()
  }
}

/** A block's record. The bytes are wiped. @throws Error when it is no block. */
function seen(block: KeyBlock): SeenBlock {
  const { id, key }: { id: unknown; key: unknown } = block
  expect(typeof id === "string" && id !== "" && id.length <= 128, "a block without a usable id")
  expect(isSecret(key), "a block whose key is no Secret")
  expect(key.lengthBytes > 0, "a block without bytes")
  const record = key.use((bytes) => {
    const start = Buffer.from(bytes.slice(0, 12))
    const pieces: string[] = []
    for (let at = 0; at + 16 <= bytes.length; at += 16)
      pieces.push(
        createHash("sha256")
          .update(bytes.subarray(at, at + 16))
          .digest("base64"),
      )
    return {
      id,
      lengthBytes: bytes.length,
      digest: createHash("sha256").update(bytes).digest("base64"),
      marks: [start.toString("hex"), start.toString("base64"), start.toString("latin1")],
      ones: bytes.reduce((sum, byte) => sum + bitCount(byte), 0),
      pieces,
    }
  })
  key.wipe()
  return record
}

/** By what it can do: a module may have been built with its own copy of the class. */
function isSecret(key: unknown): key is Secret {
  if (typeof key !== "object" || key === null) return false
  const can = (method: string): boolean => typeof Reflect.get(key, method) === "function"
  return can("use") && can("wipe") && can("slice")
}

function bitCount(byte: number): number {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
}
