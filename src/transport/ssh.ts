// NETCONF over SSH, the client's end (RFC 6242): one TCP connection, one host key that must be the pinned one,
// one public-key login, one `netconf` subsystem. The server's end is ssh-server.ts.

import { readFile } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import ssh2, { type ClientChannel, type PublicKeyAuthMethod } from "ssh2"
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
  const privateKey = await readPrivateKey(target.privateKeyFile)
  const { signal } = options
  if (isAborted(signal)) throw aborted()
  const socket = connect({ host: target.host, port: target.port, noDelay: true, keepAlive: true })
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
    failed?.(unreachable(target, "connection closed"))
  })
  const timeoutMs = options.connectTimeoutMs ?? 10_000
  const deadline = setTimeout(() => {
    end(unreachable(target, `no session within ${timeoutMs} ms`))
  }, timeoutMs)
  client.on("error", (cause: Error & { level?: string }) => {
    const refused = cause.level === "client-authentication"
    end(
      refused
        ? new QkdError("access-denied", `${target.username} may not log in at ${where(target)}`)
        : unreachable(target, cause.message, cause),
    )
  })
  try {
    const opening = openSubsystem(client, socket, target, privateKey, options, end)
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
    throw lost ? unreachable(target, error.message, error) : error
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
  target: SshTarget,
  privateKey: string,
  options: SshConnectOptions,
  end: (error: QkdError) => void,
): Promise<ClientChannel> {
  const { username } = target
  const login: PublicKeyAuthMethod = { type: "publickey", username, key: privateKey }
  return new Promise((resolve, reject) => {
    client.once("ready", () => {
      client.subsys("netconf", (cause, channel) => {
        if (cause === undefined) resolve(channel)
        else reject(unreachable(target, "the server has no NETCONF subsystem", cause))
      })
    })
    client.connect({
      sock: socket,
      username,
      privateKey,
      algorithms: options.ciphers === "gcm-ctr" ? SSH_ALGORITHMS_WITH_CTR : SSH_ALGORITHMS,
      ident: "keyloom",
      keepaliveInterval: options.keepaliveMs ?? 10_000,
      keepaliveCountMax: 3,
      readyTimeout: 0, // the deadline above covers more
      authHandler: [login],
      hostVerifier: (key: Buffer): boolean => {
        const shown = sshFingerprint(key)
        if (shown === target.hostKeyFingerprint) return true
        end(new QkdError("access-denied", `${where(target)} has host key ${shown}, not the pinned`))
        return false
      },
    })
  })
}

async function readPrivateKey(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read the key file ${file}`, { cause })
  }
  readSshKey(text)
  return text
}

function where(target: SshTarget): string {
  return `${target.host}:${target.port}`
}

function unreachable(target: SshTarget, why: string, cause?: unknown): QkdError {
  return new QkdError("operation-failed", `${where(target)}: ${why}`, {
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
