// Lists of ids, which are written again as the bytes they came from: never other ids than the list says.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { ByteReader, ByteWriter, isUuid, uuidsFrom, uuidsOf } from "../../src/keys/bytes.js"
import { isQkdError } from "../errors-helper.js"

const written = (ids: readonly string[]): Buffer => new ByteWriter(64).uuids(ids).finish()
const read = (bytes: Uint8Array): readonly string[] => new ByteReader(bytes, "ids").uuids(1024)

describe("a list of ids", () => {
  for (const count of [0, 1, 128]) {
    it(`of ${count} that were drawn here is one of version 4 ids, all different`, () => {
      const ids = uuidsFrom(randomBytes(16 * count), count)
      assert.equal(ids.length, count)
      assert.equal(new Set(ids).size, count)
      assert.ok(ids.every((id) => isUuid(id) && id[14] === "4" && "89ab".includes(id[19] ?? "")))
    })

    it(`of ${count} reads as it was written, drawn here, read before, or put together from texts`, () => {
      const ids = uuidsFrom(randomBytes(16 * count), count)
      const texts = [...ids]
      assert.deepEqual(written(ids), written(texts))
      const again = read(written(ids))
      assert.deepEqual(again, texts)
      assert.deepEqual(written(again), written(texts))
    })
  }

  it("cannot be changed, so that text and bytes never differ", () => {
    const lists = [uuidsFrom(randomBytes(32), 2), read(written(uuidsFrom(randomBytes(32), 2)))]
    for (const ids of lists) assert.ok(Object.isFrozen(ids))
  })

  // Long ones have no text before it is asked for: whatever is asked first, it is as if it had been there.
  const looks: Record<string, (ids: readonly string[]) => unknown> = {
    "its length": (ids) => ids.length,
    "whether it is a list": (ids) => Array.isArray(ids),
    "one of them": (ids) => ids[7],
    "one that is not there": (ids) => ids[128] ?? "none",
    "the last": (ids) => ids.at(-1),
    "all of them": (ids) => [...ids],
    "their places": (ids) => [...ids.keys()],
    "its members": (ids) => Object.entries(ids),
    "whether there is an eighth": (ids) => 7 in ids,
    "a part": (ids) => ids.slice(3, 9),
    "one text of all": (ids) => ids.join(),
    "its JSON": (ids) => JSON.stringify({ ids }),
    "whether it is frozen": (ids) => Object.isFrozen(ids),
    "to be changed": (ids) => Reflect.set(ids, 0, ""),
    "to be longer": (ids) => Reflect.set(ids, 128, ""),
    "to lose one": (ids) => Reflect.deleteProperty(ids, "0"),
    "to be another thing": (ids) => Reflect.setPrototypeOf(ids, {}),
    "to define one anew": (ids) => Reflect.defineProperty(ids, "0", { value: "" }),
    "to be frozen": (ids) => Object.isFrozen(Object.freeze(ids)),
  }
  for (const [what, look] of Object.entries(looks)) {
    it(`answers like any other when asked for ${what}`, () => {
      const bytes = randomBytes(16 * 128)
      const plain = Object.freeze([...uuidsFrom(Buffer.from(bytes), 128)])
      const ids = uuidsFrom(Buffer.from(bytes), 128)
      assert.deepEqual(look(ids), look(plain))
      assert.deepEqual(look(ids), look(plain))
      assert.deepEqual(ids, plain)
      assert.deepEqual(uuidsOf(ids, 5, 20), plain.slice(5, 25))
      assert.deepEqual(uuidsOf(plain, 5, 20), plain.slice(5, 25))
    })
  }

  it("does not change with the message it was read from", () => {
    const message = written(uuidsFrom(randomBytes(32), 2))
    const ids = read(message)
    const texts = [...ids]
    message.fill(0)
    assert.deepEqual(ids, texts)
    assert.deepEqual(written(ids), written(texts))
  })

  it("is refused when it ends too early or is too long", () => {
    const message = written(uuidsFrom(randomBytes(32), 2))
    assert.throws(() => read(message.subarray(0, 33)), isQkdError("malformed-message"))
    const reader = new ByteReader(message, "ids")
    assert.throws(() => reader.uuids(1), isQkdError("malformed-message"))
  })
})
