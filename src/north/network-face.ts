// The controller's YANG northbound, put together: one datastore that follows the network, NETCONF over SSH and TLS, and
// RESTCONF, in front of it, and the gate through which REST orders. Decides nothing.

import type { ControllerPort, InsightPort } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { NetconfClock } from "../netconf/clock.js"
import { NetconfServer } from "../netconf/server.js"
import type { SessionReport } from "../netconf/session-report.js"
import { Restconf } from "../restconf/restconf.js"
import {
  callManagers,
  type CallHome,
  type CallHomeManager,
  type CallHomeTimings,
} from "../transport/call-home.js"
import type { CertToName } from "../transport/certificate-names.js"
import {
  listenSsh,
  NetconfSshServer,
  type SessionOpener,
  type SshListener,
} from "../transport/ssh-server.js"
import { NetconfTlsServer } from "../transport/tls-server.js"
import type { MutualTls } from "../transport/tls.js"
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
    /** Lines as in `authorized_keys`; none for who comes over TLS only. */
    readonly publicKeys: readonly string[]
    readonly role: Role
  }[]
  /** Over TLS as well (RFC 7589), for the same users. */
  readonly tls?: NetconfTlsListen
  /** Orchestrators that are called (RFC 8071), over TLS only where it is served. */
  readonly callHome?: readonly CallHomeManager[]
  readonly callHomeTimings?: Partial<CallHomeTimings>
}

export interface NetconfTlsListen {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly mutual: MutualTls
  readonly certToName: readonly CertToName[]
}

export interface NetconfPorts {
  readonly port: number
  readonly hostKeyFingerprint: string
  readonly tlsPort?: number
}

export class NetworkFace {
  readonly server: NetconfServer
  /** For `restconfFace`, on whatever port. */
  readonly restconf: Restconf
  /** What REST is to speak to in place of the controller. */
  readonly gate: OrderGate
  readonly #backend: NetworkBackend
  readonly #log: NorthLog
  #ssh: SshListener | undefined
  #tls: NetconfTlsServer | undefined
  #calls: CallHome | undefined

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
  async listen(options: NetconfListen): Promise<NetconfPorts> {
    const { users, tls } = options
    const roles = new Map(users.map(({ name, role }) => [name, role]))
    const server = withRoles(this.server, roles)
    this.#tls =
      tls &&
      new NetconfTlsServer({
        server,
        tls: tls.mutual,
        certToName: tls.certToName,
        isUser: (username) => roles.has(username),
        onRefused: (refusal) => {
          this.#log("warn", "NETCONF over TLS refused", { ...refusal })
        },
      })
    const ssh = new NetconfSshServer({
      server,
      hostKey: options.hostKey,
      users: new Map(users.map((user) => [user.name, user.publicKeys])),
      onRefused: ({ address, username, why }) => {
        this.#log("warn", "NETCONF refused", { address, username: username ?? "", why })
      },
    })
    this.#ssh = await listenSsh(ssh, options)
    const { port, hostKeyFingerprint } = this.#ssh
    const tlsPort = tls && (await this.#tls?.listen(tls.host, tls.port))
    this.#calls = callManagers(
      options.callHome ?? [],
      { ssh, tls: this.#tls },
      (manager, report) => {
        this.#log("info", "call home", { manager, ...report })
      },
      options.callHomeTimings,
    )
    return { port, hostKeyFingerprint, ...(tlsPort !== undefined && { tlsPort }) }
  }

  /**
   * Exchanges certificate, authorities and revocation lists of NETCONF over TLS.
   *
   * @returns how many sessions ended because their certificates are revoked now.
   * @throws QkdError `invalid-value` for what is unusable; those before stay in force.
   */
  renewTls(mutual: MutualTls): number {
    return this.#tls?.renew(mutual) ?? 0
  }

  async close(): Promise<void> {
    this.server.close("the controller is stopping")
    this.#calls?.stop()
    this.#backend.close()
    await Promise.all([this.#ssh?.close(), this.#tls?.close()])
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
