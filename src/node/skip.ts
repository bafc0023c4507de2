// SKIP, draft-cisco-skip-02 (Secure Key Integration Protocol): keys of this node for encryptors that speak only that.
// The caller is an SAE of this site, known by its certificate as at ETSI 014; system ids are SAE ids, key ids the UUIDs
// of 014 as 32 hex digits. The same store, association, site policy and one delivery an end as there.
//
//   GET /capabilities   GET /key?remoteSystemID=&size=   GET /key/{keyId}?remoteSystemID=   GET /entropy?minentropy=

import type { IncomingMessage } from "node:http"
import { randomBytes } from "node:crypto"
import { asQkdError, QkdError } from "../errors.js"
import { hexOf, writeHex } from "../keys/hex.js"
import type { SitePolicy } from "../keys/policy.js"
import { faultAnswer, json, plain, takeFault, UNAUTHORIZED } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import type { DeliveryRecord } from "./delivery-record.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import type { Audit } from "./etsi014-handout.js"
import { hasBody, listenFace } from "./http-face.js"
import type { Face, FaceTls } from "./http-face.js"
import type { EndKey } from "./ports.js"
import type { ConnectionLimits } from "../transport/tls-guard.js"
import type { PreSharedKeys } from "../transport/tls-psk.js"
import { callerByPsk, callerOf } from "./sae-identity.js"
import type { SaeIdentity } from "./sae-identity.js"
import { globMatches, parseSkipTarget } from "./skip-request.js"
import type { SkipTarget } from "./skip-request.js"

export interface SkipOptions
  extends Pick<
    DeliveryOptions,
    "policy" | "keyManager" | "desk" | "livesHere" | "auditable" | "log"
  > {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly tls: FaceTls
  readonly saeIdentity?: SaeIdentity
  /** What `capabilities` tells as remoteSystemID: system ids, globs allowed. Others are refused. */
  readonly remoteSystems: readonly string[]
  /** By SAE id, for encryptors without certificates; the site policy pins them. */
  readonly preSharedKeys?: PreSharedKeys
  readonly audit: Audit
  readonly limits?: Partial<ConnectionLimits>
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** Draft, 4.2: size and minentropy where the request names none. */
const DEFAULT_BITS = 256
const MAX_ENTROPY_BITS = 65_536
const LIMITS = { maxInFlight: 256, maxInFlightPerCaller: 16 } as const

/**
 * Serves SKIP over TLS 1.3 with client certificates, and over TLS 1.2 with pre-shared keys where there are any.
 *
 * @throws QkdError `in-use` when the address is taken.
 */
export function listenSkip(options: SkipOptions): Promise<Face> {
  const { host, port, tls, policy, saeIdentity, log } = options
  const now = options.now ?? Date.now
  return listenFace({
    ...{ name: "SKIP", host, port, tls, log, limits: { ...LIMITS, ...options.limits } },
    minVersion: policy().document.minimum?.deliveryTls ?? "TLSv1.3",
    ...(options.preSharedKeys !== undefined && { preSharedKeys: options.preSharedKeys }),
    callerOf: (peer) =>
      peer.pskSha256 === undefined
        ? callerOf(peer, policy(), now(), saeIdentity)
        : callerByPsk(peer, policy()),
    answer: (request, saeId) => answer(options, request, saeId),
    faultAnswer: (error) =>
      error.tag === "invalid-value" ? plain(400, error.message) : faultOf(error),
    unauthorized: UNAUTHORIZED,
    busy: plain(503, "the key provider is busy"),
  })
}

/** @throws QkdError for faults of the request. */
async function answer(
  options: SkipOptions,
  request: IncomingMessage,
  saeId: string,
): Promise<Answer> {
  const target = parseSkipTarget(request.url ?? "")
  if (target === undefined) return plain(404, "no such resource")
  if (request.method !== "GET") {
    return plain(405, "only GET is supported", { allow: "GET", close: true })
  }
  if (hasBody(request)) return plain(400, "GET takes no body", { close: true })
  switch (target.what) {
    case "capabilities":
      return json(200, {
        entropy: true,
        key: true,
        algorithm: "QKD",
        localSystemID: saeId,
        remoteSystemID: options.remoteSystems,
      })
    case "entropy":
      return entropy(target.minEntropyBits ?? DEFAULT_BITS)
    case "new-key":
    case "key":
      return key(options, saeId, target)
  }
}

/** Draft, 4.3: from the node's own source of randomness; full entropy, so as many bits as asked for. */
function entropy(bits: number): Answer {
  if (bits < 1 || bits > MAX_ENTROPY_BITS)
    throw new QkdError("invalid-value", `minentropy shall be from 1 to ${MAX_ENTROPY_BITS} bits`)
  const drawn = randomBytes(Math.ceil(bits / 8))
  const body = writeHex('{"randomStr":"', drawn, `","minentropy":${drawn.length * 8}}`)
  drawn.fill(0)
  return { status: 200, contentType: "application/json", body, wipe: true }
}

async function key(
  options: SkipOptions,
  saeId: string,
  target: Extract<SkipTarget, { readonly remoteSystemId: string }>,
): Promise<Answer> {
  const { keyManager, audit, auditable, remoteSystems, log } = options
  const { remoteSystemId: peerSaeId } = target
  const isNew = target.what === "new-key"
  const facts = { saeId, peerSaeId, request: isNew ? "GET /key" : "GET /key/{keyId}" }
  if (!remoteSystems.some((glob) => globMatches(glob, peerSaeId)) || peerSaeId === saeId)
    return plain(400, "no such remoteSystemID")
  let keys: EndKey[] = []
  try {
    if (isNew) checkSize(options.policy(), target.sizeBits ?? DEFAULT_BITS)
    auditable?.()
    keys = isNew
      ? await newKey(options, saeId, peerSaeId, target.sizeBits ?? DEFAULT_BITS)
      : await keyManager.takeKeys(saeId, peerSaeId, [target.keyId])
    const [one] = keys
    if (one === undefined || keys.length !== 1 || (!isNew && one.keyId !== target.keyId))
      throw new QkdError("operation-failed", "the key manager handed out another key")
    const record: DeliveryRecord = {
      method: isNew ? "skip_new_key" : "skip_key",
      saeId,
      peerSaeId,
      keyIds: [one.keyId],
      keySizeBits: one.key.lengthBits,
    }
    await audit(record)
    const head = `{"keyId":"${hexOf(one.keyId)}","key":"`
    const body = one.key.use((bytes) => writeHex(head, bytes, '"}'))
    return { status: 200, contentType: "application/json", body, wipe: true }
  } catch (fault) {
    const error = asQkdError(fault)
    const { tag, appTag, message, cause } = error
    const said = { ...facts, tag, appTag, reason: message }
    if (appTag === undefined && tag === "operation-failed")
      log.error({ ...said, cause }, "SKIP key failed")
    else log.info(said, "SKIP key refused")
    return !isNew && takeFault(error) !== undefined ? NO_SUCH_KEY : faultOf(error)
  } finally {
    for (const one of keys) one.key.wipe()
  }
}

/** Unknown, spent and others' keys alike: nobody learns whether an id exists. */
const NO_SUCH_KEY = plain(400, "the key is not known")

function checkSize(policy: SitePolicy, sizeBits: number): void {
  const { minKeySizeBits, maxKeySizeBits } = policy.document.limits
  if (sizeBits % 8 !== 0) throw new QkdError("invalid-value", "size shall be a multiple of 8")
  if (sizeBits < minKeySizeBits || sizeBits > maxKeySizeBits)
    throw new QkdError(
      "invalid-value",
      `size shall be from ${minKeySizeBits} to ${maxKeySizeBits} bits`,
    )
}

async function newKey(
  { keyManager, desk, livesHere }: SkipOptions,
  saeId: string,
  peerSaeId: string,
  keySizeBits: number,
): Promise<EndKey[]> {
  const slave = livesHere(peerSaeId)
    ? { saeId: peerSaeId }
    : { saeId: peerSaeId, appId: await associationOf(desk, saeId, peerSaeId) }
  return keyManager.supplyKeys({ masterSaeId: saeId, slaves: [slave], count: 1, keySizeBits })
}

async function associationOf(
  desk: SkipOptions["desk"],
  saeId: string,
  peerSaeId: string,
): Promise<string> {
  return (desk.find(saeId, peerSaeId) ?? (await desk.request(saeId, [peerSaeId], {}))).appId
}

/**
 * Draft, table of status codes: 400 for what the caller can mend, 503 where the network has no key now, 500 for ours.
 * The words are those of 014, without naming nodes.
 */
function faultOf(error: QkdError): Answer {
  if (error.tag === "invalid-value" && error.appTag === undefined) return plain(400, error.message)
  if (error.appTag === "unknown-sae") return plain(400, "no such remoteSystemID")
  const ours = error.appTag === undefined && error.tag !== "resource-denied"
  if (ours) return plain(500, "internal error")
  const { body } = faultAnswer(error)
  const told: unknown = JSON.parse(Buffer.from(body ?? []).toString("utf8"))
  const message = typeof told === "object" && told !== null && "message" in told ? told.message : ""
  return plain(503, String(message))
}
