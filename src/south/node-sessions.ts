// NETCONF sessions to nodes, by what the inventory says of each: called over SSH or TLS, or awaited until it calls home
// (RFC 8071). A node that has called is one session, logged in and idle, until its driver takes it.

import { QkdError } from "../errors.js"
import type { NodeTarget } from "../model/network.js"
import type { ClientSession } from "../netconf/client-session.js"
import {
  listenSshCallHome,
  listenTlsCallHome,
  type CallHomeLimits,
  type CallHomeListener,
} from "../transport/call-home-listener.js"
import { connectNetconfSsh, readSshLogin, type SshLogin } from "../transport/ssh.js"
import { connectNetconfTls } from "../transport/tls-client.js"
import { readTlsFiles, type TlsFiles } from "../transport/tls-files.js"

export interface NodeSessionsOptions {
  readonly log: (
    level: "info" | "warn",
    message: string,
    facts: Readonly<Record<string, string | number>>,
  ) => void
  /** How long a session that came in waits for its driver; milliseconds. */
  readonly parkedMs?: number
  /** How long a driver that wants a session waits for the node to call; milliseconds. */
  readonly callMs?: number
}

interface ListenAt {
  readonly host: string
  readonly port: number
  readonly limits?: Partial<CallHomeLimits>
}

/** A node that is to call. */
interface Awaited {
  readonly qkdnId: string
  readonly target: NodeTarget
  /** Absent over TLS, where our certificate is the login. */
  readonly login: SshLogin | undefined
  parked: ClientSession | undefined
  readonly waiting: Set<() => void>
}

const PARKED_MS = 60_000
const CALL_MS = 10_000

export class NodeSessions {
  readonly #options: NodeSessionsOptions
  readonly #awaited = new Map<string, Awaited>()
  readonly #listeners: CallHomeListener[] = []

  constructor(options: NodeSessionsOptions) {
    this.#options = options
  }

  /** Takes calls over SSH. @throws QkdError when the port cannot be had. @returns the port. */
  async listenSsh(at: ListenAt): Promise<number> {
    const listener = await listenSshCallHome({
      ...at,
      ...this.#hooks(),
      expected: (key) => {
        const found = this.#find(({ target }) => target.hostKeyFingerprint === key)
        return found?.login && { id: found.qkdnId, login: found.login }
      },
    })
    this.#listeners.push(listener)
    return listener.port
  }

  /** Takes calls over TLS. @throws QkdError when the port cannot be had or a file is unusable. @returns the port. */
  async listenTls(at: ListenAt & { readonly files: TlsFiles }): Promise<number> {
    const { files, ...where } = at
    const listener = await listenTlsCallHome({
      ...where,
      ...this.#hooks(),
      tls: await readTlsFiles(files),
      expected: (key) => this.#find(({ target }) => target.tls?.serverKeySha256 === key)?.qkdnId,
    })
    this.#listeners.push(listener)
    return listener.port
  }

  /**
   * Resolves when the node can be connected: at once when it is one to be called, else when it has called. Its calls are
   * taken from now on until `signal` aborts: then whoever has its key is a stranger.
   *
   * @throws QkdError `invalid-value` for an unusable key file, app-tag `closed` on abort.
   */
  async arrival(qkdnId: string, target: NodeTarget, signal: AbortSignal): Promise<void> {
    if (target.callHome !== true) return
    const awaited = await this.#expect(qkdnId, target, signal)
    while (awaited.parked === undefined) await somethingCame(awaited, signal)
  }

  /**
   * A session to the node, which ends when `signal` aborts.
   *
   * @throws QkdError as `connectNetconfSsh` does; app-tag `node-unreachable` when the node does not call.
   */
  async open(qkdnId: string, target: NodeTarget, signal: AbortSignal): Promise<ClientSession> {
    if (target.callHome === true) return this.#take(qkdnId, signal)
    const { host, port, tls } = target
    return tls === undefined
      ? connectNetconfSsh(target, { signal })
      : connectNetconfTls({ host, port, ...tls }, { signal })
  }

  /** Listens no more, and ends what nobody has taken. */
  async close(): Promise<void> {
    for (const qkdnId of [...this.#awaited.keys()]) this.#forget(qkdnId)
    await Promise.all(this.#listeners.map((listener) => listener.close()))
  }

  #hooks(): {
    readonly onSession: (qkdnId: string, session: ClientSession) => void
    readonly onRefused: (refused: { readonly address: string; readonly reason: string }) => void
  } {
    return {
      onSession: (qkdnId, session) => {
        this.#park(qkdnId, session)
      },
      onRefused: ({ address, reason }) => {
        this.#options.log("warn", "a call home was refused", { address, reason })
      },
    }
  }

  #find(matches: (awaited: Awaited) => boolean): Awaited | undefined {
    return [...this.#awaited.values()].find(matches)
  }

  async #expect(qkdnId: string, target: NodeTarget, signal: AbortSignal): Promise<Awaited> {
    const known = this.#awaited.get(qkdnId)
    if (known?.target === target) return known
    const login = target.tls === undefined ? await readSshLogin(target) : undefined
    if (signal.aborted) throw closed()
    this.#forget(qkdnId)
    const awaited: Awaited = { qkdnId, target, login, parked: undefined, waiting: new Set() }
    this.#awaited.set(qkdnId, awaited)
    signal.addEventListener(
      "abort",
      () => {
        if (this.#awaited.get(qkdnId) === awaited) this.#forget(qkdnId)
      },
      { once: true },
    )
    return awaited
  }

  #forget(qkdnId: string): void {
    this.#awaited.get(qkdnId)?.parked?.abort(closed())
    this.#awaited.delete(qkdnId)
  }

  /** The newest call is the one that counts: an older one may be half dead. */
  #park(qkdnId: string, session: ClientSession): void {
    const awaited = this.#awaited.get(qkdnId)
    if (awaited === undefined) {
      session.abort(closed())
      return
    }
    awaited.parked?.abort(closed())
    awaited.parked = session
    this.#options.log("info", "a node called home", { qkdnId })
    const late = setTimeout(() => {
      if (awaited.parked === session) session.abort(closed())
    }, this.#options.parkedMs ?? PARKED_MS)
    void session.closedReason.then(() => {
      clearTimeout(late)
      if (awaited.parked === session) awaited.parked = undefined
    })
    for (const wake of awaited.waiting) wake()
  }

  async #take(qkdnId: string, signal: AbortSignal): Promise<ClientSession> {
    const deadline = Date.now() + (this.#options.callMs ?? CALL_MS)
    for (;;) {
      const awaited = this.#awaited.get(qkdnId)
      const session = awaited?.parked
      if (awaited !== undefined && session !== undefined) {
        awaited.parked = undefined
        const end = (): void => {
          session.abort(closed())
        }
        signal.addEventListener("abort", end, { once: true })
        void session.closedReason.then(() => {
          signal.removeEventListener("abort", end)
        })
        return session
      }
      const leftMs = deadline - Date.now()
      if (awaited === undefined || leftMs <= 0)
        throw new QkdError("operation-failed", "the node has not called", {
          appTag: "node-unreachable",
        })
      await somethingCame(awaited, signal, leftMs)
    }
  }
}

/** A call, or the end of the time. @throws QkdError app-tag `closed` on abort. */
async function somethingCame(awaited: Awaited, signal: AbortSignal, ms?: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let wake: () => void = () => undefined
  await new Promise<void>((resolve) => {
    wake = resolve
    awaited.waiting.add(wake)
    signal.addEventListener("abort", wake, { once: true })
    if (ms !== undefined) timer = setTimeout(wake, ms)
    if (signal.aborted) wake()
  })
  clearTimeout(timer)
  awaited.waiting.delete(wake)
  signal.removeEventListener("abort", wake)
  if (signal.aborted) throw closed()
}

function closed(): QkdError {
  return new QkdError("operation-failed", "the session was ended by us", { appTag: "closed" })
}
