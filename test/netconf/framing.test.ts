// RFC 6242 framing: what one end frames the other reads, however the bytes are cut; hostile frames are refused.

import assert from "node:assert/strict"
import fc from "fast-check"
import { QkdError } from "../../src/errors.js"
import { FrameReader, frame, type Framing } from "../../src/netconf/framing.js"

const MAX = 1 << 20
const text = new TextDecoder()
const bytes = (s: string): Uint8Array => new TextEncoder().encode(s)

function reader(framing: Framing, max = MAX): FrameReader {
  const made = new FrameReader(max)
  if (framing === "chunked") made.useChunked()
  return made
}

/** All messages that come out when the stream arrives in these pieces. */
function readAll(from: FrameReader, pieces: Iterable<Uint8Array>): string[] {
  const out: string[] = []
  for (const piece of pieces) {
    from.push(piece)
    for (let m = from.next(); m !== undefined; m = from.next()) out.push(text.decode(m))
  }
  return out
}

function cut(stream: Uint8Array, at: readonly number[]): Uint8Array[] {
  const borders = [0, ...at.map((n) => n % (stream.length + 1)), stream.length].sort(
    (a, b) => a - b,
  )
  return borders.slice(1).map((end, i) => stream.subarray(borders[i], end))
}

const tagOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof QkdError) return error.tag
    throw error
  }
  return "no error"
}

describe("NETCONF framing", () => {
  it("reads the chunked example of RFC 6242 section 4.2", () => {
    const wire =
      '\n#4\n<rpc\n#18\n message-id="102"\n\n#79\n     xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">\n  <close-session/>\n</rpc>\n##\n'
    const expected =
      '<rpc message-id="102"\n     xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">\n  <close-session/>\n</rpc>'
    assert.deepEqual(readAll(reader("chunked"), [bytes(wire)]), [expected])
    const single = [...bytes(wire)].map((b) => Uint8Array.of(b))
    assert.deepEqual(readAll(reader("chunked"), single), [expected])
  })

  for (const framing of ["end-of-message", "chunked"] as const) {
    it(`gives back what was framed as ${framing}, however the stream is cut`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), { maxLength: 5 }),
          fc.array(fc.nat(), { maxLength: 12 }),
          (messages, at) => {
            const safe = messages.map((m) => m.replaceAll("]]>]]>", ""))
            const sent = safe.filter((m) => m !== "")
            const stream = Buffer.concat(sent.map((m) => frame(m, framing)))
            assert.deepEqual(readAll(reader(framing), cut(stream, at)), sent)
          },
        ),
      )
    })
  }

  it("joins chunks of any sizes, also inside a UTF-8 character", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (message, sizes) => {
          const body = bytes(message)
          const parts: Uint8Array[] = []
          for (let i = 0, n = 0; i < body.length; n++) {
            const size = Math.min(sizes[n % sizes.length] ?? 1, body.length - i)
            parts.push(bytes(`\n#${size}\n`), body.subarray(i, i + size))
            i += size
          }
          assert.deepEqual(readAll(reader("chunked"), [...parts, bytes("\n##\n")]), [message])
        },
      ),
    )
  })

  it("changes to chunks between the hello and a request in the same packet", () => {
    const both = reader("end-of-message")
    both.push(Buffer.concat([frame("<hello/>", "end-of-message"), frame("<rpc/>", "chunked")]))
    const first = both.next()
    assert.equal(first && text.decode(first), "<hello/>")
    both.useChunked()
    const second = both.next()
    assert.equal(second && text.decode(second), "<rpc/>")
  })

  it("reads the delimiter as data inside a chunk", () => {
    assert.deepEqual(readAll(reader("chunked"), [frame("<a>]]>]]></a>", "chunked")]), [
      "<a>]]>]]></a>",
    ])
  })

  const bad = {
    "size zero": "\n#0\n",
    "leading zero": "\n#01\nx",
    "negative size": "\n#-1\n",
    "signed size": "\n#+1\nx",
    "hexadecimal size": "\n#0x1\n",
    "blank in the size": "\n#1 \nx",
    "no size": "\n#\n",
    "size beyond 32 bits": "\n#4294967296\n",
    "eleven digits": "\n#10000000000\n",
    "carriage return": "\n#1\r\nx",
    "no line feed first": "#1\nx\n##\n",
    "the old delimiter": "<rpc/>]]>]]>",
    "octets beyond the chunk": "\n#1\nxy\n##\n",
    "end without a chunk": "\n##\n",
    "three hashes": "\n#1\nx\n###\n",
  }
  for (const [name, wire] of Object.entries(bad)) {
    it(`refuses a chunk header with ${name}, also byte by byte`, () => {
      assert.equal(
        tagOf(() => readAll(reader("chunked"), [bytes(wire)])),
        "malformed-message",
      )
      const single = [...bytes(wire)].map((b) => Uint8Array.of(b))
      assert.equal(
        tagOf(() => readAll(reader("chunked"), single)),
        "malformed-message",
      )
    })
  }

  it("refuses a message beyond the limit before it has arrived", () => {
    assert.equal(
      tagOf(() => readAll(reader("chunked", 100), [bytes("\n#101\n")])),
      "too-big",
    )
    assert.equal(
      tagOf(() => readAll(reader("chunked", 100), [bytes("\n#4294967295\n")])),
      "too-big",
    )
    const piecewise = Array.from({ length: 101 }, () => bytes("\n#1\nx"))
    assert.equal(
      tagOf(() => readAll(reader("chunked", 100), piecewise)),
      "too-big",
    )
    assert.equal(
      tagOf(() => readAll(reader("end-of-message", 100), [new Uint8Array(106)])),
      "too-big",
    )
    assert.deepEqual(
      readAll(reader("end-of-message", 100), [frame("x".repeat(100), "end-of-message")]),
      ["x".repeat(100)],
    )
    assert.deepEqual(readAll(reader("chunked", 100), [frame("x".repeat(100), "chunked")]), [
      "x".repeat(100),
    ])
  })

  it("gives nothing while a message lacks its end", () => {
    assert.deepEqual(readAll(reader("chunked"), [bytes("\n#5\n<rpc/")]), [])
    assert.deepEqual(readAll(reader("chunked"), [bytes("\n#6\n<rpc/>\n#")]), [])
    assert.deepEqual(readAll(reader("end-of-message"), [bytes("<rpc/>]]>]]")]), [])
  })
})
