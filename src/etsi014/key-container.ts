// Reads a Key container (ETSI GS QKD 014 V1.1.1, 6.3) from bytes: every `key` goes from base64 into a Secret
// without ever being a JavaScript string, which JSON.parse would make of it. The bytes stay as they are; their
// owner wipes them.

import { QkdError } from "../errors.js"
import { readBase64 } from "../keys/base64.js"
import type { Secret } from "../keys/secret.js"
import { unmovedBytes } from "../unmoved.js"

export interface DeliveredKey {
  readonly keyId: string
  readonly key: Secret
}

const MAX_DEPTH = 16
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d])
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const SLASH = 0x2f

/**
 * The keys, in the order of the container. Extensions are skipped; unknown members are too, as other vendors
 * add their own.
 *
 * @throws QkdError `malformed-message` without any text of the container; keys read until then are wiped.
 */
export function readKeyContainer(body: Uint8Array): DeliveredKey[] {
  const reader = new ContainerReader(body)
  try {
    return reader.container()
  } catch (fault) {
    reader.wipe()
    throw fault
  }
}

class ContainerReader {
  readonly #bytes: Uint8Array
  readonly #secrets: Secret[] = []
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  wipe(): void {
    for (const secret of this.#secrets) secret.wipe()
  }

  container(): DeliveredKey[] {
    let keys: DeliveredKey[] | undefined
    this.#object((name) => {
      if (name !== "keys") this.#skip(1)
      else {
        const found: DeliveredKey[] = []
        this.#array(() => {
          found.push(this.#key())
        })
        keys = found
      }
    })
    this.#space()
    if (this.#at < this.#bytes.length || keys === undefined) throw this.#fault()
    return keys
  }

  #key(): DeliveredKey {
    let keyId: string | undefined
    let key: Secret | undefined
    this.#object((name) => {
      if (name === "key_ID") keyId = this.#text()
      else if (name === "key") key = this.#secret()
      else this.#skip(3)
    })
    if (keyId === undefined || key === undefined) throw this.#fault()
    return { keyId, key }
  }

  /** Base64 has nothing to escape but the slash, which some JSON writers do. */
  #secret(): Secret {
    const raw = this.#raw()
    const plain = unmovedBytes(raw.length)
    let length = 0
    for (let i = 0; i < raw.length; i++) {
      if (raw[i] === BACKSLASH && raw[i + 1] === SLASH) i++
      plain[length++] = raw[i] ?? 0
    }
    try {
      const secret = readBase64(plain.subarray(0, length))
      this.#secrets.push(secret)
      return secret
    } finally {
      plain.fill(0)
    }
  }

  /** A string that is no key. */
  #text(): string {
    const raw = this.#raw()
    try {
      return JSON.parse(`"${new TextDecoder("utf-8", { fatal: true }).decode(raw)}"`) as string
    } catch {
      throw this.#fault()
    }
  }

  /** The bytes between the quotes of the next string. */
  #raw(): Uint8Array {
    this.#expect(QUOTE)
    const start = this.#at
    for (; ; this.#at++) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined || byte < 0x20) throw this.#fault()
      if (byte === QUOTE) break
      if (byte === BACKSLASH) this.#at++
    }
    return this.#bytes.subarray(start, this.#at++)
  }

  #object(member: (name: string) => void): void {
    const seen = new Set<string>()
    this.#expect(OPEN_OBJECT)
    if (this.#peek() === CLOSE_OBJECT) {
      this.#at++
      return
    }
    for (;;) {
      const name = this.#text()
      if (seen.has(name)) throw this.#fault()
      seen.add(name)
      this.#expect(COLON)
      member(name)
      if (this.#peek() === CLOSE_OBJECT) break
      this.#expect(COMMA)
    }
    this.#at++
  }

  #array(item: () => void): void {
    this.#expect(OPEN_ARRAY)
    if (this.#peek() === CLOSE_ARRAY) {
      this.#at++
      return
    }
    for (;;) {
      item()
      if (this.#peek() === CLOSE_ARRAY) break
      this.#expect(COMMA)
    }
    this.#at++
  }

  #skip(depth: number): void {
    if (depth > MAX_DEPTH) throw this.#fault()
    const next = this.#peek()
    if (next === OPEN_OBJECT) {
      this.#object(() => {
        this.#skip(depth + 1)
      })
    } else if (next === OPEN_ARRAY) {
      this.#array(() => {
        this.#skip(depth + 1)
      })
    } else if (next === QUOTE) this.#raw()
    else {
      const start = this.#at
      while (/[-+.0-9A-Za-z]/.test(String.fromCharCode(this.#bytes[this.#at] ?? 0))) this.#at++
      const word = new TextDecoder().decode(this.#bytes.subarray(start, this.#at))
      if (!/^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)$/.test(word)) {
        throw this.#fault()
      }
    }
  }

  #peek(): number | undefined {
    this.#space()
    return this.#bytes[this.#at]
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) throw this.#fault()
    this.#at++
  }

  #space(): void {
    while (SPACE.has(this.#bytes[this.#at] ?? 0)) this.#at++
  }

  #fault(): QkdError {
    return new QkdError("malformed-message", `no Key container: fault at byte ${this.#at}`)
  }
}
