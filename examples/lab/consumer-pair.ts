// The consumers at both ends of a lab's tunnel, and the line between them. They reach each other over loopback, as over a
// management network: on the wire between the gateways there is the tunnel's own protocol only.

import path from "node:path"
import { ConsumerProcess } from "./consumer-process.js"
import { freePort, idCertificates } from "./id-certificates.js"
import { IdRelay } from "./id-relay.js"
import { type KmeAccess, kmeConfig } from "./key-managers.js"
import { type Gateway, Namespaces } from "./namespaces.js"

const TUNNEL = "lab"

export interface LabOptions {
  readonly dir: string
  /** Of the initiator at gateway a, and of the responder at b. */
  readonly access: readonly [KmeAccess, KmeAccess]
  /** Members of the configuration at both ends: policy, interval_s, hybrid... */
  readonly terms?: object
}

export interface ConsumerPair {
  readonly consumer: { readonly a: ConsumerProcess; readonly b: ConsumerProcess }
  readonly idRelay: IdRelay
}

/** @param own members of the configuration of one kind of tunnel, for an end and its other end */
export async function makeConsumers(
  kind: "ipsec" | "wireguard",
  options: LabOptions,
  own: (here: Gateway["name"], there: Gateway["name"]) => object,
): Promise<ConsumerPair> {
  const { dir, access, terms } = options
  const port = await freePort()
  const idRelay = await IdRelay.start(port)
  const ends = idCertificates(dir, [access[0].saeId, access[1].saeId])
  const consumer = (at: 0 | 1): ConsumerProcess => {
    const [here, there] = at === 0 ? (["a", "b"] as const) : (["b", "a"] as const)
    return new ConsumerProcess(kind, path.join(dir, `consumer-${here}`), {
      name: TUNNEL,
      role: at === 0 ? "initiator" : "responder",
      sae_id: access[at].saeId,
      peer_sae_id: access[at === 0 ? 1 : 0].saeId,
      ...own(here, there),
      ...terms,
      kme: kmeConfig(access[at]),
      id_channel: { host: "127.0.0.1", port: at === 0 ? idRelay.port : port, ...ends[at] },
    })
  }
  return { consumer: { a: consumer(0), b: consumer(1) }, idRelay }
}

/** Two gateways with a guard each, and what `build` puts into them; all is taken away if that fails. */
export async function inNamespaces<L>(build: (namespaces: Namespaces) => Promise<L>): Promise<L> {
  const namespaces = await Namespaces.make()
  try {
    await namespaces.guard()
    return await build(namespaces)
  } catch (error) {
    await namespaces.remove()
    throw error
  }
}

/** A tunnel's lab, of either kind. */
export interface TunnelLab extends ConsumerPair {
  readonly namespaces: Namespaces
  /** Kills what makes the tunnel at a gateway: charon, or wireguard-go. */
  killGateway(name: Gateway["name"]): Promise<void>
  /** Starts it again, as a restarted gateway would. */
  startGateway(name: Gateway["name"]): Promise<void>
  stop(): Promise<void>
}
