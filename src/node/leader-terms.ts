// Which controller leads this node (THREATS C3). Each says, once a session, in which term it leads; a term is given once, and
// later ones are greater. The greatest is remembered over restarts, and whoever leads in an older one has nothing more
// to say here, however late his commands arrive. Knows sessions by number, and nothing of NETCONF.

import { asQkdError, QkdError } from "../errors.js"
import { isObject, parseJson } from "../yang/json-text.js"
import { readMarkFile, writeMarkFile } from "./mark-file.js"

export interface Leader {
  readonly term: number
  /** Tells controllers apart that took the same term from stores of their own. */
  readonly leaderId: string
}

export class LeaderTerms {
  readonly #keep: (leader: Leader) => Promise<void>
  #leader: Leader | undefined
  #kept: Leader | undefined
  /** What sessions have said. */
  readonly #said = new Map<number, Leader>()
  #tail: Promise<unknown> = Promise.resolve()

  /** @param known who led last */
  constructor(known?: Leader, keep: (leader: Leader) => Promise<void> = () => Promise.resolve()) {
    this.#leader = known
    this.#kept = known
    this.#keep = keep
  }

  /**
   * As remembered in `file`.
   *
   * @param forget begins anew: for who has lost the count of terms
   * @throws QkdError `invalid-value` for a damaged file: read as none, it would let an old leader back in
   */
  static async open(file: string, forget = false): Promise<LeaderTerms> {
    const keep = (leader: Leader): Promise<void> =>
      writeMarkFile(file, `${JSON.stringify(leader)}\n`)
    const text = forget ? undefined : await readMarkFile(file)
    return new LeaderTerms(text === undefined ? undefined : leaderIn(text, file), keep)
  }

  get leader(): Leader | undefined {
    return this.#leader
  }

  /**
   * A session leads, from now on and durably. Those of older terms are refused from the moment it asks.
   *
   * @throws QkdError `access-denied` app-tag `stale-leader` when another one leads in this term or a later one
   */
  async claim(sessionId: number, leader: Leader): Promise<void> {
    this.#refuseOlder(leader)
    this.#leader = leader
    this.#said.set(sessionId, leader)
    const kept = this.#tail.then(async () => {
      if (this.#kept !== undefined && this.#kept.term >= leader.term) return
      await this.#keep(leader)
      this.#kept = leader
    })
    this.#tail = kept.catch(() => undefined)
    await kept
  }

  /**
   * Before a session changes anything.
   *
   * @param mustSay whether it acts for a controller: then it has to have said its term, once any has
   * @throws QkdError `access-denied` app-tag `stale-leader`
   */
  check(sessionId: number, mustSay: boolean): void {
    const said = this.#said.get(sessionId)
    if (said !== undefined) this.#refuseOlder(said)
    else if (mustSay && this.#leader !== undefined)
      throw stale(
        `a controller leads this node in term ${this.#leader.term}: say yours first (rpc lead)`,
        this.#leader,
      )
  }

  /** Of these, the sessions whose term is over; forgets all that are not among them. */
  overdue(sessions: readonly number[]): readonly number[] {
    const there = new Set(sessions)
    for (const id of this.#said.keys()) if (!there.has(id)) this.#said.delete(id)
    return [...this.#said].flatMap(([id, { term }]) => (term < (this.#leader?.term ?? 0) ? id : []))
  }

  #refuseOlder({ term, leaderId }: Leader): void {
    const leader = this.#leader
    if (leader === undefined || term > leader.term) return
    if (term === leader.term && leaderId === leader.leaderId) return
    throw stale(
      `term ${term} of controller ${leaderId} is over: ${leader.leaderId} leads this node in term ${leader.term}`,
      leader,
    )
  }
}

function stale(message: string, { term }: Leader): QkdError {
  return new QkdError("access-denied", message, {
    appTag: "stale-leader",
    path: "/keyloom-node:lead/term",
    info: { term: String(term) },
  })
}

function leaderIn(text: string, file: string): Leader {
  let cause: QkdError | undefined
  try {
    const value = parseJson(text)
    const { term, leaderId } = isObject(value) ? value : {}
    if (Number.isSafeInteger(term) && typeof term === "number" && typeof leaderId === "string")
      return { term, leaderId }
  } catch (fault) {
    cause = asQkdError(fault)
  }
  throw new QkdError("invalid-value", `${file} does not hold the leader's term`, { cause })
}
