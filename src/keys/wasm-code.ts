// A small assembler for WebAssembly: functions of 64-bit arithmetic over one memory, written as expressions. What it makes
// is read by whoever reads the TypeScript: there is no binary in the repository. Knows the instructions that are used here
// and no others (WebAssembly core specification 1.0, chapter 5: binary format).

/** Instructions that leave one value, or none. */
export type Code = readonly number[]

/** Undefined is nobody's: refused when the code is made. */
export type Local = number | undefined

const [I32, I64] = [0x7f, 0x7e]
const NO_RESULT = 0x40

export const get = (local: Local): Code => [0x20, ...localOf(local)]
export const set = (local: Local, value: Code): Code => [...value, 0x21, ...localOf(local)]

/** Numbers of 64 bits. */
export const number = (value: bigint | number): Code => [0x42, ...signed(BigInt(value))]
export const add = (...terms: readonly Code[]): Code => chain(0x7c, terms)
export const subtract = (one: Code, other: Code): Code => [...one, ...other, 0x7d]
export const multiply = (one: Code, other: Code): Code => [...one, ...other, 0x7e]
export const and = (one: Code, other: Code): Code => [...one, ...other, 0x83]
export const or = (...terms: readonly Code[]): Code => chain(0x84, terms)
export const xor = (one: Code, other: Code): Code => [...one, ...other, 0x85]
export const shiftLeft = (value: Code, bits: number): Code => [...value, ...number(bits), 0x86]
/** Zeros come in. */
export const shiftRight = (value: Code, bits: number): Code => [...value, ...number(bits), 0x88]
/** The sign comes in. */
export const shiftSigned = (value: Code, bits: number): Code => [...value, ...number(bits), 0x87]
/** 1 where one is below the other, both without a sign; else 0. */
export const isBelow = (one: Code, other: Code): Code => [...one, ...other, 0x54, 0xad]

export const onesOf = (value: Code): Code => [...value, 0x7b]
/** 1 where it is 0, else 0. */
export const isNone = (value: Code): Code => [...value, 0x50, 0xad]

/** Addresses and counts: numbers of 32 bits. */
export const place = (value: number): Code => [0x41, ...signed(BigInt(value))]
export const addPlaces = (one: Code, other: Code): Code => [...one, ...other, 0x6a]

/** 8 bytes, and 4 without a sign, in the machine's order (little-endian), aligned or not. */
export const load64 = (at: Code, offset: number): Code => [...at, 0x29, 0, ...unsigned(offset)]
export const load32 = (at: Code, offset: number): Code => [...at, 0x35, 0, ...unsigned(offset)]
/** A place for the low 32 bits of a number. */
export const placeOf = (value: Code): Code => [...value, 0xa7]
/** 2 bytes without a sign, as a place. */
export const load16 = (at: Code, offset: number): Code => [...at, 0x2f, 0, ...unsigned(offset)]
export const store16 = (at: Code, offset: number, value: Code): Code => [
  ...at,
  ...value,
  ...[0x3b, 0],
  ...unsigned(offset),
]
export const store64 = (at: Code, offset: number, value: Code): Code => [
  ...at,
  ...value,
  ...[0x37, 0],
  ...unsigned(offset),
]

/** As long as the place that `condition` leaves is not 0; asked before each round. */
export function whileNot0(condition: Code, body: Code): Code {
  // A block around a loop: out of it where the condition is 0 (i32.eqz), else round again.
  const leave = [...condition, 0x45, 0x0d, 1]
  return [...[0x02, NO_RESULT], ...[0x03, NO_RESULT], ...leave, ...body, 0x0c, 0, 0x0b, 0x0b]
}

/** One is below the other, as places without a sign. */
export const isBefore = (one: Code, other: Code): Code => [...one, ...other, 0x49]

/** A function in the making: its places come first, which it is called with, then its locals of 64 bits. */
export class WasmFunction {
  readonly name: string
  readonly #places: number
  #locals = 0
  #body: number[] = []

  constructor(name: string, places: number) {
    this.name = name
    this.#places = places
  }

  get places(): number {
    return this.#places
  }

  /** A local of 64 bits. */
  local(): number {
    return this.#places + this.#locals++
  }

  locals(count: number): number[] {
    return Array.from({ length: count }, () => this.local())
  }

  do(...steps: readonly Code[]): void {
    for (const step of steps) this.#body = this.#body.concat(step)
  }

  get bytes(): Code {
    return counted([1, ...unsigned(this.#locals), I64, ...this.#body, 0x0b])
  }
}

/** A module with one memory of so many pages of 64 KiB, exported as `memory`, and these functions by their names. */
export function wasmModule(
  pages: number,
  functions: readonly WasmFunction[],
): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ places }) => [
    0x60,
    ...list(new Array<Code>(places).fill([I32])),
    ...list([]),
  ])
  const exported = functions.map(({ name }, nth) => [...text(name), 0x00, ...unsigned(nth)])
  const memory = [0x01, ...unsigned(pages), ...unsigned(pages)]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(
      3,
      functions.map((_, nth) => unsigned(nth)),
    ),
    ...section(5, [memory]),
    ...section(7, [[...text("memory"), 0x02, 0x00], ...exported]),
    ...section(
      10,
      functions.map(({ bytes }) => bytes),
    ),
  ])
}

const section = (id: number, entries: readonly Code[]): Code => [id, ...counted(list(entries))]
const list = (entries: readonly Code[]): Code => [...unsigned(entries.length), ...entries.flat()]
const counted = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes]
const text = (value: string): Code => counted(Array.from(Buffer.from(value, "latin1")))

function localOf(local: Local): Code {
  if (local === undefined) throw new RangeError("no such local")
  return unsigned(local)
}

function chain(instruction: number, terms: readonly Code[]): Code {
  return terms.flatMap((term, nth) => (nth === 0 ? term : [...term, instruction]))
}

/** LEB128: 7 bits a byte, the lowest first. */
function unsigned(value: number): Code {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest]
    bytes.push((rest & 0x7f) | 0x80)
  }
}

function signed(value: bigint): Code {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn)
    // Done when what is left is the sign that the last byte shows already.
    if (rest >> 6n === 0n || rest >> 6n === -1n) return [...bytes, low]
    bytes.push(low | 0x80)
  }
}
