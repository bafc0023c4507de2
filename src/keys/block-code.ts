// What the tests of a block of link key count, as WebAssembly: every byte of link key passes here. Counts in whole windows of
// 512 bytes; what the counts mean is `block-health`.

import {
  add,
  addPlaces,
  and,
  get,
  isBefore,
  isNone,
  load16,
  load64,
  number,
  onesOf,
  or,
  place,
  placeOf,
  set,
  shiftLeft,
  shiftRight,
  store16,
  store64,
  WasmFunction,
  wasmModule,
  whileNot0,
  xor,
} from "./wasm-code.js"
import type { Code } from "./wasm-code.js"

export const WINDOW_BYTES = 512

/** How often each byte came in the window, in 16 bits each; what was found; the block. */
export const PLACES = { seen: 0, ones: 512, often: 520, alike: 528, block: 544 } as const
const PAGES = 2
/** As many bytes of a block as are counted at once. */
export const ROOM_BYTES = 254 * WINDOW_BYTES

const HERE = place(0)
const WORDS = Array.from({ length: 64 }, (_, nth) => PLACES.seen + 8 * nth)

/**
 * `count(to)` looks at the bytes from `PLACES.block` to before that address, whole windows: `ones` is how many bits are 1;
 * `often` is not 0 where one byte came `times` times or more in a window; `alike` is not 0 where four bytes in a row, from a
 * multiple of four on, are equal.
 */
export function blockModule(times: number): Uint8Array<ArrayBuffer> {
  const f = new WasmFunction("count", 1)
  const [to, from, end] = [0, f.local(), f.local()]
  const [ones, often, alike, word, next] = f.locals(5)
  const at = placeOf(get(from))
  // Of 16 bits each: 2^15 or more where it came so often.
  const over = Array.from({ length: 4 }, (_, nth) => BigInt(0x8000 - times) << BigInt(16 * nth))
  const limit = number(
    BigInt.asIntN(
      64,
      over.reduce((sum, one) => sum + one, 0n),
    ),
  )
  const countByte = (nth: number): Code => {
    const byte = and(shiftRight(get(word), 8 * nth), number(0xff))
    const seen = placeOf(shiftLeft(byte, 1))
    return store16(seen, PLACES.seen, addPlaces(load16(seen, PLACES.seen), place(1)))
  }
  const eight: Code = [
    ...set(word, load64(at, 0)),
    ...set(ones, add(get(ones), onesOf(get(word)))),
    // A byte that equals the next is 0 in this; three of them in a row: four are equal.
    ...set(next, xor(get(word), shiftRight(get(word), 8))),
    ...set(
      alike,
      or(
        get(alike),
        isNone(and(get(next), number(0xffffff))),
        isNone(and(shiftRight(get(next), 32), number(0xffffff))),
      ),
    ),
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap(countByte),
    ...set(from, add(get(from), number(8))),
  ]
  const window: Code = [
    ...WORDS.flatMap((word) => store64(HERE, word, number(0))),
    ...set(end, add(get(from), number(WINDOW_BYTES))),
    ...whileNot0(isBefore(at, placeOf(get(end))), eight),
    ...set(often, or(get(often), ...WORDS.map((word) => add(load64(HERE, word), limit)))),
  ]
  f.do(
    set(from, number(PLACES.block)),
    whileNot0(isBefore(at, get(to)), window),
    store64(HERE, PLACES.ones, get(ones)),
    store64(HERE, PLACES.often, and(get(often), number(BigInt.asIntN(64, 0x8000800080008000n)))),
    store64(HERE, PLACES.alike, get(alike)),
  )
  return wasmModule(PAGES, [f])
}
