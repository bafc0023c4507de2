// What checks of ETSI GS QKD 014 ask with, and what they look at. No test.

import assert from "node:assert/strict"
import { type Ask, keysOf, type Told, type TwoSites } from "./etsi014-sites.js"

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
export const NOT_FOUND = "one or more keys specified are not found on KME"
export const EIGHT = "size shall be a multiple of 8"
export const UNSUPPORTED = "not all extension_mandatory parameters are supported"
export const UNMET = "not all extension_mandatory request options could be met"

export type ClauseDesk = ReturnType<typeof clauseDesk>

/** Asks as SAEs of two sites. */
export function clauseDesk(sites: TwoSites) {
  const ask = (what: Ask): Promise<Told> => sites.ask(what)

  function assertError(told: Told, status: 400 | 503, message?: string): void {
    assert.equal(told.status, status, told.body)
    assert.equal(told.headers["content-type"], "application/json")
    const error = JSON.parse(told.body) as Record<string, unknown>
    assert.equal(typeof error["message"], "string")
    if (message !== undefined) assert.equal(error["message"], message)
    const { message: _, details, ...more } = error
    assert.deepEqual(more, {}, "clause 6.5 knows message and details only")
    if (details !== undefined)
      assert.ok(Array.isArray(details) && details.every((one) => typeof one === "object"))
  }

  function assertKeys(told: Told, count: number, bits: number): void {
    assert.equal(told.status, 200, told.body)
    assert.equal(told.headers["content-type"], "application/json")
    const { keys } = keysOf(told)
    assert.equal(keys.length, count)
    for (const { key_ID, key } of keys) {
      assert.match(key_ID, UUID)
      assert.equal(Buffer.from(key, "base64").length * 8, bits)
      assert.equal(Buffer.from(key, "base64").toString("base64"), key)
    }
    assert.equal(new Set(keys.map(({ key_ID }) => key_ID)).size, count)
    assert.equal(new Set(keys.map(({ key }) => key)).size, count)
  }

  const enc = async (body: unknown = {}, target = "bob/enc_keys"): Promise<Told> =>
    ask({ who: "alice", target, body })
  const idsOf = (told: Told): { key_ID: string }[] =>
    keysOf(told).keys.map(({ key_ID }) => ({ key_ID }))
  const dec = (who: string, body: unknown, master = "alice"): Promise<Told> =>
    ask({ who, target: `${master}/dec_keys`, body })

  return { sites, ask, assertError, assertKeys, enc, idsOf, dec }
}
