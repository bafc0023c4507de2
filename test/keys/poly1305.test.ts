// Poly1305 as the relay has it: known answers, the same answers as two others give, and nothing left in memory.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import fc from "fast-check"
import { compiled, poly1305, withoutWasm } from "../../src/keys/poly1305.js"
import { ROOM_BYTES } from "../../src/keys/poly1305-code.js"
import { number, place, store64, WasmFunction, wasmModule } from "../../src/keys/wasm-code.js"

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex")
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const { tag: wasmTag, memory } = compiled() ?? assert.fail("no WebAssembly here")

/** RFC 8439, 2.5.1, in numbers of any size. */
function slowly(key: Uint8Array, message: Uint8Array): Uint8Array {
  const numberOf = (bytes: Uint8Array): bigint =>
    BigInt(`0x0${hexOf(Uint8Array.from(bytes).reverse())}`)
  const r = numberOf(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let at = 0; at < message.length; at += 16) {
    const block = numberOf(Buffer.concat([message.subarray(at, at + 16), Buffer.of(1)]))
    sum = ((sum + block) * r) % (2n ** 130n - 5n)
  }
  const tag = (sum + numberOf(key.subarray(16))) % 2n ** 128n
  return hex(tag.toString(16).padStart(32, "0")).reverse()
}

const CONTRIBUTION = Buffer.from(
  "Any submission to the IETF intended by the Contributor for publication as all or part of an IETF " +
    "Internet-Draft or RFC and any statement made within the context of an IETF activity is considered an " +
    '"IETF Contribution". Such statements include oral statements in IETF sessions, as well as written and ' +
    "electronic communications made at any time or place, which are addressed to",
)
const JABBERWOCKY = Buffer.from(
  "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe:\n" +
    "All mimsy were the borogoves,\nAnd the mome raths outgrabe.",
)
const [ZEROS, ONES] = ["00".repeat(16), "ff".repeat(16)]
const short = (first: string): string => first + "00".repeat(16 - first.length / 2)

/** RFC 8439, A.3, in its order: r, s, message, tag. */
const A3: readonly (readonly [string, string, Uint8Array, string])[] = [
  [ZEROS, ZEROS, Buffer.alloc(64), ZEROS],
  [ZEROS, "36e5f6b5c5e06070f0efca96227a863e", CONTRIBUTION, "36e5f6b5c5e06070f0efca96227a863e"],
  ["36e5f6b5c5e06070f0efca96227a863e", ZEROS, CONTRIBUTION, "f3477e7cd95417af89a6b8794c310cf0"],
  [
    "1c9240a5eb55d38af333888604f6b5f0",
    "473917c1402b80099dca5cbc207075c0",
    JABBERWOCKY,
    "4541669a7eaaee61e708dc7cbcc5eb62",
  ],
  [short("02"), ZEROS, hex(ONES), short("03")],
  [short("02"), ONES, hex(short("02")), short("03")],
  [short("01"), ZEROS, hex(ONES + "f0" + "ff".repeat(15) + short("11")), short("05")],
  [short("01"), ZEROS, hex(ONES + "fb" + "fe".repeat(15) + "01".repeat(16)), ZEROS],
  [short("02"), ZEROS, hex("fd" + "ff".repeat(15)), "fa" + "ff".repeat(15)],
  [
    short("010000000000000004"),
    ZEROS,
    hex(short("e33594d7505e43b9") + short("3394d7505e4379cd01") + ZEROS + short("01")),
    short("140000000000000055"),
  ],
  [
    short("010000000000000004"),
    ZEROS,
    hex(short("e33594d7505e43b9") + short("3394d7505e4379cd01") + ZEROS),
    short("13"),
  ],
]

describe("Poly1305", () => {
  it("gives all answers of RFC 8439, A.3, compiled or not", () => {
    for (const [nth, [r, s, message, tag]] of A3.entries())
      for (const made of [wasmTag, withoutWasm, poly1305])
        assert.equal(hexOf(made(hex(r + s), [message])), tag, `vector ${nth + 1}`)
  })

  it("gives what two others give, for any key, length and cut", () => {
    const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(key, fc.array(bytes(90), { maxLength: 5 }), (key, parts) => {
        const tag = hexOf(wasmTag(key, parts))
        assert.equal(tag, hexOf(withoutWasm(key, parts)))
        assert.equal(tag, hexOf(slowly(key, Buffer.concat(parts))))
      }),
      { numRuns: 2000 },
    )
  })

  it("carries as it must where limbs are at their limits", () => {
    // Words of which each is all ones, all zeros or next to either: sums that overflow every limb, and sums at the modulus.
    const word = fc.constantFrom(
      "ffffffff",
      "00000000",
      "01000000",
      "fbffffff",
      "feffffff",
      "ffffff03",
    )
    const words = (count: number): fc.Arbitrary<Buffer> =>
      fc.array(word, { minLength: count, maxLength: count }).map((all) => hex(all.join("")))
    const message = fc.integer({ min: 0, max: 40 }).chain(words)
    fc.assert(
      fc.property(words(8), message, (key, message) => {
        assert.equal(hexOf(wasmTag(key, [message])), hexOf(slowly(key, message)))
      }),
      { numRuns: 3000 },
    )
    const highest = hex("ff".repeat(32))
    for (let length = 0; length < 200; length++) {
      const message = Buffer.alloc(length, 0xff)
      assert.equal(hexOf(wasmTag(highest, [message])), hexOf(slowly(highest, message)))
    }
  })

  it("takes messages that are longer than its memory, cut anywhere", () => {
    const key = randomBytes(32)
    for (const length of [ROOM_BYTES - 1, ROOM_BYTES, ROOM_BYTES + 1, 2 * ROOM_BYTES + 37]) {
      const message = randomBytes(length)
      const tag = hexOf(withoutWasm(key, [message]))
      for (const cut of [0, 5, ROOM_BYTES - 16, ROOM_BYTES - 3, length])
        assert.equal(hexOf(wasmTag(key, [message.subarray(0, cut), message.subarray(cut)])), tag)
    }
  })

  it("D3: leaves no byte of key, message or sums in its memory", () => {
    for (const length of [0, 1, 16, 17, 47, 5000, ROOM_BYTES, ROOM_BYTES + 20]) {
      wasmTag(randomBytes(32), [Buffer.alloc(length, 0xaa)])
      assert.equal(
        memory.every((byte) => byte === 0),
        true,
        `${length} bytes`,
      )
    }
    // What is searched is what it works in (control): it is overwritten when a part turns out to be none, too.
    const faulty = [Buffer.alloc(40, 0xaa), { length: 8, at: "no bytes" } as unknown as Uint8Array]
    const seen: boolean[] = []
    Object.defineProperty(faulty[1], "0", {
      get: () => {
        seen.push(memory.includes(0xaa))
        throw new Error("unreadable")
      },
    })
    assert.throws(() => wasmTag(randomBytes(32), faulty), /unreadable/)
    assert.deepEqual(seen, [true])
    assert.equal(
      memory.every((byte) => byte === 0),
      true,
    )
  })

  it("does without where there is no WebAssembly", () => {
    const engine = globalThis as { WebAssembly?: unknown }
    const had = engine.WebAssembly
    delete engine.WebAssembly
    try {
      assert.equal(compiled(), undefined)
    } finally {
      engine.WebAssembly = had
    }
  })

  it("refuses keys of another length", () => {
    for (const length of [0, 31, 33]) assert.throws(() => wasmTag(randomBytes(length), []))
  })
})

describe("the assembler", () => {
  it("writes constants of any size and sign", () => {
    const values = [
      0n,
      1n,
      63n,
      64n,
      127n,
      128n,
      8191n,
      8192n,
      0x3ffffffn,
      2n ** 62n,
      2n ** 63n - 1n,
    ]
    const both = values.flatMap((value) => [value, -value, -value - 1n])
    const f = new WasmFunction("write", 0)
    for (const [nth, value] of both.entries()) f.do(store64(place(8 * nth), 64, number(value)))
    const engine = globalThis as unknown as {
      WebAssembly: {
        Module: new (bytes: Uint8Array) => object
        Instance: new (
          module: object,
        ) => { exports: { memory: { buffer: ArrayBuffer }; write: () => void } }
      }
    }
    const { Module, Instance } = engine.WebAssembly
    const { memory, write } = new Instance(new Module(wasmModule(1, [f]))).exports
    write()
    const view = new DataView(memory.buffer)
    for (const [nth, value] of both.entries())
      assert.equal(view.getBigInt64(64 + 8 * nth, true), value)
  })
})
