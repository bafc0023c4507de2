// What checks of ETSI GS QKD 020 ask with, and what they look at: requests of the key manager that is not ours to the border node, containers,
// acks. No test.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import type { EndKey } from "../../src/node/ports.js"
import type { BorderNetwork, ForeignKme, Told } from "./etsi020-sites.js"

export const base64 = ({ key }: EndKey): string =>
  key.use((bytes) => Buffer.from(bytes).toString("base64"))

export const CALLBACK = "/ack_callback_url"

export interface Container {
  readonly keys: readonly { readonly key_id: string; readonly value: string }[]
  readonly initiator_sae_id: string
  readonly target_sae_ids: readonly string[]
  readonly ack_callback_url?: string
}

export interface AckContainer {
  readonly key_id_container: readonly { readonly key_id: string }[]
  readonly ack_status: string
  readonly initiator_sae_id: string
  readonly target_sae_ids: readonly string[]
  readonly message?: string
}

export type ClauseDesk = ReturnType<typeof clauseDesk>

/** Asks as the key manager of the other domain. */
export function clauseDesk(ours: BorderNetwork, foreign: ForeignKme) {
  const get = (target: string, more: Readonly<Record<string, unknown>> = {}): Promise<Told> =>
    foreign.ask(ours.face?.port ?? 0, { method: "GET", target, ...more })
  const post = (
    target: string,
    body: unknown,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Told> =>
    foreign.ask(ours.face?.port ?? 0, {
      ...{ method: "POST", target, headers: { "content-type": "application/json" } },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...more,
    })
  const give = (body: unknown): Promise<Told> => post("/kmapi/v1/ext_keys", body)
  const takeBack = (body: unknown): Promise<Told> => post("/kmapi/v1/ext_keys/void", body)

  const keysOf = (count = 1, bytes = 32): Container["keys"] =>
    Array.from({ length: count }, () => {
      return { key_id: randomUUID(), value: randomBytes(bytes).toString("base64") }
    })
  const container = (over: Readonly<Record<string, unknown>> = {}): Container => ({
    ...{ keys: keysOf(), initiator_sae_id: "bob", target_sae_ids: ["alice"] },
    ...over,
  })
  const voidOf = (
    { keys, initiator_sae_id, target_sae_ids }: Container,
    over: Readonly<Record<string, unknown>> = {},
  ): Readonly<Record<string, unknown>> => ({
    ...{ key_ids: keys.map(({ key_id }) => key_id), initiator_sae_id, target_sae_ids },
    ...over,
  })
  const callback = (): string => `${foreign.url}/kmapi/v1/ext_keys/ack`
  const idsIn = (acks: readonly AckContainer[], status: string): string[] =>
    acks
      .filter(({ ack_status }) => ack_status === status)
      .flatMap(({ key_id_container }) => key_id_container.map(({ key_id }) => key_id))
  const acksIn = (told: Told): AckContainer[] => {
    assert.equal(told.status, 200, told.body)
    return JSON.parse(told.body) as AckContainer[]
  }
  /** What the node has told the foreign key manager by call back, once it has told so much. */
  async function heard(count = 1): Promise<AckContainer[]> {
    const acks: AckContainer[] = []
    for (const end = Date.now() + 60_000; acks.length < count; ) {
      assert.ok(Date.now() < end, "nothing was heard")
      for (const { path, body } of await foreign.seen())
        if (path.endsWith("/ack")) acks.push(...(body as unknown as AckContainer[]))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return acks
  }
  const fetch = (slave: string, { keys }: Container): Promise<EndKey[]> =>
    ours.first.takeKeys(
      slave,
      "bob",
      keys.map(({ key_id }) => key_id),
    )
  const assertGone = (slave: string, body: Container): Promise<void> =>
    assert.rejects(fetch(slave, body), { tag: "data-missing" })

  function assertProblem(told: Told, status: number): Readonly<Record<string, string>> {
    assert.equal(told.status, status, told.body)
    assert.match(told.headers["content-type"] ?? "", /^application\/json/)
    const {
      type,
      title,
      status: said,
      details = {},
      ...more
    } = JSON.parse(told.body) as {
      type: unknown
      title: unknown
      status: unknown
      details?: Readonly<Record<string, string>>
    }
    assert.equal(typeof type, "string")
    assert.equal(typeof title, "string")
    assert.equal(said, status)
    assert.deepEqual(more, {}, "RFC 9457 with details, no more")
    assert.ok(Object.values(details).every((one) => typeof one === "string"))
    return details
  }

  return {
    ours,
    foreign,
    get,
    post,
    give,
    takeBack,
    keysOf,
    container,
    voidOf,
    callback,
    idsIn,
    acksIn,
    heard,
    fetch,
    assertGone,
    assertProblem,
  }
}
