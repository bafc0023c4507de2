// NETCONF over SSH, the server's end (RFC 6242): listens, bounds strangers, authenticates by public key, and only
// then opens a NETCONF session per `netconf` subsystem. Does not know what the sessions do.

import { createServer, type Socket } from "node:net"
import ssh2, { type Connection, type ServerChannel, type Session } from "ssh2"
import { QkdError } from "../errors.js"
import type { BytePipe, PipeUser } from "../netconf/pipe.js"
import { SSH_ALGORITHMS, SSH_ALGORITHMS_WITH_CTR } from "./ssh-algorithms.js"
import { readSshKey, sshFingerprint } from "./ssh-keys.js"
import { SshPipe } from "./ssh-pipe.js"
import { SshUserList, type SshUsers } from "./ssh-users.js"

/** What of a NETCONF server is needed here; `NetconfServer` is one. */
export interface SessionOpener {
  open(
    pipe: BytePipe,
    who: {
      readonly username: string
      readonly address: string
      /** Groups that are known to be the user's (RFC 8341 section 3.4.4, step 4). */
      readonly groups?: readonly string[]
      readonly transport?: "netconf-ssh" | "netconf-tls"
    },
  ): PipeUser
}

export interface SshServerLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** From the TCP connection to the opened subsystem, however slowly bytes drip in; milliseconds. */
  readonly handshakeTimeoutMs: number
  readonly maxAuthAttempts: number
  /** NETCONF sessions on one SSH connection. */
  readonly maxSessionsPerConnection: number
}

export const DEFAULT_SSH_LIMITS: SshServerLimits = {
  maxConnections: 128,
  maxConnectionsPerAddress: 64,
  handshakeTimeoutMs: 10_000,
  maxAuthAttempts: 6,
  maxSessionsPerConnection: 8,
}

export interface SshServerOptions {
  readonly server: SessionOpener
  /** OpenSSH private key text, Ed25519 or ECDSA. */
  readonly hostKey: string
  readonly users: SshUsers
  /** `gcm`: AES-GCM only. `gcm-ctr`, the default: AES-CTR too, for tools that have no GCM. */
  readonly ciphers?: "gcm" | "gcm-ctr"
  readonly limits?: Partial<SshServerLimits>
  /** Told of everyone who is turned away, for log and alarm. Must not throw. */
  readonly onRefused?: (refused: SshRefusal) => void
}

export interface SshListenOptions extends SshServerOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
}

export interface SshRefusal {
  readonly address: string
  /** As claimed, unproven; absent when it did not come so far. */
  readonly username?: string
  readonly why: "too many connections" | "handshake too slow" | "login" | "too many sessions"
}

export interface SshListener {
  readonly host: string
  readonly port: number
  readonly hostKeyFingerprint: string
  /** TCP connections now, authenticated or not. */
  connections(): number
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/** Serves TCP connections, whoever opened them. Listens nowhere by itself. */
export class NetconfSshServer {
  readonly hostKeyFingerprint: string
  readonly #options: SshServerOptions
  readonly #limits: SshServerLimits
  readonly #ssh: ssh2.Server
  /** ssh2 tells its connections by address and port; this finds the socket that is under one. */
  readonly #sockets = new Map<string, Accepted>()
  readonly #perAddress = new Map<string, number>()
  /** Ids of those who have proven nothing yet, oldest first. */
  readonly #strangers = new Set<string>()

  /** @throws QkdError `invalid-value` for unusable keys. */
  constructor(options: SshServerOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_SSH_LIMITS, ...options.limits }
    readSshKey(options.hostKey)
    this.hostKeyFingerprint = sshFingerprint(options.hostKey)
    const users = new SshUserList(options.users)
    // A peer that is silent is asked for a sign of life every 15 s, and let go after three unanswered: ssh2's own habit.
    this.#ssh = new ssh2.Server({
      hostKeys: [options.hostKey],
      algorithms: options.ciphers === "gcm" ? SSH_ALGORITHMS : SSH_ALGORITHMS_WITH_CTR,
      ident: "keyloom",
    })
    this.#ssh.on("connection", (connection, info) => {
      const accepted = this.#sockets.get(socketId(info.ip, info.port))
      if (accepted === undefined) connection.end()
      else
        serve({
          connection,
          ...accepted,
          address: info.ip,
          users,
          limits: this.#limits,
          server: options.server,
          refused: (refusal) => {
            this.#refused(refusal)
          },
        })
    })
  }

  /** TCP connections now, authenticated or not. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Takes a connection: accepted here, or opened by us (RFC 8071 section 3). */
  serve(socket: Socket): void {
    const address = socket.remoteAddress ?? ""
    const ofAddress = this.#perAddress.get(address) ?? 0
    const { maxConnections, maxConnectionsPerAddress, handshakeTimeoutMs } = this.#limits
    socket.on("error", () => socket.destroy())
    const full = this.#sockets.size >= maxConnections && !this.#makeRoom()
    if (full || ofAddress >= maxConnectionsPerAddress) {
      this.#refused({ address, why: "too many connections" })
      socket.destroy()
      return
    }
    const id = socketId(address, socket.remotePort ?? 0)
    // Two of our own calls to one manager: ssh2 could not tell them apart.
    if (this.#sockets.has(id)) {
      this.#refused({ address, why: "too many connections" })
      socket.destroy()
      return
    }
    const deadline = setTimeout(() => {
      this.#refused({ address, why: "handshake too slow" })
      socket.destroy()
    }, handshakeTimeoutMs)
    const onOpened = (): void => {
      clearTimeout(deadline)
      this.#strangers.delete(id)
    }
    this.#sockets.set(id, { socket, onOpened })
    this.#strangers.add(id)
    this.#perAddress.set(address, ofAddress + 1)
    socket.once("close", () => {
      clearTimeout(deadline)
      this.#sockets.delete(id)
      this.#strangers.delete(id)
      const left = (this.#perAddress.get(address) ?? 1) - 1
      if (left > 0) this.#perAddress.set(address, left)
      else this.#perAddress.delete(address)
    })
    this.#ssh.injectSocket(socket)
  }

  /**
   * Whoever has been at it longest without opening a session gives way, so that a crowd of strangers keeps nobody out
   * who has a key. Its place is free when its end has come, a moment later: until then the ceiling is passed by those few.
   */
  #makeRoom(): boolean {
    for (const id of this.#strangers) {
      this.#strangers.delete(id)
      this.#sockets.get(id)?.socket.destroy()
      return true
    }
    return false
  }

  /** Ends every connection. */
  close(): void {
    for (const { socket } of this.#sockets.values()) socket.destroy()
  }

  #refused(refusal: SshRefusal): void {
    this.#options.onRefused?.(refusal)
  }
}

/** @throws QkdError `invalid-value` for unusable keys, `operation-failed` when the port cannot be had. */
export async function listenNetconfSsh(options: SshListenOptions): Promise<SshListener> {
  return listenSsh(new NetconfSshServer(options), options)
}

/** Closing the listener ends what else the server serves too. @throws QkdError `operation-failed` */
export async function listenSsh(
  served: NetconfSshServer,
  options: { readonly host: string; readonly port: number },
): Promise<SshListener> {
  const tcp = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 })
  tcp.on("connection", (socket) => {
    served.serve(socket)
  })
  await new Promise<void>((resolve, reject) => {
    tcp.once("error", (cause) => {
      reject(
        new QkdError("operation-failed", `cannot listen on ${options.host}:${options.port}`, {
          cause,
        }),
      )
    })
    tcp.listen(options.port, options.host, resolve)
  })
  tcp.on("error", () => undefined)
  const address = tcp.address()
  return {
    host: options.host,
    port: typeof address === "object" && address !== null ? address.port : options.port,
    hostKeyFingerprint: served.hostKeyFingerprint,
    connections: () => served.connections,
    close: () =>
      new Promise((resolve) => {
        tcp.close(() => {
          resolve()
        })
        served.close()
      }),
  }
}

interface Accepted {
  readonly socket: Socket
  /** To be called when the first session is open: the deadline is met. */
  readonly onOpened: () => void
}

function socketId(address: string, port: number): string {
  return `${address} ${port}`
}

interface Served extends Accepted {
  readonly connection: Connection
  readonly address: string
  readonly users: SshUserList
  readonly limits: SshServerLimits
  readonly server: SessionOpener
  readonly refused: (refused: SshRefusal) => void
}

function serve(served: Served): void {
  const { connection, socket, users, limits } = served
  const pipes = new Set<SshPipe>()
  let attempts = 0
  let username = ""
  let opened = 0
  const cut = (): void => {
    socket.destroy()
  }
  connection.on("authentication", (attempt) => {
    if (users.accepts(attempt)) {
      username = attempt.username
      attempt.accept()
      return
    }
    // OpenSSH begins with `none` to hear the methods, and asks for each key it holds.
    if (attempt.method !== "none")
      served.refused({ address: served.address, username: attempt.username, why: "login" })
    attempts += 1
    if (attempts > limits.maxAuthAttempts) connection.end()
    else attempt.reject(["publickey"])
  })
  connection.on("ready", () => {
    connection.on("session", (accept, reject) => {
      if (opened >= limits.maxSessionsPerConnection) {
        reject()
        return
      }
      opened += 1
      onSubsystem(accept(), (channel) => {
        // Without an exit status (RFC 4254 section 6.10) OpenSSH's client reports 255: a failure.
        const pipe = new SshPipe(channel, socket, cut, () => {
          channel.exit(0)
        })
        pipes.add(pipe)
        channel.once("close", () => {
          pipes.delete(pipe)
          opened -= 1
          if (pipes.size === 0) connection.end()
        })
        const user = openSession(served, username, pipe)
        if (user !== undefined) {
          pipe.attach(user)
          served.onOpened()
        }
      })
    })
  })
  connection.on("error", cut)
  const lost = (): void => {
    for (const pipe of pipes) pipe.lost("SSH connection closed")
    pipes.clear()
  }
  connection.on("close", lost)
  socket.once("close", lost)
}

/** Accepts subsystem `netconf` and nothing else: no shell, no command, no forwarding. */
function onSubsystem(session: Session, open: (channel: ServerChannel) => void): void {
  session.on("subsystem", (accept, reject, info) => {
    if (info.name === "netconf") open(accept())
    else reject()
  })
}

function openSession(served: Served, username: string, pipe: SshPipe): PipeUser | undefined {
  try {
    return served.server.open(pipe, { username, address: served.address })
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    served.refused({ address: served.address, username, why: "too many sessions" })
    pipe.close()
    return undefined
  }
}
