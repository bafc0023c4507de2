// A NETCONF server behind SSH for tests, with keys of its own in a folder that goes away.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { BytePipe, PipeUser } from "../../src/netconf/pipe.js"
import { SERVER_LIMITS, SessionEndpoint, closedError } from "../../src/netconf/session.js"
import { CLIENT_CAPABILITIES } from "../../src/netconf/names.js"
import { replyXml } from "../../src/netconf/messages.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { generateSshKey, type SshKeyPair } from "../../src/transport/ssh-keys.js"
import {
  listenNetconfSsh,
  type SessionOpener,
  type SshListener,
  type SshRefusal,
  type SshServerLimits,
} from "../../src/transport/ssh-server.js"
import type { SshTarget } from "../../src/transport/ssh.js"

/** Answers every rpc with ok; needs no YANG. */
export class OkServer implements SessionOpener {
  readonly who: { readonly username: string; readonly address: string }[] = []
  readonly ended: string[] = []

  constructor(readonly body: () => string = () => "<ok/>") {}

  open(pipe: BytePipe, who: { readonly username: string; readonly address: string }): PipeUser {
    this.who.push(who)
    const endpoint: SessionEndpoint = new SessionEndpoint({
      role: "server",
      hello: { capabilities: CLIENT_CAPABILITIES, sessionId: this.who.length },
      pipe,
      clock: systemClock,
      limits: SERVER_LIMITS,
      events: {
        opened: () => undefined,
        message: (rpc) => {
          endpoint.send(replyXml(rpc.attrs, this.body()))
        },
        badMessage: (error) => {
          endpoint.end(error)
        },
        ended: (reason) => {
          this.ended.push(reason.message)
        },
      },
    })
    endpoint.start()
    return {
      receive: (bytes) => {
        endpoint.receive(bytes)
      },
      closed: (why) => {
        endpoint.end(closedError(why))
      },
    }
  }
}

export interface SshFixture {
  readonly listener: SshListener
  readonly target: SshTarget
  readonly dir: string
  readonly hostKey: SshKeyPair
  readonly userKey: SshKeyPair
  readonly refusals: readonly SshRefusal[]
  close(): Promise<void>
}

export const USER = "controller"

/** Listens on loopback; the target logs in as `controller`. */
export async function sshFixture(
  server: SessionOpener,
  limits: Partial<SshServerLimits> = {},
  ciphers?: "gcm" | "gcm-ctr",
): Promise<SshFixture> {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-ssh-"))
  const hostKey = generateSshKey()
  const userKey = generateSshKey()
  const privateKeyFile = path.join(dir, "id")
  writeFileSync(privateKeyFile, userKey.privateKey, { mode: 0o600 })
  const refusals: SshRefusal[] = []
  const listener = await listenNetconfSsh({
    onRefused: (refusal) => refusals.push(refusal),
    server,
    host: "127.0.0.1",
    port: 0,
    hostKey: hostKey.privateKey,
    users: new Map([[USER, [userKey.publicKey]]]),
    limits,
    ...(ciphers === undefined ? {} : { ciphers }),
  })
  return {
    listener,
    dir,
    hostKey,
    userKey,
    refusals,
    target: {
      host: "127.0.0.1",
      port: listener.port,
      username: USER,
      privateKeyFile,
      hostKeyFingerprint: listener.hostKeyFingerprint,
    },
    close: async () => {
      await listener.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
