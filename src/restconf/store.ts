// A datastore as RESTCONF serves it: the one of RFC 8040, or one of those of NMDA by name (RFC 8527). Says what is in it
// and how it is changed; knows no requests.

import type { Caller } from "../netconf/backend.js"
import type { Datastore } from "../netconf/datastore.js"
import type { Datastores } from "../netconf/datastores.js"
import type { DataPath } from "../yang/data-path.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { resourceAt } from "./resource-path.js"
import type { Validators } from "./validators.js"

export interface Store {
  /** Below the entry point: `/data`, `/ds/ietf-datastores:running`. */
  readonly uri: string
  /** The configuration as this caller may read it. */
  config(caller: Caller): JsonObject
  /** With state; absent: there is none in it. */
  data?(caller: Caller): JsonObject
  /** How the datastore is changed; absent: not from here. */
  readonly edit?: {
    /** Whole, for an edit to start from; only within its turn. */
    current(): JsonObject
    /** @param source asked within the turn. @throws QkdError as the datastore refuses. */
    replace(source: () => JsonObject, caller: Caller): Promise<void>
  }
  /** Values in use, defaults among them, are all there is to it (RFC 8342 section 5.3). */
  readonly inUse?: boolean
  /** When its configuration last changed, milliseconds since the epoch; absent: nobody keeps it. */
  changedMs?(): number
}

/** A data resource: where, in what. */
export interface Target {
  readonly schema: Schema
  readonly path: DataPath
  readonly store: Store
}

/** RFC 8342 section 5: what RFC 8527 puts below `ds`. */
const PREFIX = "ietf-datastores:"

/**
 * The datastores there are, by what follows the entry point: `data` the one of RFC 8040.
 *
 * @param all absent: none by name.
 */
export function storesOf(
  running: Datastore,
  all: Datastores | undefined,
  changedMs: () => number,
): ReadonlyMap<string, Store> {
  const config = readableRunning(running)
  const data = (caller: Caller): JsonObject => running.data(caller)
  const edit = {
    current: () => running.running,
    replace: async (source: () => JsonObject, caller: Caller) => {
      await running.replace(source, caller, () => true)
    },
  }
  const stores = new Map<string, Store>()
  stores.set("data", { uri: "/data", config, data, edit, changedMs })
  if (all === undefined) return stores
  const add = (name: string, store: Omit<Store, "uri">): void => {
    stores.set(PREFIX + name, { uri: `/ds/${PREFIX}${name}`, ...store })
  }
  add("running", { config, edit, changedMs })
  // Nothing here expands or holds back configuration.
  add("intended", { config, changedMs })
  add("operational", { config, data, inUse: true })
  const { candidate, startup } = all
  if (candidate !== undefined)
    add("candidate", {
      config: (caller) => all.config("candidate", caller),
      edit: {
        current: () => candidate.config,
        replace: (source, caller) => all.replace("candidate", source, caller, () => true),
      },
    })
  if (startup !== undefined) add("startup", { config: (caller) => all.config("startup", caller) })
  return stores
}

/** Users of one configuration whose view of it is kept. */
const MAX_VIEWS = 64

/**
 * Running as each caller may read it, kept as long as it is running: who may not see all of it would otherwise have a
 * new tree for each request, and its digests with it. Access rules are part of running, so they cannot change unseen.
 */
function readableRunning(running: Datastore): (caller: Caller) => JsonObject {
  const views = new WeakMap<JsonObject, Map<string, JsonObject>>()
  return (caller) => {
    const whole = running.running
    const ofWhole = views.get(whole) ?? new Map<string, JsonObject>()
    views.set(whole, ofWhole)
    const { username, groups = [] } = caller
    const key = JSON.stringify([username, groups])
    const known = ofWhole.get(key)
    if (known !== undefined) return known
    if (ofWhole.size >= MAX_VIEWS) ofWhole.clear()
    const view = running.access.readable(caller, whole)
    ofWhole.set(key, view)
    return view
  }
}

/** Validators of a resource in a configuration. */
export function validatorsAt(store: Store, config: JsonObject, path: DataPath): Validators {
  const found = resourceAt(config, path)
  const isConfig = path.at(-1)?.node.config !== false && store.inUse !== true
  const changedMs = store.changedMs?.()
  return {
    config: isConfig ? found : undefined,
    exists: found !== undefined,
    ...(changedMs === undefined ? {} : { changedMs }),
  }
}
