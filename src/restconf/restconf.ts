// A RESTCONF server as a function: request in, answer out (RFC 8040). It opens no port and knows no clock; a stream's
// events go through `streams.ts`, everything else through here.

import { asQkdError } from "../errors.js"
import type { NetconfBackend } from "../netconf/backend.js"
import type { Datastore } from "../netconf/datastore.js"
import type { Datastores } from "../netconf/datastores.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { BODY_LIMITS, type BodyLimits } from "./body.js"
import type { Desk, KnownRequest } from "./desk.js"
import {
  JRD_MEDIA,
  XRD_MEDIA,
  apiResource,
  hostMeta,
  libraryVersionResource,
  operationsResource,
} from "./discovery.js"
import { errorsValue, errorsXml } from "./errors-body.js"
import { RestconfFault, badUri, notAllowed, statusOf } from "./fault.js"
import { answerEncoding, bodyMedia, errorEncoding, negotiate } from "./media.js"
import { isMethod, type Encoding, type RestconfAnswer, type RestconfRequest } from "./message.js"
import {
  ACCEPT_PATCH,
  CAPABILITIES,
  DATA_MEDIA,
  FILTER_CAPABILITY,
  OPERATIONAL_CAPABILITIES,
  REPLAY_CAPABILITY,
} from "./names.js"
import { restconfState } from "./monitoring.js"
import { invokeAction, invokeRpc } from "./operations.js"
import { parseQuery, type Query } from "./query.js"
import { readData } from "./read.js"
import {
  isOffered,
  isWhole,
  methodsOf,
  queryKindOf,
  resourceOf,
  type Resource,
} from "./resource.js"
import { schemaAnswer } from "./schema-resource.js"
import { openStream, streamInfo, type StreamSource } from "./streams.js"
import { storesOf, type Target } from "./store.js"
import { URI_LIMITS, splitTarget, type UriLimits } from "./uri.js"
import { createData, deleteData, mergeData, replaceData } from "./write.js"
import { patchData } from "./yang-patch-apply.js"

export interface RestconfOptions {
  readonly backend: NetconfBackend
  readonly datastore: Datastore
  /** All of the server's, to be served by name (RFC 8527); absent: none are. */
  readonly datastores?: Datastores
  /** ietf-restconf-monitoring, and whatever else the server tells of itself. */
  readonly own: Schema
  /** Further data of `own`. */
  readonly ownState?: () => JsonObject
  /** Revision of ietf-yang-library that is served. */
  readonly libraryVersion?: string
  /** Absent: no event streams. */
  readonly publisher?: StreamSource
  readonly root?: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly bodyLimits?: Partial<BodyLimits>
  readonly uriLimits?: Partial<UriLimits>
}

/** What a URI named, for those parts of an answer that depend on it. */
interface Asked {
  readonly resource: Resource
  readonly query: Query
}

export class Restconf {
  readonly root: string
  readonly maxBodyBytes: number
  readonly #desk: Desk
  readonly #options: RestconfOptions
  readonly #uriLimits: UriLimits
  #changedMs: number

  constructor(options: RestconfOptions) {
    const { backend, datastore, own, now, publisher } = options
    const streams = publisher === undefined ? [] : [streamInfo(publisher.netconf)]
    this.#options = options
    this.root = options.root ?? "/restconf"
    this.#uriLimits = { ...URI_LIMITS, ...options.uriLimits }
    this.#changedMs = now()
    datastore.onChange(() => {
      this.#changedMs = now()
    })
    const capabilities = [
      ...CAPABILITIES,
      ...(options.datastores === undefined ? [] : OPERATIONAL_CAPABILITIES),
      ...(streams.length > 0 ? [FILTER_CAPABILITY] : []),
      ...(streams.some((s) => s.replaySinceMs !== undefined) ? [REPLAY_CAPABILITY] : []),
    ]
    const bodyLimits = { ...BODY_LIMITS, ...options.bodyLimits }
    this.maxBodyBytes = bodyLimits.maxBytes
    this.#desk = {
      backend,
      datastore,
      access: datastore.access,
      root: this.root,
      own,
      ownData: (origin) => ({
        ...restconfState(`${origin}${this.root}`, capabilities, streams),
        ...options.ownState?.(),
      }),
      stores: storesOf(datastore, options.datastores, () => this.#changedMs),
      bodyLimits,
    }
  }

  /** Never throws: whatever goes wrong is an answer. */
  async handle(request: RestconfRequest): Promise<RestconfAnswer> {
    try {
      return await this.#answer(request)
    } catch (thrown) {
      return this.refusal(thrown, request)
    }
  }

  /** The answer to a request that failed, also one that the edge could not even read. */
  refusal(thrown: unknown, request: Pick<RestconfRequest, "headers" | "caller">): RestconfAnswer {
    const known = asQkdError(thrown)
    const { headers, caller } = request
    const error = caller === undefined ? known : this.#desk.access.concealed(caller, known)
    const encoding = errorEncoding(headers["accept"], headers["content-type"])
    const status = known instanceof RestconfFault ? known.status : statusOf(error)
    return {
      status,
      headers: {
        "Content-Type": DATA_MEDIA[encoding],
        "Cache-Control": "no-cache",
        ...(status === 401 ? { "WWW-Authenticate": 'Bearer realm="keyloom"' } : {}),
        ...(known instanceof RestconfFault ? known.headers : {}),
      },
      body:
        encoding === "json"
          ? JSON.stringify({ "ietf-restconf:errors": errorsValue(error) })
          : errorsXml(this.#desk.backend.schema, error),
      ...(known === thrown ? {} : { bug: thrown }),
    }
  }

  async #answer(request: RestconfRequest): Promise<RestconfAnswer> {
    const target = splitTarget(request.target, this.#uriLimits)
    const { backend, own, stores } = this.#desk
    const isOpen = target.path.startsWith("/.well-known/")
    // Before anything is said about what is where.
    if (!isOpen && request.caller === undefined)
      throw new RestconfFault(401, "access-denied", "who is asking?")
    const resource = resourceOf(target.path, {
      root: this.root,
      schema: backend.schema,
      own,
      stores,
    })
    const { method } = request
    const allowed = methodsOf(resource)
    if (!isMethod(method)) throw notAllowed(method.slice(0, 32), allowed)
    if (!allowed.includes(method)) {
      if (
        resource.kind === "data" &&
        isWhole(resource.path) &&
        resource.path.at(-1)?.node.config === true
      )
        throw badUri(`${method} is for one entry: name it by its keys`)
      throw notAllowed(method, allowed)
    }
    const query = parseQuery(target.query, method, queryKindOf(resource))
    if (method === "OPTIONS") return optionsOf(allowed)
    if (resource.kind === "host-meta") return hostMetaAnswer(this.root, resource.encoding, request)
    const { caller } = request
    if (caller === undefined) throw new RestconfFault(401, "access-denied", "who is asking?")
    return this.#serve({ ...request, caller }, { resource, query })
  }

  #serve(request: KnownRequest, asked: Asked): RestconfAnswer | Promise<RestconfAnswer> {
    const { resource, query } = asked
    switch (resource.kind) {
      case "data":
        return this.#serveData(request, resource, query)
      case "schema":
        return schemaAnswer(this.#desk, request, resource.text)
      case "operation":
        return invokeRpc(this.#desk, request, resource.schema, resource.node)
      case "stream":
        return openStream(
          this.#options.publisher,
          request.caller,
          resource,
          query,
          request.headers["accept"],
        )
      case "action":
        return invokeAction(this.#desk, request, resource.schema, resource.path, resource.node)
      default:
        return this.#describe(request, asked)
    }
  }

  #serveData(
    request: KnownRequest,
    target: Target,
    query: Query,
  ): RestconfAnswer | Promise<RestconfAnswer> {
    const desk = this.#desk
    switch (request.method) {
      case "POST":
        return createData(desk, request, target, query)
      case "PUT":
        return replaceData(desk, request, target, query)
      case "DELETE":
        return deleteData(desk, request, target)
      case "PATCH":
        return bodyMedia(request.headers["content-type"], true).patch
          ? patchData(desk, request, target)
          : mergeData(desk, request, target)
      default:
        return readData(desk, request, target, query)
    }
  }

  /** What is about the server, not of the datastore. */
  #describe(request: KnownRequest, { resource, query }: Asked): RestconfAnswer {
    const encoding = answerEncoding(request.headers["accept"], undefined)
    const version = this.#options.libraryVersion ?? "2019-01-04"
    const text = (): string => {
      if (resource.kind === "api") return apiResource(version, encoding, query)
      if (resource.kind === "library-version") return libraryVersionResource(version, encoding)
      const operations = [...this.#desk.backend.schema.rpcs.values()].filter(isOffered)
      return operationsResource(operations, encoding)
    }
    return {
      status: 200,
      headers: { "Content-Type": DATA_MEDIA[encoding], "Cache-Control": "no-cache" },
      body: text(),
    }
  }
}

/** Section 4.1. */
function optionsOf(allowed: readonly string[]): RestconfAnswer {
  return {
    status: 200,
    headers: {
      Allow: allowed.join(", "),
      ...(allowed.includes("PATCH") ? { "Accept-Patch": ACCEPT_PATCH } : {}),
    },
  }
}

function hostMetaAnswer(
  root: string,
  fixed: Encoding | undefined,
  { headers }: RestconfRequest,
): RestconfAnswer {
  const media = fixed === "json" ? JRD_MEDIA : negotiate(headers["accept"], [XRD_MEDIA, JRD_MEDIA])
  return {
    status: 200,
    headers: { "Content-Type": media, "Cache-Control": "no-cache" },
    body: hostMeta(root, media === JRD_MEDIA ? "json" : "xml"),
  }
}
