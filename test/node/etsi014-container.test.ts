// What a Key container tells of its keys besides the keys: the weakest of them, for each answer anew.

import assert from "node:assert/strict"
import type { KeyPathFacts } from "../../src/keys/delivery.js"
import { Secret } from "../../src/keys/secret.js"
import { keyContainer } from "../../src/node/etsi014-answer.js"
import { containerExtension } from "../../src/node/etsi014-extensions.js"
import type { EndKey } from "../../src/node/ports.js"

const ID = "00000000-0000-4000-8000-000000000001"

describe("a Key container", () => {
  const toldOf = (...paths: readonly KeyPathFacts[]): unknown => {
    const keys = paths.map((facts): EndKey => ({ keyId: ID, key: Secret.zero(4), ...facts }))
    const text = Buffer.from(keyContainer(keys, containerExtension(keys))).toString("latin1")
    const read = JSON.parse(text) as { keys: unknown[]; key_container_extension?: unknown }
    assert.deepEqual(
      read.keys,
      keys.map(({ keyId }) => ({ key_ID: keyId, key: "AAAAAA==" })),
    )
    return read.key_container_extension
  }
  const near = { keyloom_path_links: 1, keyloom_disjoint_paths: 1 }
  const far = { keyloom_path_links: 3, keyloom_disjoint_paths: 2, keyloom_epsilon: 1e-9 }

  it("holds each key in its place, whatever their sizes", () => {
    for (const sizes of [[1], [2, 3], [32, 32, 32], [5, 32, 1, 64, 2]]) {
      const raw = sizes.map((bytes, nth) => Buffer.alloc(bytes, 17 * nth + bytes))
      const keys = raw.map((bytes): EndKey => ({ keyId: ID, key: Secret.copy(bytes) }))
      const read: unknown = JSON.parse(Buffer.from(keyContainer(keys)).toString("latin1"))
      const told = raw.map((bytes) => ({ key_ID: ID, key: bytes.toString("base64") }))
      assert.deepEqual(read, { keys: told })
    }
  })

  it("tells of its own keys, whatever the one before told", () => {
    for (let again = 0; again < 2; again++) {
      assert.deepEqual(toldOf({ links: 1 }), near)
      assert.deepEqual(toldOf({ links: 2 }), { ...near, keyloom_path_links: 2 })
      assert.deepEqual(toldOf({ links: 3, disjointPaths: 2, epsilon: 1e-9 }), far)
      assert.deepEqual(toldOf({ links: 3, disjointPaths: 2, epsilon: 2e-9 }), {
        ...far,
        keyloom_epsilon: 2e-9,
      })
      assert.equal(toldOf({}), undefined)
    }
  })

  it("tells of the weakest of its keys", () => {
    const told = toldOf(
      { links: 3, disjointPaths: 4, epsilon: 1e-12 },
      { links: 2, disjointPaths: 2, epsilon: 1e-9 },
    )
    assert.deepEqual(told, far)
    assert.deepEqual(toldOf({ links: 1, epsilon: 1e-9 }, { links: 1 }), near)
  })
})
