// The startup datastore (RFC 6241 section 8.7): what the server starts with next time. Only for backends whose
// running configuration does not survive a restart by itself. Does not know where the backend keeps it.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json.js"
import type { Caller, StartupAbility } from "./backend.js"
import { sessionEnded, type Datastore, type SharedByDatastores } from "./datastore.js"

export class Startup {
  readonly #ability: StartupAbility
  readonly #running: Datastore
  readonly #shared: SharedByDatastores

  constructor(ability: StartupAbility, running: Datastore, shared: SharedByDatastores) {
    this.#ability = ability
    this.#running = running
    this.#shared = shared
  }

  /** Empty once it was deleted. */
  get config(): JsonObject {
    return this.#ability.read() ?? {}
  }

  /** copy-config to startup. @throws QkdError `in-use`, or as validation refuses (RFC 7950 section 8.3.3). */
  replace(source: () => JsonObject, caller: Caller, wanted: () => boolean): Promise<void> {
    return this.#shared.turns.take(async () => {
      this.#shared.locks.assertFreeFor("startup", caller.sessionId)
      const next = source()
      // RFC 8341 section 3.2.6: to keep what runs, the right to call the operation is enough.
      if (next !== this.#running.running) this.#running.access.checkWrite(caller, this.config, next)
      this.#running.assertValid(next)
      if (!wanted()) throw sessionEnded()
      await this.#ability.write(next)
    })
  }

  /** delete-config. @throws QkdError `in-use`; `data-missing` when it is deleted already. */
  delete(caller: Caller): Promise<void> {
    return this.#shared.turns.take(async () => {
      this.#shared.locks.assertFreeFor("startup", caller.sessionId)
      if (this.#ability.read() === undefined)
        throw new QkdError("data-missing", "there is no startup configuration")
      await this.#ability.write(undefined)
    })
  }
}
