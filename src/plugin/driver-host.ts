// What a node driver is lent beyond `host`: NETCONF sessions to its one target. When the host is taken back,
// whatever waits on such a session ends at once, however silent the node is.

import type { QkdError } from "../errors.js"
import type { NetconfClientSession, NetconfNotification } from "../netconf/client.js"
import type { DriverHost } from "./contract.js"
import { closedError, type HostOptions, lendHost, type LentHost } from "./host.js"

export interface DriverHostOptions extends HostOptions {
  /**
   * Opens a session to the one target this driver was given. `signal` aborts the attempt, and later ends
   * the session without waiting for the node.
   */
  readonly openNetconf: (signal: AbortSignal) => Promise<NetconfClientSession>
  readonly leader?: DriverHost["leader"]
}

/** A host for a node driver. */
export function lendDriverHost(options: DriverHostOptions): LentHost<DriverHost> {
  const lent = lendHost(options)
  const end = new HostEnd(lent.host.signal)
  const openNetconf = async (): Promise<NetconfClientSession> => {
    if (end.reached) throw closedError()
    const opening = options.openNetconf(lent.host.signal)
    // It may open too late for anybody to use; and it ends with the host in any case.
    const farewell = (session: NetconfClientSession): void => {
      const say = (): void => {
        session.close().catch(() => undefined)
      }
      void session.closedReason.then(end.onReached(say))
    }
    opening.then(farewell, () => undefined)
    return guarded(await end.unless(opening), end)
  }
  const { leader } = options
  const host = { ...lent.host, openNetconf, ...(leader !== undefined && { leader }) }
  return { host, close: () => lent.close() }
}

/** The moment the host is taken back, and what is to be done then. Forgets what is no longer to be done. */
class HostEnd {
  readonly #todo = new Set<(reason: QkdError) => void>()
  #reason: QkdError | undefined

  constructor(signal: AbortSignal) {
    const reach = (): void => {
      const reason = closedError()
      this.#reason = reason
      for (const act of this.#todo) act(reason)
      this.#todo.clear()
    }
    if (signal.aborted) reach()
    else signal.addEventListener("abort", reach, { once: true })
  }

  get reached(): boolean {
    return this.#reason !== undefined
  }

  /** @returns the way to take it off the list. */
  onReached(act: (reason: QkdError) => void): () => void {
    if (this.#reason !== undefined) act(this.#reason)
    else this.#todo.add(act)
    return () => {
      this.#todo.delete(act)
    }
  }

  /** As `work`, but rejects as soon as the host is taken back. */
  unless<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.onReached(reject)
      work.finally(forget).then(resolve, reject)
    })
  }
}

function guarded(session: NetconfClientSession, end: HostEnd): NetconfClientSession {
  return {
    capabilities: session.capabilities,
    sessionId: session.sessionId,
    rpc: (...args) => end.unless(session.rpc(...args)),
    get: (...args) => end.unless(session.get(...args)),
    getConfig: (...args) => end.unless(session.getConfig(...args)),
    getData: (...args) => end.unless(session.getData(...args)),
    copyConfig: (...args) => end.unless(session.copyConfig(...args)),
    deleteConfig: (...args) => end.unless(session.deleteConfig(...args)),
    validate: (...args) => end.unless(session.validate(...args)),
    commit: (...args) => end.unless(session.commit(...args)),
    cancelCommit: (...args) => end.unless(session.cancelCommit(...args)),
    discardChanges: (...args) => end.unless(session.discardChanges(...args)),
    editConfig: (...args) => end.unless(session.editConfig(...args)),
    lock: (...args) => end.unless(session.lock(...args)),
    unlock: (...args) => end.unless(session.unlock(...args)),
    createSubscription: (...args) => end.unless(session.createSubscription(...args)),
    notifications: until(end, session.notifications),
    closedReason: end.unless(session.closedReason).catch(() => closedError()),
    close: () => end.unless(session.close()).catch(() => undefined),
  }
}

/** The same notifications, ending when the host is taken back: none is handed over after that. */
function until(
  end: HostEnd,
  notifications: AsyncIterable<NetconfNotification>,
): AsyncIterable<NetconfNotification> {
  return {
    [Symbol.asyncIterator]: () => {
      const inner = notifications[Symbol.asyncIterator]()
      const done = { value: undefined, done: true } as const
      return {
        next: async () => {
          const result = await end.unless(inner.next()).catch(() => done)
          return end.reached ? done : result
        },
        return: () => Promise.resolve(done),
      }
    },
  }
}
