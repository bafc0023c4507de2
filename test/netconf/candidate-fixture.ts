// A depot whose server has a candidate, and whose backend can go back after a restart or keeps a startup
// configuration. Shared by the tests of datastores.

import type { EditRequest, StartupAbility, UnconfirmedAbility } from "../../src/netconf/backend.js"
import type { JsonObject } from "../../src/yang/json.js"
import { DepotBackend, depot, type Depot } from "./fixture.js"

export const two: JsonObject = {
  "depot:depot": {
    name: "north",
    shelf: [
      { id: "a", colour: "red", place: 1 },
      { id: "b", colour: "green", place: 2 },
    ],
  },
}

/** Remembers what a start would find. */
export class DurableDepot extends DepotBackend {
  /** What an unconfirmed commit would go back to. */
  kept: JsonObject | undefined
  /** Each commit waits for it. */
  commitGate: Promise<void> = Promise.resolve()

  override async prepareEdit(edit: EditRequest): ReturnType<DepotBackend["prepareEdit"]> {
    const prepared = await super.prepareEdit(edit)
    return {
      ...prepared,
      commit: async () => {
        await this.commitGate
        await prepared.commit()
      },
    }
  }

  readonly unconfirmed: UnconfirmedAbility = {
    keep: (before) => {
      this.kept = before
      this.log.push("keep")
      return Promise.resolve()
    },
    forget: () => {
      this.kept = undefined
      this.log.push("forget")
      return Promise.resolve()
    },
  }
}

export class StartupDepot extends DepotBackend {
  stored: JsonObject | undefined = two
  readonly startup: StartupAbility = {
    read: () => this.stored,
    write: (config) => {
      this.stored = config
      return Promise.resolve()
    },
  }
}

export function candidateDepot(initial: JsonObject = two): Depot<DurableDepot> {
  return depot(initial, {}, new DurableDepot(), { candidate: true })
}

export function startupDepot(initial: JsonObject = two): Depot<StartupDepot> {
  return depot(initial, {}, new StartupDepot(), { candidate: true })
}

/** The name in a configuration of the depot. */
export function nameIn(config: JsonObject): unknown {
  return (config["depot:depot"] as JsonObject | undefined)?.["name"]
}
