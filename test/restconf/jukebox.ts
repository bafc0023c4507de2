// The jukebox of RFC 8040 appendix A and a server of it in memory: the module in our own words, a backend that plays,
// a clock that is moved by hand. What the tests of `src/restconf` share.

import type {
  Caller,
  EditRequest,
  NetconfBackend,
  PastEvent,
  PreparedEdit,
} from "../../src/netconf/backend.js"
import type { Datastore } from "../../src/netconf/datastore.js"
import { NetconfServer } from "../../src/netconf/server.js"
import { EventLog } from "../../src/netconf/stream.js"
import type { RestconfAnswer } from "../../src/restconf/message.js"
import { Restconf, type RestconfOptions } from "../../src/restconf/restconf.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { QkdError } from "../../src/errors.js"
import type { JsonObject } from "../../src/yang/json.js"
import { compileSchema, type Schema } from "../../src/yang/schema.js"
import { ManualClock } from "../netconf/fixture.js"
import { EXAMPLES } from "./jukebox-module.js"

let compiled: Schema | undefined
let ownCompiled: Schema | undefined

export function jukeboxSchema(): Schema {
  return (compiled ??= compileSchema(EXAMPLES))
}

/** What a server tells of itself. */
export function ownSchema(): Schema {
  return (ownCompiled ??= compileSchema(
    loadYangFiles(["ietf-restconf-monitoring", "ietf-yang-types", "ietf-inet-types"]),
    { implement: ["ietf-restconf-monitoring"] },
  ))
}

export class JukeboxBackend implements NetconfBackend {
  readonly schema: Schema
  readonly calls: string[] = []
  readonly edits: EditRequest[] = []
  refusal: QkdError | undefined
  bug: Error | undefined
  readonly #told = new EventLog(START_MS, 100)

  constructor(schema = jukeboxSchema()) {
    this.schema = schema
  }

  /** Counts what is in the library. */
  state(running: JsonObject): JsonObject {
    const library = inside(inside(running, "example-jukebox:jukebox"), "library")
    const artists = listIn(library, "artist")
    const albums = artists.flatMap((artist) => listIn(artist, "album"))
    const songs = albums.flatMap((album) => listIn(album, "song"))
    if (running["example-jukebox:jukebox"] === undefined) return {}
    return {
      "example-jukebox:jukebox": {
        library: {
          "artist-count": artists.length,
          "album-count": albums.length,
          "song-count": songs.length,
        },
      },
    }
  }

  prepareEdit(edit: EditRequest): Promise<PreparedEdit> {
    this.edits.push(edit)
    if (this.bug !== undefined) return Promise.reject(this.bug)
    if (this.refusal !== undefined) return Promise.reject(this.refusal)
    return Promise.resolve({ commit: () => Promise.resolve() })
  }

  rpc(name: string, input: JsonObject, caller: Caller): Promise<JsonObject> {
    this.calls.push(`${name} ${JSON.stringify(input)} by ${caller.username}`)
    if (input["playlist"] === "nowhere")
      return Promise.reject(new QkdError("invalid-value", "no such playlist"))
    return Promise.resolve(name === "example-ops:get-reboot-info" ? { "reboot-time": 30 } : {})
  }

  remember(event: JsonObject, timeMs: number): void {
    this.#told.add(event, timeMs)
  }

  replay(fromMs: number, toMs: number): readonly PastEvent[] {
    return this.#told.past(fromMs, toMs)
  }

  action(path: string, name: string, input: JsonObject): Promise<JsonObject> {
    this.calls.push(`${path} ${name} ${JSON.stringify(input)}`)
    return Promise.resolve({ "reset-finished-at": "2026-01-01T00:00:00Z" })
  }
}

/** One event of RFC 8040 section 6.4. */
export function fault(severity: string): JsonObject {
  return {
    "example-mod:event": {
      "event-class": "fault",
      "reporting-entity": { card: "Ethernet0" },
      severity,
    },
  }
}

function inside(object: JsonObject, member: string): JsonObject {
  const value = object[member]
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {}
}

function listIn(object: JsonObject, member: string): JsonObject[] {
  const value = object[member]
  return Array.isArray(value) ? (value as JsonObject[]) : []
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is; anything else as JSON, with the media type for it. */
  readonly body?: string | Uint8Array | JsonObject
  /** Absent: alice. `null`: nobody. */
  readonly as?: string | null
}

export const START_MS = Date.UTC(2026, 0, 1)
export const ORIGIN = "https://example.com"

/** A server, and a client that asks it. */
export class Jukebox {
  readonly backend: JukeboxBackend
  /** The same datastore by NETCONF. */
  readonly server: NetconfServer
  readonly datastore: Datastore
  readonly restconf: Restconf
  readonly clock = new ManualClock()

  constructor(initial: JsonObject, options: JukeboxOptions) {
    this.backend = new JukeboxBackend(options.schema)
    const { backend, clock } = this
    this.server = new NetconfServer({ backend, initial, clock, candidate: true })
    this.datastore = this.server.datastore
    this.restconf = new Restconf({
      backend: this.backend,
      datastore: this.datastore,
      datastores: this.server.datastores,
      own: ownSchema(),
      publisher: this.server.publisher,
      now: () => this.clock.now(),
      ...options,
    })
  }

  /** Tells an event to everybody who listens. */
  tell(severity: string): void {
    this.backend.remember(fault(severity), this.clock.now())
    this.server.notify(fault(severity))
  }

  ask(
    method: string,
    target: string,
    { headers = {}, body, as = "alice" }: Ask = {},
  ): Promise<RestconfAnswer> {
    const isData = typeof body === "object" && !(body instanceof Uint8Array)
    const text = isData ? JSON.stringify(body) : (body ?? "")
    return this.restconf.handle({
      method,
      target,
      origin: ORIGIN,
      headers: {
        ...(isData ? { "content-type": "application/yang-data+json" } : {}),
        ...headers,
      },
      body: typeof text === "string" ? new TextEncoder().encode(text) : text,
      caller: as === null ? undefined : { sessionId: 0, username: as, address: "192.0.2.1" },
    })
  }
}

export type JukeboxOptions = Partial<RestconfOptions> & { readonly schema?: Schema }

export function jukebox(initial: JsonObject = {}, options: JukeboxOptions = {}): Jukebox {
  return new Jukebox(initial, options)
}

export const JSON_BODY = { "content-type": "application/yang-data+json" }
export const XML_BODY = { "content-type": "application/yang-data+xml" }
export const ACCEPT_XML = { accept: "application/yang-data+xml" }

/** A library with two artists, and a playlist of three songs. */
export const MUSIC: JsonObject = {
  "example-jukebox:jukebox": {
    library: {
      artist: [
        {
          name: "Foo Fighters",
          album: [
            {
              name: "Wasting Light",
              genre: "example-jukebox:alternative",
              year: 2011,
              song: ["Bridge Burning", "Rope", "Dear Rosemary"].map((name, i) => ({
                name,
                location: `/media/${i + 1}.mp3`,
                length: 200 + i,
              })),
            },
            { name: "One by One", year: 2012 },
          ],
        },
        { name: "Nick Cave", album: [{ name: "Tender Prey", year: 1988 }] },
      ],
    },
    playlist: [
      {
        name: "Foo-One",
        description: "example playlist 1",
        song: ["Rope", "Bridge Burning", "Dear Rosemary"].map((name, i) => ({
          index: i + 1,
          id: `/example-jukebox:jukebox/library/artist[name='Foo Fighters']/album[name='Wasting Light']/song[name='${name}']`,
        })),
      },
    ],
    player: { gap: "0.5" },
  },
}

/** The body as JSON data. */
export function dataOf(answer: RestconfAnswer): JsonObject {
  return JSON.parse(answer.body ?? "null") as JsonObject
}

/** `status tag app-tag` of the first error in a JSON body. */
export function faultIn(answer: RestconfAnswer): string {
  const errors = inside(dataOf(answer), "ietf-restconf:errors")["error"] as JsonObject[] | undefined
  const first = errors?.[0] ?? {}
  const words = [answer.status, first["error-tag"], first["error-app-tag"]]
  return words.filter((word) => typeof word === "string" || typeof word === "number").join(" ")
}
