// What the handlers of RESTCONF share: the datastore, its schema and the server's own, who may see what. One for each
// server; a request brings the rest.

import type { AccessControl } from "../netconf/access-control.js"
import type { Caller, NetconfBackend } from "../netconf/backend.js"
import type { Datastore } from "../netconf/datastore.js"
import type { DataPath } from "../yang/data-path.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { BodyLimits } from "./body.js"
import type { RestconfRequest } from "./message.js"
import { resourceAt } from "./resource-path.js"
import type { Validators } from "./validators.js"

export interface Desk {
  readonly backend: NetconfBackend
  readonly datastore: Datastore
  readonly access: AccessControl
  /** The entry point, such as `/restconf`. */
  readonly root: string
  /** Modules about the server itself, where the datastore's schema has them not. */
  readonly own: Schema
  /** Their data, for a client that used this origin. */
  readonly ownData: (origin: string) => JsonObject
  /** When running last changed, milliseconds since the epoch. */
  readonly changedMs: () => number
  readonly bodyLimits: BodyLimits
}

/** A request whose caller is known. */
export type KnownRequest = RestconfRequest & { readonly caller: Caller }

/** The configuration as this caller may read it: what is hidden shows in no entity tag either. */
export function readableConfig(desk: Desk, caller: Caller): JsonObject {
  return desk.access.readable(caller, desk.datastore.running)
}

/** Validators of a resource in a configuration. */
export function validatorsAt(desk: Desk, config: JsonObject, path: DataPath): Validators {
  const found = resourceAt(config, path)
  const isConfig = path.at(-1)?.node.config !== false
  return {
    config: isConfig ? found : undefined,
    exists: found !== undefined,
    changedMs: desk.changedMs(),
  }
}
