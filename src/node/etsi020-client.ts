// ETSI GS QKD 020 V1.1.1, the asking side: gives keys to neighbouring domains, takes them back, tells what became of
// theirs. A domain is reached at the place that the site policy names, and known by the keys pinned there.
//
//   give ── POST ext_keys ──▶ 202 ... POST ext_keys/ack ──▶ hear        asynchronous: every domain must offer it
//                        └──▶ 200 with acks                             synchronous: where both offer it

import { asQkdError } from "../errors.js"
import type { AckStatus, Parties } from "../keys/border-records.js"
import type { PolicyDomain, SitePolicy } from "../keys/policy.js"
import { HttpsClient } from "../transport/https.js"
import type { HttpAnswer, HttpRequest } from "../transport/https.js"
import type { MutualTls } from "../transport/tls.js"
import type { Ack, DomainCarrier, DomainParcel, GiveOutcome } from "./border-ports.js"
import { extensionsIn } from "./etsi020-extensions.js"
import { acksOut, extKeysBody, parseAcks, voidBody } from "./etsi020-messages.js"
import { PendingAcks } from "./etsi020-pending.js"
import type { Log } from "./log.js"

/** `synchronous` where the domain offers it; asynchronous else. */
export const ACK_MODES = ["asynchronous", "synchronous"] as const
export type AckMode = (typeof ACK_MODES)[number]

export interface Etsi020ClientOptions {
  readonly policy: () => SitePolicy
  readonly tls: () => MutualTls
  /** Where domains tell us what became of keys. */
  readonly callbackUrl: () => string
  readonly mode: AckMode
  /** From the first attempt to the last word on it. */
  readonly timeoutMs: number
  /** Before keys leave; when it throws they do not. */
  readonly audit: (domain: string, parcel: DomainParcel) => Promise<void>
  readonly log: Log
}

const RETRY_MS = 150
const PREFIX = "/kmapi/v1/ext_keys"
const CAPABILITIES_MS = 600_000

interface Known {
  readonly domain: PolicyDomain
  readonly http: HttpsClient
  /** What it offers, as it last said. */
  synchronous?: { readonly isOffered: boolean; readonly untilMs: number }
}

/** What an attempt came to. `again`: nobody knows whether it was taken. */
type Said = { readonly acks: readonly Ack[] } | "accepted" | "refused" | "again"

export class Etsi020Client implements DomainCarrier {
  readonly #options: Etsi020ClientOptions
  readonly #known = new Map<string, Known>()
  readonly #pending = new PendingAcks()

  constructor(options: Etsi020ClientOptions) {
    this.#options = options
  }

  /** A domain says what became of keys that it was given. Of what was never asked nothing is believed. */
  hear(domain: string, acks: readonly Ack[]): void {
    for (const ack of acks) this.#pending.hear(domain, ack)
  }

  async give(domain: string, parcel: DomainParcel): Promise<GiveOutcome> {
    const { audit, log } = this.#options
    try {
      await audit(domain, parcel)
    } catch (cause) {
      log.error({ domain, err: cause }, "020: keys cannot leave without audit")
      return "refused"
    }
    const { keyIds } = parcel
    try {
      extensionsIn(parcel.extensions, keyIds)
    } catch (cause) {
      log.warn({ domain, reason: asQkdError(cause).message }, "020: keys came with odd extensions")
      return "refused"
    }
    const statuses = await this.#ask(domain, "give", parcel, keyIds, (callbackUrl) => ({
      path: PREFIX,
      body: extKeysBody(parcel, callbackUrl),
    }))
    if (typeof statuses === "string") return statuses
    return statuses.every((status) => status === "relayed") ? "relayed" : "failed"
  }

  async void(
    domain: string,
    parties: Parties,
    keyIds: readonly string[],
  ): Promise<AckStatus | undefined> {
    const statuses = await this.#ask(domain, "void", parties, keyIds, (callbackUrl) => ({
      path: `${PREFIX}/void`,
      body: voidBody(parties, keyIds, callbackUrl),
    }))
    if (statuses === "unheard") return undefined
    if (statuses === "refused") return "key not present"
    if (statuses.includes("failed to void")) return "failed to void"
    return statuses.includes("voided") ? "voided" : "key not present"
  }

  async acknowledge(domain: string, url: string, acks: readonly Ack[]): Promise<boolean> {
    const { timeoutMs, log } = this.#options
    const to = new URL(url)
    const known = this.#knownOf(domain)
    if (known === undefined || to.origin !== known.domain.url) return false
    const body = JSON.stringify(acksOut(acks))
    const path = `${to.pathname}${to.search}`
    try {
      const { status } = await known.http.request({ method: "POST", path, body, timeoutMs })
      if (status === 200) return true
      log.info({ domain, status }, "020: an acknowledgement was not taken")
      // What is wrong with it will be wrong again.
      return status === 400
    } catch (cause) {
      log.info({ domain, reason: asQkdError(cause).message }, "020: a domain could not be told")
      return false
    }
  }

  close(): void {
    for (const { http } of this.#known.values()) http.close()
    this.#known.clear()
  }

  /** Asks, again where nobody knows whether it was heard, until every key has its status or time is up. */
  async #ask(
    domain: string,
    kind: "give" | "void",
    parties: Parties,
    keyIds: readonly string[],
    request: (callbackUrl: string | undefined) => Pick<HttpRequest, "path" | "body">,
  ): Promise<readonly AckStatus[] | "refused" | "unheard"> {
    const deadline = performance.now() + this.#options.timeoutMs
    const left = (): number => Math.max(1, deadline - performance.now())
    if (this.#knownOf(domain) === undefined) return "refused"
    const waiting = this.#pending.open(domain, kind, parties, keyIds)
    try {
      for (let tries = 0; ; tries++) {
        // The policy may have changed since: nothing goes to whom it does not name any more.
        const known = this.#knownOf(domain)
        if (known === undefined) return "unheard"
        const said = await this.#attempt(known, request, left())
        if (said === "refused") return "refused"
        if (typeof said === "object") for (const ack of said.acks) this.#pending.hear(domain, ack)
        const waitMs = said === "again" ? Math.min(left(), RETRY_MS * 2 ** tries) : left()
        const statuses = await within(waiting.statuses, waitMs)
        if (statuses !== undefined) return statuses
        if (performance.now() >= deadline - 1) return "unheard"
      }
    } finally {
      waiting.close()
    }
  }

  async #attempt(
    known: Known,
    request: (callbackUrl: string | undefined) => Pick<HttpRequest, "path" | "body">,
    timeoutMs: number,
  ): Promise<Said> {
    const { log, callbackUrl } = this.#options
    const { domain, http } = known
    let answer: HttpAnswer
    let body: HttpRequest["body"]
    try {
      const isSynchronous = await this.#isSynchronous(known, timeoutMs)
      const { path, ...more } = request(isSynchronous ? undefined : callbackUrl())
      body = more.body
      answer = await http.request({ method: "POST", path, ...more, timeoutMs })
    } catch (cause) {
      log.info({ domain: domain.name, reason: asQkdError(cause).message }, "020: no answer")
      return "again"
    } finally {
      if (typeof body === "object") body.fill(0)
    }
    if (answer.status === 202) return "accepted"
    if (answer.status === 200) {
      try {
        return { acks: parseAcks(answer.body) }
      } catch (cause) {
        log.warn({ domain: domain.name, reason: asQkdError(cause).message }, "020: odd answer")
        return "again"
      }
    }
    const said = { domain: domain.name, status: answer.status }
    log.info({ ...said, problem: problemIn(answer) }, "020: a domain says no")
    return answer.status === 400 || answer.status === 401 ? "refused" : "again"
  }

  async #isSynchronous(known: Known, timeoutMs: number): Promise<boolean> {
    if (this.#options.mode === "asynchronous") return false
    const now = performance.now()
    if (known.synchronous !== undefined && known.synchronous.untilMs > now)
      return known.synchronous.isOffered
    const answer = await known.http.request({ method: "GET", path: "/kmapi/versions", timeoutMs })
    const value: unknown = answer.status === 200 ? JSON.parse(textOf(answer)) : {}
    const offered =
      typeof value === "object" && value !== null && "capabilities" in value
        ? value.capabilities
        : []
    const isOffered = Array.isArray(offered) && offered.includes("synchronous_mode")
    known.synchronous = { isOffered, untilMs: now + CAPABILITIES_MS }
    return isOffered
  }

  /** As the policy in force names it. */
  #knownOf(name: string): Known | undefined {
    const domain = this.#options.policy().domain(name)
    const known = this.#known.get(name)
    if (known !== undefined && known.domain === domain) return known
    known?.http.close()
    this.#known.delete(name)
    if (domain === undefined) return undefined
    const { hostname, port } = new URL(domain.url)
    const http = new HttpsClient({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 443 : Number(port),
      tls: this.#options.tls(),
      proof: { pins: domain.spkiSha256 },
      timeoutMs: this.#options.timeoutMs,
    })
    const fresh = { domain, http }
    this.#known.set(name, fresh)
    return fresh
  }

  /** Certificates or lists have changed: connections from now on are made with the new ones. */
  renewed(): void {
    this.close()
  }
}

function problemIn(answer: HttpAnswer): string {
  return textOf(answer).slice(0, 256)
}

function textOf({ body }: HttpAnswer): string {
  return Buffer.from(body).toString("utf8")
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
