// ETSI GS QKD 020 V1.1.1, the answering side: key managers of neighbouring domains in the same secured place give keys
// for SAEs of our network, take them back, and tell what became of ours. Who calls is known by the key pinned in the site
// policy, and may speak for the SAEs that the policy lists behind it, no others (threat R5).
//
//   certificate ── TLS 1.3 ── pin in the policy ──▶ domain ──▶ message ──▶ association ──▶ BorderDesk ──▶ acks

import type { IncomingMessage } from "node:http"
import { asQkdError, QkdError } from "../errors.js"
import type { AppTag } from "../errors.js"
import type { Parties } from "../keys/border-records.js"
import type { PolicyDomain, SitePolicy } from "../keys/policy.js"
import { readSecretBody } from "../transport/https.js"
import type { Ack, BorderDesk, DomainCarrier } from "./border-ports.js"
import { json, plain } from "./etsi014-answer.js"
import type { Answer } from "./etsi014-answer.js"
import { acksOut, parseAcks, parseExtKeys, parseVoid } from "./etsi020-messages.js"
import { isJson, listenFace } from "./http-face.js"
import type { Face, FaceTls } from "./http-face.js"
import type { Log } from "./log.js"
import type { ApplicationDesk } from "./ports.js"

export interface Etsi020Options {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly tls: FaceTls
  /** The policy in force; asked anew for each request. */
  readonly policy: () => SitePolicy
  readonly border: BorderDesk
  readonly desk: ApplicationDesk
  /** What tells domains of keys they gave, and hears what they say of ours. */
  readonly client: Pick<DomainCarrier, "acknowledge"> & {
    hear(domain: string, acks: readonly Ack[]): void
  }
  /** Before keys are taken on; when it throws they are not. */
  readonly audit: (domain: string, taken: Parties, keyIds: readonly string[]) => Promise<void>
  /** How long a synchronous caller waits before 408. */
  readonly timeoutMs: number
  readonly log: Log
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const LIMITS = { maxInFlight: 512, maxInFlightPerCaller: 128 } as const
const MAX_BODY_BYTES = 2 << 20
const ACK_TRIES = 6
const ACK_RETRY_MS = 250
const PATHS: Readonly<Record<string, "GET" | "POST">> = {
  "/kmapi/versions": "GET",
  "/kmapi/v1/ext_keys": "POST",
  "/kmapi/v1/ext_keys/ack": "POST",
  "/kmapi/v1/ext_keys/void": "POST",
}

/**
 * Serves 020 over TLS 1.3, whatever lower version the policy allows SAEs.
 *
 * @throws QkdError `in-use` when the address is taken.
 */
export function listenEtsi020(options: Etsi020Options): Promise<Face> {
  const { host, port, tls, policy, log } = options
  const now = options.now ?? Date.now
  const service = new Service(options)
  return listenFace({
    ...{ name: "020", host, port, tls, log, limits: LIMITS, minVersion: "TLSv1.3" },
    callerOf: ({ spkiSha256, validFromMs, validToMs }) =>
      now() < validFromMs || now() > validToMs ? undefined : policy().domainByPin(spkiSha256)?.name,
    answer: (request, caller) => service.answer(request, caller),
    faultAnswer: faultOf,
    unauthorized: problem(401, "unauthorized", "not a key manager that this site deals with"),
    busy: problem(503, "busy", "the key manager is busy"),
  })
}

class Service {
  readonly #options: Etsi020Options

  constructor(options: Etsi020Options) {
    this.#options = options
  }

  /** @throws QkdError for faults of the request. */
  async answer(request: IncomingMessage, caller: string): Promise<Answer> {
    const path = request.url ?? ""
    const method = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined
    if (method === undefined) return plain(404, "no such resource")
    if (request.method !== method)
      return plain(405, "method not allowed", { allow: method, close: true })
    if (method === "GET") return json(200, { versions: ["v1"], capabilities: ["synchronous_mode"] })
    if (!isJson(request.headers["content-type"]))
      return {
        ...problem(400, "media-type", "content type shall be application/json"),
        close: true,
      }
    const domain = this.#options.policy().domain(caller)
    if (domain === undefined) throw new QkdError("access-denied", "no such domain")
    const body = await readSecretBody(request, MAX_BODY_BYTES)
    try {
      if (path.endsWith("/ack")) {
        this.#options.client.hear(caller, parseAcks(body))
        return { status: 200 }
      }
      return await (path.endsWith("/void") ? this.#void(domain, body) : this.#keys(domain, body))
    } finally {
      body.fill(0)
    }
  }

  async #keys(domain: PolicyDomain, body: Uint8Array): Promise<Answer> {
    const { policy, border, audit } = this.#options
    const { limits } = policy().document
    const { keys, mandatory, callbackUrl, extensions, ...parties } = parseExtKeys(
      body,
      limits.maxKeysPerRequest,
    )
    try {
      for (const [i, { key }] of keys.entries())
        if (key.lengthBits < limits.minKeySizeBits || key.lengthBits > limits.maxKeySizeBits)
          throw invalid(
            `keys have ${limits.minKeySizeBits} to ${limits.maxKeySizeBits} bits`,
            `/keys/${i}/value`,
          )
      checkCallback(domain, callbackUrl)
      const [unmet] = mandatory
      if (unmet !== undefined)
        return problem(503, "unsupported-extension", "a mandatory extension is not supported", {
          unsupported_mandatory_extension: unmet,
        })
      this.#checkParties(domain, parties)
      const appIds = await this.#associations(parties)
      await audit(
        domain.name,
        parties,
        keys.map(({ keyId }) => keyId),
      )
      const { acks } = await border.accept({
        ...{ domain: domain.name, ...parties, keys, appIds },
        ...(callbackUrl !== undefined && { callbackUrl }),
        ...(extensions !== undefined && { extensions }),
      })
      return await (callbackUrl === undefined ? this.#inTime(acks) : { status: 202 })
    } finally {
      for (const { key } of keys) key.wipe()
    }
  }

  async #void(domain: PolicyDomain, body: Uint8Array): Promise<Answer> {
    const { keyIds, callbackUrl, ...parties } = parseVoid(body)
    checkCallback(domain, callbackUrl)
    this.#checkVoider(domain, parties)
    const acks = this.#options.border.void(domain.name, parties, keyIds)
    if (callbackUrl === undefined) return this.#inTime(acks)
    acks
      .then((told) => this.#tell(domain.name, callbackUrl, told))
      .catch((cause: unknown) => {
        this.#options.log.error({ domain: domain.name, err: cause }, "020: a void failed")
      })
    return { status: 202 }
  }

  async #inTime(acks: Promise<readonly Ack[]>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, this.#options.timeoutMs, undefined)
    })
    try {
      const told = await Promise.race([acks, late])
      return told === undefined
        ? problem(408, "timeout", "the keys are still on their way")
        : json(200, acksOut(told))
    } finally {
      clearTimeout(timer)
      acks.catch(() => undefined)
    }
  }

  /** A void's outcome is told a few times; who did not hear it asks again. */
  async #tell(domain: string, url: string, acks: readonly Ack[]): Promise<void> {
    for (let tries = 0; tries < ACK_TRIES; tries++) {
      if (await this.#options.client.acknowledge(domain, url, acks)) return
      await new Promise((resolve) => {
        setTimeout(resolve, ACK_RETRY_MS * 2 ** tries).unref()
      })
    }
  }

  /** Whom the caller may speak for, and for whom we take keys from it. @throws QkdError `invalid-value` */
  #checkParties(domain: PolicyDomain, { initiatorSaeId, targetSaeIds }: Parties): void {
    if (!domain.saes.includes(initiatorSaeId))
      throw invalid("the initiator SAE is not one of your domain", "/initiator_sae_id")
    const back = targetSaeIds.findIndex((saeId) => domain.saes.includes(saeId))
    if (back >= 0) throw invalid("the key would be passed straight back", `/target_sae_ids/${back}`)
  }

  /** What it gave, or what it was given. */
  #checkVoider(domain: PolicyDomain, parties: Parties): void {
    const { initiatorSaeId, targetSaeIds } = parties
    if (domain.saes.includes(initiatorSaeId)) return
    const stranger = targetSaeIds.findIndex((saeId) => !domain.saes.includes(saeId))
    if (stranger < 0) return
    throw invalid("neither initiator nor targets are of your domain", "/initiator_sae_id")
  }

  /**
   * What joins the initiator to each target that does not live here; asked of the controller where it is missing.
   *
   * @throws QkdError app-tag `unknown-sae`, `no-path`, `no-capacity`, `timeout`, `policy`
   */
  async #associations({ initiatorSaeId, targetSaeIds }: Parties): Promise<Map<string, string>> {
    const { policy, desk } = this.#options
    const appIds = new Map<string, string>()
    await Promise.all(
      targetSaeIds.map(async (saeId) => {
        if (policy().standsFor(saeId)) return
        const app =
          desk.find(initiatorSaeId, saeId) ?? (await desk.request(initiatorSaeId, [saeId], {}))
        appIds.set(saeId, app.appId)
      }),
    )
    return appIds
  }
}

/** Callbacks go to the domain's own interface and nowhere else. @throws QkdError `invalid-value` */
function checkCallback({ url }: PolicyDomain, callbackUrl: string | undefined): void {
  if (callbackUrl === undefined) return
  let origin: string | undefined
  try {
    const parsed = new URL(callbackUrl)
    if (parsed.username === "" && parsed.password === "" && parsed.hash === "")
      origin = parsed.origin
  } catch {
    // Said below.
  }
  if (origin !== url)
    throw invalid("ack_callback_url is not at your domain's interface", "/ack_callback_url")
}

/** Reasons of 503, as `details` name them. */
const UNAVAILABLE: Partial<Record<AppTag, readonly [reason: string, title: string]>> = {
  "no-path": ["no_route", "no route to the target"],
  "node-unreachable": ["no_route", "the target's node cannot be reached"],
  "no-capacity": ["no_route", "no route to the target has enough free key rate"],
  policy: ["no_route", "the site policy allows no route to the target"],
  timeout: ["no_route", "the network did not answer in time"],
  closed: ["closing", "the key manager is closing"],
  "pool-empty": ["insufficient_key_material", "no key left on the route to the target"],
  "over-rate": ["insufficient_key_material", "more than the bandwidth agreed for these SAEs"],
  unsupported: ["no_multi_target_route", "so many targets are not supported"],
}

/** 400 for faults of the request; 503 for what may be otherwise later. */
function faultOf(fault: unknown): Answer {
  const error = asQkdError(fault)
  const { tag, appTag, message, path, info } = error
  if (appTag === "unknown-sae") return problem(400, "unknown-sae", "no node has the target SAE")
  const known = appTag === undefined ? undefined : UNAVAILABLE[appTag]
  if (known !== undefined) return problem(503, known[0], known[1], { [known[0]]: known[1] })
  switch (tag) {
    case "invalid-value":
    case "unknown-element":
    case "missing-element":
    case "malformed-message":
      return problem(400, tag, message, {
        ...(path !== undefined && { path }),
        // Of a void of all keys; nothing else that a fault may hold is the neighbour's to know.
        ...(info?.["no_all_confirmation"] !== undefined && { no_all_confirmation: message }),
      })
    case "too-big":
      return { ...problem(400, tag, message), close: true }
    case "resource-denied":
      return problem(503, "at-limits", "the key manager is at its limits")
    default:
      return problem(503, "internal", "internal error")
  }
}

/** RFC 9457 as the standard has it: `details` of strings, in `application/json` like every other body. */
function problem(
  status: number,
  reason: string,
  title: string,
  details: Readonly<Record<string, string>> = {},
): Answer {
  return json(status, {
    type: `urn:keyloom:problem:${reason.replaceAll("_", "-")}`,
    ...{ status, title },
    ...(Object.keys(details).length > 0 && { details }),
  })
}

function invalid(message: string, path: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}
