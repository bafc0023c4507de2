// The controller's YANG northbound, put together: one datastore that follows the network, NETCONF over SSH and RESTCONF
// in front of it, and the gate through which REST orders. Decides nothing.

import type { ControllerPort, InsightPort } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { NetconfClock } from "../netconf/clock.js"
import { NetconfServer } from "../netconf/server.js"
import type { SessionReport } from "../netconf/session-report.js"
import { Restconf } from "../restconf/restconf.js"
import type { SessionOpener } from "../transport/ssh-server.js"
import { listenNetconfSsh, type SshListener } from "../transport/ssh.js"
import type { Schema } from "../yang/schema.js"
import type { Role } from "./access.js"
import { NetworkBackend } from "./network-backend.js"
import { networkSchema, restconfOwnSchema } from "./network-schema.js"
import { OrderGate } from "./order-gate.js"
import type { NorthLog } from "./ports.js"
import type { UnconfirmedFile } from "./unconfirmed-file.js"

export interface NetworkFaceOptions {
  readonly controller: ControllerPort & InsightPort
  /** `networkSchema()`; compiled here when absent. */
  readonly schema?: Schema
  readonly unconfirmed: UnconfirmedFile
  readonly clock: NetconfClock
  readonly log: NorthLog
}

export interface NetconfListen {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** OpenSSH private key text. */
  readonly hostKey: string
  readonly users: readonly {
    readonly name: string
    /** Lines as in `authorized_keys`. */
    readonly publicKeys: readonly string[]
    readonly role: Role
  }[]
}

export class NetworkFace {
  readonly server: NetconfServer
  /** For `restconfFace`, on whatever port. */
  readonly restconf: Restconf
  /** What REST is to speak to in place of the controller. */
  readonly gate: OrderGate
  readonly #backend: NetworkBackend
  readonly #log: NorthLog
  #listener: SshListener | undefined

  private constructor(options: NetworkFaceOptions) {
    const { controller, clock, log, unconfirmed } = options
    this.#log = log
    this.#backend = new NetworkBackend({
      controller,
      schema: options.schema ?? networkSchema(),
      startedMs: clock.now(),
      unconfirmed,
      log,
    })
    this.server = new NetconfServer({
      backend: this.#backend,
      initial: this.#backend.initial,
      clock,
      candidate: true,
      report: (report) => {
        this.#report(report)
      },
    })
    this.#backend.attach(this.server)
    this.gate = new OrderGate(controller, (work) => this.#backend.ordered(work))
    this.restconf = new Restconf({
      backend: this.#backend,
      datastore: this.server.datastore,
      datastores: this.server.datastores,
      publisher: this.server.publisher,
      own: restconfOwnSchema(),
      now: () => clock.now(),
    })
  }

  /** Opens the datastore, and undoes what nobody had confirmed when the controller last stopped. */
  static async open(options: NetworkFaceOptions): Promise<NetworkFace> {
    const face = new NetworkFace(options)
    const before = options.unconfirmed.left()
    if (before !== undefined) {
      await face.#backend.goBack(before)
      await options.unconfirmed.forget()
    }
    return face
  }

  /** @throws QkdError `invalid-value` for unusable keys, `operation-failed` when the port cannot be had. */
  async listen(options: NetconfListen): Promise<SshListener> {
    const { users } = options
    const roles = new Map(users.map(({ name, role }) => [name, role]))
    this.#listener = await listenNetconfSsh({
      server: withRoles(this.server, roles),
      host: options.host,
      port: options.port,
      hostKey: options.hostKey,
      users: new Map(users.map((user) => [user.name, user.publicKeys])),
      onRefused: ({ address, username, why }) => {
        this.#log("warn", "NETCONF refused", { address, username: username ?? "", why })
      },
    })
    return this.#listener
  }

  async close(): Promise<void> {
    this.server.close("the controller is stopping")
    this.#backend.close()
    await this.#listener?.close()
  }

  #report(report: SessionReport): void {
    switch (report.kind) {
      case "opened":
      case "ended": {
        const { username, address, sessionId } = report.caller
        this.#log("info", `NETCONF session ${report.kind}`, { username, address, sessionId })
        break
      }
      case "bug":
        this.#log("error", "NETCONF request failed", { reason: textOf(report.error) })
        break
      case "rollback-failed":
        this.#log("error", "an unconfirmed commit could not be undone", {
          reason: textOf(report.error),
        })
        break
      case "untold":
        this.#log("error", "subscribers could not be told", { reason: textOf(report.error) })
        break
    }
  }
}

/** A NETCONF server that is told each user's role. */
function withRoles(server: NetconfServer, roles: ReadonlyMap<string, Role>): SessionOpener {
  return {
    open: (pipe, who) => {
      const role = roles.get(who.username)
      return server.open(pipe, { ...who, groups: role === undefined ? [] : [role] })
    },
  }
}

function textOf(error: unknown): string {
  if (error instanceof QkdError) return `${error.tag}: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
