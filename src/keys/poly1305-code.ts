// Poly1305 (RFC 8439, 2.5) as WebAssembly, instruction by instruction: limbs of 26 bits in numbers of 64, so that every
// product and every sum of ten of them fits. Runs the same steps whatever key and message are: no branch, no address and no
// count depends on them. Two blocks of 16 bytes at a time: with h what was before, h' = (h + first) r^2 + second r, carried once.
//
// Bounds: limbs of r and r^2 are at most 2^26 + 2^8, five times that below 2^28.4; a limb of h is at most 2^26 + 2^8, with a
// block's added below 2^27.1. A product is below 2^55.5, the sum of ten below 2^58.9.

import {
  add,
  addPlaces,
  and,
  get,
  isBefore,
  isBelow,
  load32,
  load64,
  multiply,
  number,
  or,
  place,
  set,
  shiftLeft,
  shiftRight,
  shiftSigned,
  store64,
  subtract,
  WasmFunction,
  wasmModule,
  whileNot0,
  xor,
} from "./wasm-code.js"
import type { Code, Local } from "./wasm-code.js"

export const BLOCK_BYTES = 16

/** Where everything is in the module's memory: the tag comes in the place of the key's second half. */
export const PLACES = { key: 0, tag: 16, r: 32, rSquared: 72, h: 112, message: 160 } as const
const PAGES = 4
/** As many bytes of a message as the memory takes at once: whole blocks. */
export const ROOM_BYTES = PAGES * 65_536 - PLACES.message

const LIMBS = [0, 1, 2, 3, 4] as const
const MASK = number(0x3ffffff)
const HERE = place(0)

/**
 * `begin()` takes the key; `blocks(from, to, top)` adds whole blocks from one address to before the other, each with 2^128
 * where `top` is 1 << 24 and without where it is 0; `finish()` writes the tag.
 */
export function poly1305Module(): Uint8Array<ArrayBuffer> {
  return wasmModule(PAGES, [begin(), blocks(), finish()])
}

function begin(): WasmFunction {
  const f = new WasmFunction("begin", 0)
  const r = f.locals(5)
  const [d, carry] = [f.locals(5), f.local()]
  // Clamped: 22 bits of r are always 0.
  const clamps = [0x3ffffff, 0x3ffff03, 0x3ffc0ff, 0x3f03fff, 0x00fffff]
  for (const nth of LIMBS)
    f.do(set(r[nth], and(limbOf(HERE, PLACES.key, nth), number(clamps[nth] ?? 0))))
  f.do(storeLimbs(PLACES.r, r))
  const fives = f.locals(5)
  for (const nth of LIMBS) f.do(set(fives[nth], times5(r[nth])))
  for (const nth of LIMBS) f.do(set(d[nth], add(...products(r, r, fives, nth))))
  f.do(...carried(d, carry), storeLimbs(PLACES.rSquared, d))
  for (const nth of LIMBS) f.do(store64(HERE, PLACES.h + 8 * nth, number(0)))
  return f
}

function blocks(): WasmFunction {
  const f = new WasmFunction("blocks", 3)
  const [from, to, top] = [0, 1, 2]
  const [r, r5, q, q5] = [f.locals(5), f.locals(5), f.locals(5), f.locals(5)]
  const [h, m, d, carry] = [f.locals(5), f.locals(5), f.locals(5), f.local()]
  const high = f.local()
  f.do(set(high, [...get(top), 0xad]))
  for (const nth of LIMBS) {
    f.do(set(r[nth], load64(HERE, PLACES.r + 8 * nth)), set(r5[nth], times5(r[nth])))
    f.do(set(q[nth], load64(HERE, PLACES.rSquared + 8 * nth)), set(q5[nth], times5(q[nth])))
    f.do(set(h[nth], load64(HERE, PLACES.h + 8 * nth)))
  }
  const addBlock = (offset: number): Code =>
    LIMBS.flatMap((nth) => set(h[nth], add(get(h[nth]), blockLimb(get(from), offset, nth, high))))
  const move = (to: readonly number[]): Code => LIMBS.flatMap((nth) => set(h[nth], get(to[nth])))
  const two = [
    ...addBlock(0),
    ...LIMBS.flatMap((nth) => set(m[nth], blockLimb(get(from), BLOCK_BYTES, nth, high))),
    ...LIMBS.flatMap((nth) =>
      set(d[nth], add(...products(h, q, q5, nth), ...products(m, r, r5, nth))),
    ),
    ...carried(d, carry).flat(),
    ...move(d),
    ...set(from, addPlaces(get(from), place(2 * BLOCK_BYTES))),
  ]
  const one = [
    ...addBlock(0),
    ...LIMBS.flatMap((nth) => set(d[nth], add(...products(h, r, r5, nth)))),
    ...carried(d, carry).flat(),
    ...move(d),
    ...set(from, addPlaces(get(from), place(BLOCK_BYTES))),
  ]
  f.do(whileNot0(isBefore(addPlaces(get(from), place(BLOCK_BYTES)), get(to)), two))
  f.do(whileNot0(isBefore(get(from), get(to)), one))
  f.do(storeLimbs(PLACES.h, h))
  return f
}

function finish(): WasmFunction {
  const f = new WasmFunction("finish", 0)
  const [h, g, carry] = [f.locals(5), f.locals(5), f.local()]
  for (const nth of LIMBS) f.do(set(h[nth], load64(HERE, PLACES.h + 8 * nth)))
  // Twice: a carry out of the top limb comes back at the bottom, times 5.
  f.do(...carried(h, carry), ...carried(h, carry))
  // g = h + 5 - 2^130: h modulo 2^130 - 5 unless that is below 0.
  f.do(set(g[0], add(get(h[0]), number(5))))
  for (const nth of [1, 2, 3, 4] as const) {
    f.do(set(g[nth], add(get(h[nth]), shiftRight(get(g[nth - 1]), 26))))
    f.do(set(g[nth - 1], and(get(g[nth - 1]), MASK)))
  }
  f.do(set(g[4], subtract(get(g[4]), number(1 << 26))))
  // All ones where it is below 0: then h stays; without a branch.
  f.do(set(carry, shiftSigned(get(g[4]), 63)))
  for (const nth of LIMBS)
    f.do(set(h[nth], xor(get(g[nth]), and(get(carry), xor(get(g[nth]), get(h[nth]))))))
  const low = or(get(h[0]), shiftLeft(get(h[1]), 26), shiftLeft(get(h[2]), 52))
  const high = or(shiftRight(get(h[2]), 12), shiftLeft(get(h[3]), 14), shiftLeft(get(h[4]), 40))
  const s = PLACES.key + 16
  // Plus s, modulo 2^128.
  f.do(set(g[0], add(low, load64(HERE, s))))
  f.do(set(g[1], add(high, load64(HERE, s + 8), isBelow(get(g[0]), load64(HERE, s)))))
  f.do(store64(HERE, PLACES.tag, get(g[0])), store64(HERE, PLACES.tag + 8, get(g[1])))
  return f
}

/** Bits 26 nth and up of the 16 bytes there; the last limb has 24. */
function limbOf(at: Code, offset: number, nth: number): Code {
  if (nth === 0) return and(load32(at, offset), MASK)
  if (nth === 4) return shiftRight(load32(at, offset + 12), 8)
  return and(shiftRight(load32(at, offset + 3 * nth), 2 * nth), MASK)
}

function blockLimb(at: Code, offset: number, nth: number, high: number): Code {
  const limb = limbOf(at, offset, nth)
  return nth === 4 ? or(limb, get(high)) : limb
}

/** What of h times r counts for limb `nth`: what lies beyond 2^130 comes back times 5. */
function products(
  h: readonly number[],
  r: readonly number[],
  r5: readonly number[],
  nth: number,
): Code[] {
  return LIMBS.map((one) =>
    multiply(get(h[one]), one <= nth ? get(r[nth - one]) : get(r5[nth + 5 - one])),
  )
}

/** Every limb below 2^26 again, but for what the last carry adds to the second. */
function carried(d: readonly Local[], carry: Local): Code[] {
  const steps: Code[] = []
  for (const nth of LIMBS) {
    const next = nth === 4 ? 0 : nth + 1
    steps.push(set(carry, shiftRight(get(d[nth]), 26)), set(d[nth], and(get(d[nth]), MASK)))
    const more = nth === 4 ? times5(carry) : get(carry)
    steps.push(set(d[next], add(get(d[next]), more)))
  }
  steps.push(set(d[1], add(get(d[1]), shiftRight(get(d[0]), 26))), set(d[0], and(get(d[0]), MASK)))
  return steps
}

const times5 = (local: Local): Code => multiply(get(local), number(5))

function storeLimbs(at: number, limbs: readonly number[]): Code {
  return LIMBS.flatMap((nth) => store64(HERE, at + 8 * nth, get(limbs[nth])))
}
