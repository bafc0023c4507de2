// Finding objects of a token and reading them, in a session that is logged in. Return values of the token come as they are.

import type { Attribute, Handle, Pkcs11 } from "./pkcs11-module.js"

const FIND_AT_ONCE = 256

export function findObjects(
  module: Pkcs11,
  session: Handle,
  template: readonly Attribute[],
): Handle[] {
  module.C_FindObjectsInit(session, [...template])
  const found: Handle[] = []
  try {
    for (;;) {
      const some = module.C_FindObjects(session, FIND_AT_ONCE)
      if (some.length === 0) return found
      found.push(...some)
    }
  } finally {
    module.C_FindObjectsFinal(session)
  }
}

export function attributeOf(module: Pkcs11, session: Handle, object: Handle, type: number): Buffer {
  const [found] = module.C_GetAttributeValue(session, object, [{ type }])
  return Buffer.from(found?.value ?? [])
}
