// What the handlers of RESTCONF share: the datastore, its schema and the server's own, who may see what. One for each
// server; a request brings the rest.

import type { AccessControl } from "../netconf/access-control.js"
import type { Caller, NetconfBackend } from "../netconf/backend.js"
import type { Datastore } from "../netconf/datastore.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { BodyLimits } from "./body.js"
import type { RestconfRequest } from "./message.js"
import type { Store } from "./store.js"

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
  /** By what follows the entry point; see `storesOf`. */
  readonly stores: ReadonlyMap<string, Store>
  readonly bodyLimits: BodyLimits
}

/** A request whose caller is known. */
export type KnownRequest = RestconfRequest & { readonly caller: Caller }
