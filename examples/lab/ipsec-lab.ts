// Two gateways with strongSwan and a consumer each: what the example shows, the tests try and the bench measures.
// The consumers reach charon by its socket and each other over loopback, as over a management network: on the
// wire between the gateways there is IKE and ESP only.

import { randomBytes } from "node:crypto"
import path from "node:path"
import { Charon } from "./charon.js"
import { ConsumerProcess } from "./consumer-process.js"
import { freePort, idCertificates } from "./id-certificates.js"
import { IdRelay } from "./id-relay.js"
import { type KmeAccess, kmeConfig } from "./key-managers.js"
import { type Gateway, Namespaces } from "./namespaces.js"

export const TUNNEL = "lab"
export const CHILD = "net"

export interface IpsecLabOptions {
  readonly dir: string
  /** Of the initiator at gateway a, and of the responder at b. */
  readonly access: readonly [KmeAccess, KmeAccess]
  /** Members of the configuration at both ends: policy, interval_s, hybrid... */
  readonly terms?: object
}

export class IpsecLab {
  readonly namespaces: Namespaces
  readonly charon: { readonly a: Charon; readonly b: Charon }
  readonly consumer: { readonly a: ConsumerProcess; readonly b: ConsumerProcess }
  readonly idRelay: IdRelay
  readonly #ikeSecret = randomBytes(24).toString("base64")

  private constructor(
    namespaces: Namespaces,
    charon: IpsecLab["charon"],
    consumer: IpsecLab["consumer"],
    idRelay: IdRelay,
  ) {
    this.idRelay = idRelay
    this.namespaces = namespaces
    this.charon = charon
    this.consumer = consumer
  }

  /** Gateways with their daemons; no consumer runs yet. */
  static async start(options: IpsecLabOptions): Promise<IpsecLab> {
    const { dir, access } = options
    const namespaces = await Namespaces.make()
    try {
      await namespaces.guard()
      const charon = { a: new Charon(namespaces.a, dir), b: new Charon(namespaces.b, dir) }
      const port = await freePort()
      const idRelay = await IdRelay.start(port)
      const ends = idCertificates(dir, [access[0].saeId, access[1].saeId])
      const consumer = (at: 0 | 1): ConsumerProcess => {
        const [here, there] = at === 0 ? [namespaces.a, namespaces.b] : [namespaces.b, namespaces.a]
        const name = at === 0 ? "a" : "b"
        return new ConsumerProcess("ipsec", path.join(dir, `consumer-${name}`), {
          name: TUNNEL,
          role: at === 0 ? "initiator" : "responder",
          sae_id: access[at].saeId,
          peer_sae_id: access[at === 0 ? 1 : 0].saeId,
          ...options.terms,
          kme: kmeConfig(access[at]),
          id_channel: { host: "127.0.0.1", port: at === 0 ? idRelay.port : port, ...ends[at] },
          vici_socket: charon[name].viciSocket,
          connection: connection(here, there),
        })
      }
      const lab = new IpsecLab(namespaces, charon, { a: consumer(0), b: consumer(1) }, idRelay)
      await Promise.all([lab.startCharon("a"), lab.startCharon("b")])
      return lab
    } catch (error) {
      await namespaces.remove()
      throw error
    }
  }

  async startCharon(name: "a" | "b"): Promise<void> {
    await this.charon[name].start(this.#ikeSecret)
  }

  async stop(): Promise<void> {
    await Promise.all([this.consumer.a.stop(), this.consumer.b.stop()])
    await this.idRelay.stop()
    await Promise.all([this.charon.a.stop("SIGKILL"), this.charon.b.stop("SIGKILL")])
    await this.namespaces.remove()
  }
}

function connection(here: Gateway, there: Gateway): object {
  return {
    local_address: [here.address],
    remote_address: [there.address],
    local: { id: `gateway-${here.name}`, auth: "psk" },
    remote: { id: `gateway-${there.name}`, auth: "psk" },
    proposal: ["aes256-sha256-x25519"],
    encap: true,
    dpd_delay_s: 2,
    child: [
      {
        name: CHILD,
        local_ts: [here.network],
        remote_ts: [there.network],
        esp_proposal: ["aes256-sha256"],
      },
    ],
  }
}
