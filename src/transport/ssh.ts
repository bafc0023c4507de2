// NETCONF over SSH, the client's end (RFC 6242): one TCP connection, one host key that must be the pinned one,
// one public-key login, one `netconf` subsystem. The server's end is ssh-server.ts.

import { readFile } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import ssh2, { type ClientChannel } from "ssh2"
import { QkdError } from "../errors.js"
import { ClientSession, type ClientOptions } from "../netconf/client-session.js"
import { SSH_ALGORITHMS, SSH_ALGORITHMS_WITH_CTR } from "./ssh-algorithms.js"
import { systemClock } from "./ssh-clock.js"
import { readSshKey, sshFingerprint } from "./ssh-keys.js"
import { SshPipe } from "./ssh-pipe.js"

export { listenNetconfSsh } from "./ssh-server.js"
export type { SshListener, SshListenOptions, SshRefusal } from "./ssh-server.js"

/** `NodeTarget` of the model is one. */
export interface SshTarget {
  readonly host: string
  readonly port: number
  readonly username: string
  /** OpenSSH private key, Ed25519 or ECDSA. */
  readonly privateKeyFile: string
  /** `SHA256:...`; any other host key is refused. */
  readonly hostKeyFingerprint: string
}

/** Who we are at a server. */
export interface SshLogin {
  readonly username: string
  /** OpenSSH private key text. */
  readonly privateKey: string
}

/** Where a connection leads, for messages. */
interface Peer {
  readonly host: string
  readonly port: number
}

export interface SshConnectOptions extends ClientOptions {
  /** Ends the attempt, and later the session. */
  readonly signal?: AbortSignal
  /** From the TCP connection to the exchanged hellos; default 10 s. */
  readonly connectTimeoutMs?: number
  /** Silence after which the peer is asked for a sign of life; three unanswered end the session. Default 10 s. */
  readonly keepaliveMs?: number
  /** `gcm`, the default: AES-GCM only. `gcm-ctr`: AES-CTR too, for nodes whose SSH has no GCM. */
  readonly ciphers?: "gcm" | "gcm-ctr"
}

/**
 * Opens a session.
 *
 * @throws QkdError `access-denied` when the host key is not the pinned one or the login is refused;
 * `operation-failed` with app-tag `node-unreachable` when there is no connection or no NETCONF in time, with
 * app-tag `closed` on abort; `invalid-value` for an unusable key file.
 */
export async function connectNetconfSsh(
  target: SshTarget,
  options: SshConnectOptions = {},
): Promise<ClientSession> {
  const login = await readSshLogin(target)
  if (isAborted(options.signal)) throw aborted()
  const socket = connect({ host: target.host, port: target.port, noDelay: true, keepAlive: true })
  const known = (fingerprint: string): SshLogin | undefined =>
    fingerprint === target.hostKeyFingerprint ? login : undefined
  return openNetconfSsh(socket, target, known, options)
}

/**
 * The same over a TCP connection that is there, or on its way.
 *
 * @param known asked once for the host key that is shown: the login to use there, or undefined to refuse it. No login
 * leaves before.
 */
export async function openNetconfSsh(
  socket: Socket,
  peer: Peer,
  known: (hostKeyFingerprint: string) => SshLogin | undefined,
  options: SshConnectOptions = {},
): Promise<ClientSession> {
  const { signal } = options
  const client = new ssh2.Client()
  let session: ClientSession | undefined
  let failed: ((error: QkdError) => void) | undefined
  const end = (error: QkdError): void => {
    failed?.(error)
    session?.abort(error)
    socket.destroy()
  }
  const failure = new Promise<never>((_resolve, reject) => (failed = reject))
  const onAbort = (): void => {
    end(aborted())
  }
  signal?.addEventListener("abort", onAbort)
  socket.once("close", () => {
    signal?.removeEventListener("abort", onAbort)
    failed?.(unreachable(peer, "connection closed"))
  })
  const timeoutMs = options.connectTimeoutMs ?? 10_000
  const deadline = setTimeout(() => {
    end(unreachable(peer, `no session within ${timeoutMs} ms`))
  }, timeoutMs)
  client.on("error", (cause: Error & { level?: string }) => {
    const refused = cause.level === "client-authentication"
    end(refused ? loginRefused(peer) : unreachable(peer, cause.message, cause))
  })
  try {
    const opening = openSubsystem(client, socket, peer, known, options, end)
    const channel = await Promise.race([opening, failure])
    const pipe = new SshPipe(channel, socket, () => socket.destroy())
    session = new ClientSession(pipe, systemClock, {
      ...options,
      limits: { ...options.limits, helloTimeoutMs: timeoutMs },
    })
    pipe.attach(session)
    socket.once("close", () => {
      pipe.lost("SSH connection closed")
    })
    void session.closedReason.then(() => {
      client.end()
    })
    await Promise.race([session.ready(), failure])
    return session
  } catch (error) {
    socket.destroy()
    const lost = error instanceof QkdError && error.appTag === "closed" && !isAborted(signal)
    throw lost ? unreachable(peer, error.message, error) : error
  } finally {
    clearTimeout(deadline)
    failed = undefined
    failure.catch(() => undefined)
  }
}

/** Logs in, with the host key checked first, and asks for the subsystem. */
function openSubsystem(
  client: ssh2.Client,
  socket: Socket,
  peer: Peer,
  known: (hostKeyFingerprint: string) => SshLogin | undefined,
  options: SshConnectOptions,
  end: (error: QkdError) => void,
): Promise<ClientChannel> {
  let login: SshLogin | undefined
  return new Promise((resolve, reject) => {
    client.once("ready", () => {
      client.subsys("netconf", (cause, channel) => {
        if (cause === undefined) resolve(channel)
        else reject(unreachable(peer, "the server has no NETCONF subsystem", cause))
      })
    })
    client.connect({
      sock: socket,
      // Whose login it is is known once the host key is; ssh2 wants a name before. It is never sent.
      username: "nobody",
      algorithms: options.ciphers === "gcm-ctr" ? SSH_ALGORITHMS_WITH_CTR : SSH_ALGORITHMS,
      ident: "keyloom",
      keepaliveInterval: options.keepaliveMs ?? 10_000,
      keepaliveCountMax: 3,
      readyTimeout: 0, // the deadline above covers more
      authHandler: (_left, _partial, next) => {
        const attempt = login
        // One attempt: what is refused once is refused.
        login = undefined
        if (attempt === undefined) end(loginRefused(peer))
        else next({ type: "publickey", username: attempt.username, key: attempt.privateKey })
      },
      hostVerifier: (key: Buffer): boolean => {
        const shown = sshFingerprint(key)
        login = known(shown)
        if (login !== undefined) return true
        end(new QkdError("access-denied", `${where(peer)} has host key ${shown}, not the pinned`))
        return false
      },
    })
  })
}

/** @throws QkdError `invalid-value` for an unusable key file. */
export async function readSshLogin(
  target: Pick<SshTarget, "username" | "privateKeyFile">,
): Promise<SshLogin> {
  const { username, privateKeyFile: file } = target
  let privateKey: string
  try {
    privateKey = await readFile(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read the key file ${file}`, { cause })
  }
  readSshKey(privateKey)
  return { username, privateKey }
}

function where({ host, port }: Peer): string {
  return `${host}:${port}`
}

function loginRefused(peer: Peer): QkdError {
  return new QkdError("access-denied", `our login is refused at ${where(peer)}`)
}

function unreachable(peer: Peer, why: string, cause?: unknown): QkdError {
  return new QkdError("operation-failed", `${where(peer)}: ${why}`, {
    appTag: "node-unreachable",
    cause,
  })
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

function aborted(): QkdError {
  return new QkdError("operation-failed", "aborted", { appTag: "closed" })
}
