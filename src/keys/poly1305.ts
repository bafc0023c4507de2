// Poly1305 (RFC 8439, 2.5), in WebAssembly where there is such, else as @noble/ciphers has it. Everything is overwritten in
// the module's memory before a tag leaves, and unlike that of arrays in V8's heap this memory is never moved.

import { poly1305 as inJavaScript } from "@noble/ciphers/_poly1305.js"
import { BLOCK_BYTES, PLACES, poly1305Module, ROOM_BYTES } from "./poly1305-code.js"
import { instanceOf } from "./wasm-instance.js"

const KEY_BYTES = 32
const TAG_BYTES = 16
/** 2^128 as it stands in the last limb. */
const TOP = 1 << 24

export type Poly1305 = (key: Uint8Array, parts: readonly Uint8Array[]) => Uint8Array

interface Steps {
  readonly begin: () => void
  readonly blocks: (from: number, to: number, top: number) => void
  readonly finish: () => void
}

/** Over the parts, one after the other. The key, 32 bytes, must never be used again. */
export const poly1305: Poly1305 = compiled()?.tag ?? withoutWasm

/** For engines that have no WebAssembly, or are told to have none. */
export function withoutWasm(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  const mac = inJavaScript.create(key)
  try {
    for (const part of parts) mac.update(part)
    return mac.digest()
  } finally {
    mac.destroy()
  }
}

/** @returns undefined without WebAssembly; `memory` is for tests, which look at what is left in it */
export function compiled(): { readonly tag: Poly1305; readonly memory: Uint8Array } | undefined {
  const made = instanceOf(poly1305Module)
  if (made === undefined) return undefined
  const { memory } = made
  const steps = made.steps as Steps
  return { tag: (key, parts) => tagOf(steps, memory, key, parts), memory }
}

function tagOf(
  { begin, blocks, finish }: Steps,
  memory: Uint8Array,
  key: Uint8Array,
  parts: readonly Uint8Array[],
): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key of ${key.length} bytes`)
  const start = PLACES.message
  let [filled, most] = [0, 0]
  try {
    memory.set(key, PLACES.key)
    begin()
    for (const part of parts) {
      for (let from = 0; from < part.length; ) {
        const length = Math.min(part.length - from, ROOM_BYTES - filled)
        const isWhole = length === part.length
        memory.set(isWhole ? part : part.subarray(from, from + length), start + filled)
        from += length
        filled += length
        most = Math.max(most, filled)
        if (filled < ROOM_BYTES) break
        blocks(start, start + filled, TOP)
        filled = 0
      }
    }
    const end = start + filled
    const left = filled % BLOCK_BYTES
    blocks(start, end - left, TOP)
    if (left > 0) {
      // The last block: a 1 after what there is, and zeros.
      memory[end] = 1
      memory.fill(0, end + 1, end - left + BLOCK_BYTES)
      most = Math.max(most, filled - left + BLOCK_BYTES)
      blocks(end - left, end - left + BLOCK_BYTES, 0)
    }
    finish()
    return memory.slice(PLACES.tag, PLACES.tag + TAG_BYTES)
  } finally {
    memory.fill(0, 0, start + most)
  }
}
