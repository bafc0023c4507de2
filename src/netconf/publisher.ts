// All that one server publishes: the stream NETCONF with its past, the server's own events in it, and the subscriptions
// to streams and datastores where the schema has their modules. NETCONF and RESTCONF serve the same one.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject } from "../yang/json-text.js"
import { compileValidator, type Validator } from "../yang/validate.js"
import type { Caller, NetconfBackend } from "./backend.js"
import {
  changedPlaces,
  configChange,
  confirmedCommit,
  sessionEnd,
  sessionStart,
  type Termination,
} from "./base-notifications.js"
import type { NetconfClock } from "./clock.js"
import { errorOfFault } from "./datastore.js"
import type { Datastores } from "./datastores.js"
import { PushDesk } from "./push-desk.js"
import type { PushLimits } from "./push-feed.js"
import { PushHub, type PushSource } from "./push-hub.js"
import { reported } from "./reading.js"
import { severalErrors } from "./rpc-error.js"
import { StreamEvent } from "./stream-event.js"
import { EventLog, EventStream, joinedLogs } from "./stream.js"
import { SubscriptionDesk, type DeskLimits } from "./subscribed.js"

export interface PublisherOptions {
  readonly backend: NetconfBackend
  readonly datastores: Datastores
  readonly clock: NetconfClock
  readonly deskLimits?: Partial<DeskLimits>
  readonly pushLimits?: Partial<PushLimits>
  /** Something that is not a QkdError was thrown, or an event of the server's own was not valid. */
  readonly report: (error: unknown) => void
}

const SN = "ietf-subscribed-notifications"
const FILTERS = `${SN}:filters`
const SUBSCRIPTIONS = `${SN}:subscriptions`
const RUNNING = "ietf-datastores:running"
/** Never another than running here. */
const INTENDED = "ietf-datastores:intended"
const OPERATIONAL = "ietf-datastores:operational"
/** Both count what the server sends. */
const NOT_ON_CHANGE: ReadonlySet<string> = new Set([
  SUBSCRIPTIONS,
  "ietf-netconf-monitoring:netconf-state",
])
/** The server's own events that are kept for replay. */
const OWN_EVENTS_KEPT = 256
/** Changes are looked for at most so often. */
const MIN_LOOK_GAP_MS = 50

export class Publisher {
  /** The stream that every NETCONF server has. */
  readonly netconf: EventStream
  /** Undefined where the schema has no ietf-subscribed-notifications. */
  readonly desk: SubscriptionDesk | undefined
  readonly #options: PublisherOptions
  readonly #validate: Validator
  readonly #own: EventLog
  readonly #tellsBase: boolean
  readonly #hub: PushHub | undefined
  readonly #stateListeners = new Set<() => void>()

  constructor(options: PublisherOptions) {
    const { backend, datastores, clock } = options
    const { schema } = backend
    const has = (name: string): boolean => schema.moduleByName(name)?.implemented === true
    this.#options = options
    this.#validate = compileValidator(schema, "notification")
    this.#own = new EventLog(clock.now(), OWN_EVENTS_KEPT)
    this.#tellsBase = has("ietf-netconf-notifications")
    const replay = this.#replay()
    this.netconf = new EventStream({
      name: "NETCONF",
      description: "All notifications of this server",
      schema,
      ...(replay !== undefined && { replay }),
    })
    const filters = (): JsonObject => {
      const found = datastores.running.running[FILTERS]
      return isObject(found) ? found : {}
    }
    if (has("ietf-yang-push"))
      this.#hub = new PushHub({
        schema,
        source: this.#source(),
        clock,
        minGapMs: MIN_LOOK_GAP_MS,
        report: options.report,
      })
    if (has(SN)) {
      this.desk = new SubscriptionDesk({
        schema,
        clock,
        streams: [this.netconf],
        push:
          this.#hub === undefined
            ? undefined
            : new PushDesk({
                hub: this.#hub,
                clock,
                limits: options.pushLimits ?? {},
                filters,
                mayHear: (caller, event) => this.mayHear(caller, event),
              }),
        limits: options.deskLimits ?? {},
        filters,
        mayHear: (caller, event) => this.mayHear(caller, event),
      })
      datastores.running.guard((next) => {
        refuseConfigured(next)
      })
      datastores.running.addState(() => this.desk?.state() ?? {})
    }
    datastores.running.onChange((next, previous, caller) => {
      this.#changed(next, previous, caller)
    })
    datastores.onConfirmedCommit((event) => {
      this.#tellBase(() => confirmedCommit(event))
    })
  }

  get clock(): NetconfClock {
    return this.#options.clock
  }

  /** Access control (RFC 8341 section 3.4.6). */
  mayHear(caller: Caller, event: StreamEvent): boolean {
    const { module, name } = event
    const { access } = this.#options.datastores.running
    if (!access.mayHear(caller, { module, name })) return false
    // Who may not see all that changed is not told where it did.
    return changedPlaces(event).every((path) => access.mayReadAt(caller, path))
  }

  /**
   * Publishes an event in the stream NETCONF.
   *
   * @param event one member, `module:notification`.
   * @throws QkdError when it is not a valid notification of the schema; nobody gets it then.
   */
  notify(event: JsonObject, timeMs = this.#options.clock.now()): void {
    const faults = this.#validate(event)
    if (faults.length > 0) throw severalErrors(faults.map(errorOfFault))
    this.netconf.publish(new StreamEvent(this.#options.backend.schema, event, timeMs))
  }

  /** State may have changed: subscriptions on change look at it. Cheap, and may be called at any rate. */
  stateChanged(): void {
    for (const listener of this.#stateListeners) listener()
  }

  sessionStarted(caller: Caller): void {
    this.#tellBase(() => sessionStart(caller))
  }

  sessionEnded(caller: Caller, termination: Termination): void {
    this.#tellBase(() => sessionEnd(caller, termination))
  }

  close(): void {
    this.#hub?.close()
  }

  #changed(next: JsonObject, previous: JsonObject, caller: Caller): void {
    const { schema } = this.#options.backend
    this.#tellBase(() => configChange(schema, next, previous, caller))
    if (next[FILTERS] !== previous[FILTERS]) this.desk?.filtersChanged()
  }

  /** An event of the server's own, where the schema has them. It must never undo what it tells of. */
  #tellBase(build: () => JsonObject | undefined): void {
    if (!this.#tellsBase) return
    try {
      const event = build()
      if (event === undefined) return
      const timeMs = this.#options.clock.now()
      this.notify(event, timeMs)
      this.#own.add(event, timeMs)
    } catch (error) {
      this.#options.report(error)
    }
  }

  #replay(): ConstructorParameters<typeof EventStream>[0]["replay"] {
    const { backend } = this.#options
    if (backend.replay === undefined) return undefined
    const own = this.#own
    const reach = () => backend.replayReach?.() ?? { createdMs: own.createdMs }
    return joinedLogs(
      {
        get createdMs() {
          return reach().createdMs
        },
        get agedMs() {
          return reach().agedMs
        },
        past: (fromMs, toMs) => backend.replay?.(fromMs, toMs) ?? [],
      },
      own,
    )
  }

  #source(): PushSource {
    const { running } = this.#options.datastores
    const { schema } = this.#options.backend
    return {
      datastores: [RUNNING, INTENDED, OPERATIONAL],
      notOnChange: NOT_ON_CHANGE,
      // What get-data shows of them (RFC 8526): operational with the values in use.
      read: (datastore, caller) => {
        const readable = (data: JsonObject): JsonObject => running.access.readable(caller, data)
        return datastore === OPERATIONAL
          ? reported(schema, running.data(caller), "report-all", false, readable)
          : readable(running.running)
      },
      onChange: (datastore, listener) => {
        const stop = running.onChange(listener)
        if (datastore === OPERATIONAL) this.#stateListeners.add(listener)
        return () => {
          stop()
          this.#stateListeners.delete(listener)
        }
      },
    }
  }
}

/** The feature `configured` is not offered, yet the list of subscriptions is configuration by its module. */
function refuseConfigured(next: JsonObject): void {
  const subscriptions = next[SUBSCRIPTIONS]
  const list = isObject(subscriptions) ? subscriptions["subscription"] : undefined
  if (!isArray(list) || list.length === 0) return
  throw new QkdError("operation-not-supported", "subscriptions cannot be configured here", {
    path: `/${SUBSCRIPTIONS}/subscription`,
  })
}
