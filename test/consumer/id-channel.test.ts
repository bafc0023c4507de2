// The channel on which key ids travel, over real TLS: what is not from the configured peer, in its role, for this
// tunnel, generation and key id, is refused, and nothing is fetched or touched (threat T2).

import assert from "node:assert/strict"
import {
  type IdAnswer,
  type IdRequest,
  writeAnswer,
  writeRequest,
} from "../../src/consumer/id-message.js"
import { IdClient, listenForIds } from "../../src/consumer/id-channel.js"
import type { Etsi014Client } from "../../src/etsi014/client.js"
import { Responder } from "../../src/consumer/responder.js"
import type { Tunnel } from "../../src/consumer/tunnel.js"
import { UsedKeys } from "../../src/consumer/used-keys.js"
import { Secret } from "../../src/keys/secret.js"
import { SILENT } from "../../src/node/log.js"
import { HttpsClient, type HttpsServer } from "../../src/transport/https.js"
import {
  type CertifiedKey,
  createAuthority,
  issueConsumerCertificate,
  spkiSha256,
  validFor,
} from "../../src/transport/pki.js"
import { QkdError } from "../../src/errors.js"
import { isQkdError } from "../errors-helper.js"
import { freshDir, removeDir } from "../support/demo.js"

const BINDING = {
  purpose: "ipsec",
  tunnel: "lab",
  initiator: "gate-a",
  responder: "gate-b",
} as const
const ID = "5f0c9f3e-8a2b-4c56-9d2e-000000000001"
const OTHER_ID = "5f0c9f3e-8a2b-4c56-9d2e-000000000002"

describe("the id channel", () => {
  const authority = createAuthority("ends", validFor(1))
  const pairOf = (name: string, by = authority): CertifiedKey =>
    issueConsumerCertificate(by, name, ["127.0.0.1"], validFor(1))
  const [gateA, gateB] = [pairOf("gate-a"), pairOf("gate-b")]
  let dir: string
  let server: HttpsServer
  let responder: Responder
  /** What was asked of key manager and tunnel. */
  let touched: string[]
  /** charon answers at the responder's end. */
  let answers: boolean
  const clients: { close(): void }[] = []

  beforeEach(async () => {
    dir = freshDir()
    touched = []
    answers = true
    const note =
      (what: string) =>
      (of: unknown): Promise<void> => {
        touched.push(`${what} ${String(of)}`)
        return Promise.resolve()
      }
    const tunnel: Tunnel = {
      look: () =>
        answers
          ? Promise.resolve({ up: true })
          : Promise.reject(new QkdError("operation-failed", "no charon answers at its socket")),
      install: note("install"),
      arm: note("arm"),
      switchTo: () => Promise.resolve("?"),
      verify: note("verify"),
      retire: note("retire"),
      abandon: note("abandon"),
      reuse: () => Promise.resolve(),
      bare: () => note("bare")(""),
      close: () => undefined,
    }
    const decKeys = (_master: string, ids: readonly string[]) => {
      touched.push(`fetch ${ids.join()}`)
      return Promise.resolve(
        ids.map((keyId) => ({ keyId, key: Secret.take(new Uint8Array(32).fill(7)) })),
      )
    }
    responder = new Responder({
      binding: BINDING,
      policy: "required",
      hybrid: false,
      intervalMs: 1000,
      hash: "sha256",
      tunnel,
      kme: { decKeys } as unknown as Etsi014Client,
      used: UsedKeys.open(`${dir}/used`),
      log: SILENT,
      pollMs: 1000,
      now: Date.now,
    })
    server = await listenForIds({
      host: "127.0.0.1",
      port: 0,
      tls: { identity: gateB, authorities: [authority.certificatePem] },
      peer: { name: "gate-a", pins: [spkiSha256(gateA.certificatePem)] },
      binding: BINDING,
      answer: (request) => responder.answer(request),
    })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await server.close()
    removeDir(dir)
  })

  function client(
    identity = gateA,
    peerName = "gate-b",
    binding: typeof BINDING = BINDING,
  ): IdClient {
    const made = new IdClient({
      host: "127.0.0.1",
      port: server.port,
      tls: { identity, authorities: [authority.certificatePem] },
      peer: { name: peerName },
      binding,
      timeoutMs: 5000,
    })
    clients.push(made)
    return made
  }

  /** A message as it is, by the right certificate. */
  async function post(body: string): Promise<number> {
    const http = new HttpsClient({
      host: "127.0.0.1",
      port: server.port,
      tls: { identity: gateA, authorities: [authority.certificatePem] },
      timeoutMs: 5000,
    })
    clients.push(http)
    return (await http.request({ method: "POST", path: "/v1/tunnel-keys", body })).status
  }

  const offer = (generation: number, keyId = ID): IdRequest => ({
    step: "offer",
    generation,
    kind: "qkd",
    keyId,
  })

  it("takes an offer of its peer, and proves that it holds the key", async () => {
    const answer = await client().ask(offer(1))
    assert.equal(answer.tag?.length, 32)
    assert.deepEqual(touched, [`fetch ${ID}`, "install 1"])
  })

  it("tells whether the gateway there answers, as it is at the moment a rotation is about to begin", async () => {
    const ask = client()
    const hello: IdRequest = { step: "hello", generation: 0, kind: "none", keyId: "" }
    const ready: IdRequest = { ...hello, step: "ready" }
    assert.deepEqual(await ask.ask(hello), { highest: 0, reachable: true, up: true })
    assert.deepEqual(await ask.ask(ready), {})
    answers = false
    await assert.rejects(ask.ask(ready), {
      message: "the peer refuses: no charon answers at its socket",
    })
    assert.deepEqual(await ask.ask(hello), { highest: 0, reachable: false, up: false })
    answers = true
    assert.deepEqual(await ask.ask(ready), {})
    assert.deepEqual(touched, [])
  })

  it("hears nobody else: another name, another key of the right name, another authority", async () => {
    const foreign = createAuthority("others", validFor(1))
    for (const stranger of [pairOf("gate-c"), pairOf("gate-a"), pairOf("gate-a", foreign)])
      await assert.rejects(client(stranger).ask(offer(1)))
    await assert.rejects(client(gateA, "gate-c").ask(offer(1)), isQkdError("access-denied"))
    assert.deepEqual(touched, [])
  })

  it("T2: takes no message of another tunnel, purpose, role or direction, nor with anything unknown", async () => {
    const right = JSON.parse(writeRequest(BINDING, offer(1))) as Record<string, unknown>
    const changes: Record<string, unknown>[] = [
      { tunnel: "lab2" },
      { purpose: "wireguard" },
      // Reflected: what this end would say itself.
      { from: "responder" },
      { initiator: "gate-b", responder: "gate-a" },
      { responder: "gate-c" },
      { kind: "none" },
      { keyId: "" },
      { generation: -1 },
      { generation: 1.5 },
      { generation: "1" },
      { step: "give" },
      { more: 1 },
      { tag: "AAAA" },
    ]
    for (const change of changes)
      assert.equal(await post(JSON.stringify({ ...right, ...change })), 400, JSON.stringify(change))
    for (const body of ["", "[]", "null", "{", "x".repeat(10_000)])
      assert.equal(await post(body), 400)
    assert.deepEqual(touched, [])
    assert.equal(await post(JSON.stringify(right)), 200)
  })

  it("T2: takes no stale generation and no key id a second time, over a restart neither", async () => {
    const ask = client()
    await ask.ask(offer(5))
    touched.length = 0
    for (const again of [offer(5, OTHER_ID), offer(4, OTHER_ID), offer(6)])
      await assert.rejects(ask.ask(again), isQkdError("operation-failed"))
    const reopened = UsedKeys.open(`${dir}/used`)
    assert.throws(() => {
      reopened.use(9, ID)
    }, isQkdError("data-exists"))
    reopened.close()
    // What was being made is taken back; nothing was fetched for what was refused.
    assert.deepEqual(touched, ["abandon 5"])
  })

  it("takes no step about another generation or key id than the one at hand, and none out of turn", async () => {
    const ask = client()
    await ask.ask(offer(1))
    touched.length = 0
    const crossed: IdRequest[] = [
      { step: "arm", generation: 1, kind: "qkd", keyId: OTHER_ID },
      { step: "arm", generation: 2, kind: "qkd", keyId: ID },
      // Without proof of the key, and with a false one.
      { step: "arm", generation: 1, kind: "qkd", keyId: ID },
      { step: "arm", generation: 1, kind: "qkd", keyId: ID, tag: new Uint8Array(32) },
      { step: "verify", generation: 1, kind: "qkd", keyId: ID, session: "x" },
      { step: "retire", generation: 1, kind: "qkd", keyId: ID },
      { step: "bare", generation: 1, kind: "none", keyId: "" },
    ]
    for (const request of crossed)
      await assert.rejects(
        ask.ask(request),
        isQkdError("operation-failed"),
        JSON.stringify(request),
      )
    assert.deepEqual(touched, [])
  })

  it("takes no kind of key that its policy does not ask for", async () => {
    const pqc: IdRequest = { step: "offer", generation: 1, kind: "pqc", keyId: "" }
    await assert.rejects(client().ask(pqc), isQkdError("operation-failed"))
    assert.deepEqual(touched, [])
  })

  it("lets the initiator believe no answer that is about something else", async () => {
    await server.close()
    const answers: string[] = []
    const plain = { up: true } satisfies IdAnswer
    const hello: IdRequest = { step: "hello", generation: 0, kind: "none", keyId: "" }
    const right = JSON.parse(writeAnswer(BINDING, hello, plain)) as Record<string, unknown>
    const { listenHttps } = await import("../../src/transport/https.js")
    server = await listenHttps({
      host: "127.0.0.1",
      port: 0,
      tls: { identity: gateB, authorities: [authority.certificatePem] },
      handler: (request, response) => {
        request.resume()
        response.end(answers.shift())
      },
    })
    const ask = client()
    for (const change of [
      { from: "initiator" },
      { tunnel: "lab2" },
      { step: "offer" },
      { generation: 1 },
      { keyId: ID },
      { initiator: "gate-b" },
      { more: 1 },
    ]) {
      answers.push(JSON.stringify({ ...right, ...change }))
      await assert.rejects(ask.ask(hello), (error: Error) => {
        const [denied, malformed] = [isQkdError("access-denied"), isQkdError("malformed-message")]
        return denied(error) || malformed(error)
      })
    }
    answers.push(JSON.stringify(right))
    assert.deepEqual(await ask.ask(hello), plain)
  })
})
