// Key containers of any JSON writer, read without strings of keys.

import assert from "node:assert/strict"
import fc from "fast-check"
import { readKeyContainer } from "../../src/etsi014/key-container.js"
import { isQkdError } from "../errors-helper.js"

const bytes = (text: string): Uint8Array => Buffer.from(text)
const malformed = isQkdError("malformed-message")

function read(text: string): { keyId: string; key: string }[] {
  return readKeyContainer(bytes(text)).map(({ keyId, key }) => ({
    keyId,
    key: key.use((k) => Buffer.from(k).toString("base64")),
  }))
}

describe("the key container reader", () => {
  it("reads what JSON.parse reads, however it is written", () => {
    const container = fc.record(
      {
        keys: fc.array(
          fc.record(
            {
              key_ID: fc.string(),
              key: fc
                .uint8Array({ maxLength: 40 })
                .map((key) => Buffer.from(key).toString("base64")),
              key_extension: fc.jsonValue({ maxDepth: 3 }),
              acme_note: fc.jsonValue({ maxDepth: 2 }),
            },
            { requiredKeys: ["key_ID", "key"] },
          ),
        ),
        key_container_extension: fc.jsonValue({ maxDepth: 3 }),
      },
      { requiredKeys: ["keys"] },
    )
    fc.assert(
      fc.property(container, fc.constantFrom(0, 1, "\t"), fc.boolean(), (value, space, php) => {
        const text = JSON.stringify(value, null, space)
        const written = php ? text.replaceAll("/", "\\/") : text
        assert.deepEqual(
          read(written),
          value.keys.map(({ key_ID, key }) => ({ keyId: key_ID, key })),
        )
      }),
    )
  })

  it("refuses every text cut short", () => {
    const whole = '{"a":[1,{"b":null}],"keys":[{"key_ID":"\\u0069","key":"Zm9v","x":"\\""}]}'
    assert.equal(read(whole).length, 1)
    for (let end = 0; end < whole.length; end++) {
      assert.throws(() => read(whole.slice(0, end)), malformed, whole.slice(0, end))
    }
    assert.throws(() => read(`${whole}x`), malformed)
    assert.equal(read(`${whole}\r\n`).length, 1)
  })

  for (const text of [
    "[]",
    "{}",
    '{"keys":{}}',
    '{"keys":[[]]}',
    '{"keys":[{"key_ID":"a"}]}',
    '{"keys":[{"key":"Zm9v"}]}',
    '{"keys":[{"key_ID":7,"key":"Zm9v"}]}',
    '{"keys":[{"key_ID":"a","key":"Zm9"}]}',
    '{"keys":[{"key_ID":"a","key":"Zm9-"}]}',
    '{"keys":[{"key_ID":"a","key":"Zm9v","key":"Zm9v"}]}',
    '{"keys":[{"key_ID":"a","key":"Zm9v"},]}',
    '{"keys":[],"keys":[]}',
    '{"keys":[],}',
    '{"x":tru,"keys":[]}',
    '{"x":01,"keys":[]}',
    `{"x":${"[".repeat(20)}${"]".repeat(20)},"keys":[]}`,
    '{"keys":[{"key_ID":"a\nb","key":"Zm9v"}]}',
  ]) {
    it(`refuses ${text.slice(0, 60).replaceAll("\n", "\\n")}`, () => {
      assert.throws(() => read(text), malformed)
    })
  }

  it("leaves the body to its owner, and says nothing of it in faults", () => {
    const body = bytes('{"keys":[{"key_ID":"a","key":"Zm9v"},{"key_ID":"b","key":"Zm9vSECRET"}]}')
    const before = Buffer.from(body)
    assert.throws(
      () => readKeyContainer(body),
      (fault: unknown) => malformed(fault) && !String(fault).includes("SECRET"),
    )
    assert.deepEqual(Buffer.from(body), before)
  })
})
