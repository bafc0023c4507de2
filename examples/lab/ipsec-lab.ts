// Two gateways with strongSwan and a consumer each, which reaches charon by its socket: what the example shows, the tests try
// and the bench measures.

import { randomBytes } from "node:crypto"
import { Charon } from "./charon.js"
import {
  type ConsumerPair,
  inNamespaces,
  type LabOptions,
  makeConsumers,
  type TunnelLab,
} from "./consumer-pair.js"
import type { IdRelay } from "./id-relay.js"
import type { Gateway, Namespaces } from "./namespaces.js"

export const CHILD = "net"

export class IpsecLab implements TunnelLab {
  readonly namespaces: Namespaces
  readonly charon: { readonly a: Charon; readonly b: Charon }
  readonly consumer: ConsumerPair["consumer"]
  readonly idRelay: IdRelay
  readonly #ikeSecret = randomBytes(24).toString("base64")

  private constructor(
    namespaces: Namespaces,
    charon: IpsecLab["charon"],
    { consumer, idRelay }: ConsumerPair,
  ) {
    this.idRelay = idRelay
    this.namespaces = namespaces
    this.charon = charon
    this.consumer = consumer
  }

  /** Gateways with their daemons; no consumer runs yet. */
  static start(options: LabOptions): Promise<IpsecLab> {
    return inNamespaces(async (namespaces) => {
      const { dir } = options
      const charon = { a: new Charon(namespaces.a, dir), b: new Charon(namespaces.b, dir) }
      const pair = await makeConsumers("ipsec", options, (here, there) => ({
        vici_socket: charon[here].viciSocket,
        connection: connection(namespaces[here], namespaces[there]),
      }))
      const lab = new IpsecLab(namespaces, charon, pair)
      await Promise.all([lab.startGateway("a"), lab.startGateway("b")])
      return lab
    })
  }

  killGateway(name: "a" | "b"): Promise<void> {
    return this.charon[name].stop("SIGKILL")
  }

  async startGateway(name: "a" | "b"): Promise<void> {
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
