// What a login makes of a token in which another program is just writing.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { idBytes } from "../../src/consumer/hsm-token.js"
import { CKA, CKM, CKR, type Handle, type Pkcs11 } from "../../src/pkcs11/pkcs11-module.js"
import { Pkcs11Token } from "../../src/consumer/pkcs11-token.js"

/** A module with these keys, by handle; `unread` says how often reading each fails, as that of an object being written. */
function moduleWith(keyIds: readonly string[], unread: readonly number[]): Pkcs11 {
  const left = [...unread]
  let found: Handle[] = []
  const given: Partial<Pkcs11> = {
    load: () => undefined,
    C_Initialize: () => undefined,
    C_GetSlotList: () => [Buffer.alloc(8)],
    C_GetTokenInfo: () => ({ label: "vault", serialNumber: "1" }),
    C_GetMechanismList: () => Object.values(CKM),
    C_OpenSession: () => Buffer.alloc(8),
    C_Login: () => undefined,
    C_FindObjectsInit: () => {
      found = keyIds.map((_, at) => Buffer.from([at]))
    },
    C_FindObjects: () => found.splice(0),
    C_FindObjectsFinal: () => undefined,
    C_GetAttributeValue: (_, object, [wanted]) => {
      const at = object[0] ?? 0
      const more = left[at] ?? 0
      left[at] = more - 1
      if (more > 0) {
        throw Object.assign(new Error("invalid handle"), { code: CKR.OBJECT_HANDLE_INVALID })
      }
      const type = wanted?.type ?? 0
      const id = idBytes(keyIds[at] ?? "")
      const value = type === CKA.ID ? id : Buffer.from(type === CKA.LABEL ? "keyloom/far/in" : "")
      return [{ type, value }]
    },
  }
  return given as Pkcs11
}

describe("a login to a token in which another program writes", () => {
  const [one, other, third] = [randomUUID(), randomUUID(), randomUUID()]

  function idsWith(...unread: readonly number[]): string[] {
    const module = moduleWith([one, other, third], unread)
    const token = Pkcs11Token.open(module, "/any.so", "vault", "0000")
    return token.keys().map(({ keyId }) => keyId)
  }

  it("reads again what could not be read, each key once", () => {
    assert.deepEqual(idsWith(0, 1, 0), [one, other, third])
    assert.deepEqual(idsWith(1, 2, 0), [one, other, third])
  })

  it("has all the other keys when one stays unreadable", () => {
    assert.deepEqual(idsWith(0, Infinity, 0), [one, third])
  })
})
