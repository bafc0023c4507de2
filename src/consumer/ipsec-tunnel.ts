// An IKEv2 tunnel of strongSwan whose post-quantum preshared key (RFC 8784) is rotated over vici.
//
// What was found by trial and is kept to here. The PPK enters an IKE SA at IKE_AUTH only: a rekeying mixes nothing
// new in, and reauthentication keeps the old ppk_id even when the connection was loaded anew. So every generation
// has a PPK id of its own, is loaded at both ends, and the initiator loads the connection with the new id and
// initiates: charon finds no IKE SA of that configuration and makes another beside the old one. Only `ppk=yes` on
// that SA counts: some versions' initiators go on although the responder left the PPK out. Children are initiated
// one by one; the old IKE SA is terminated by its id.

import { QkdError } from "../errors.js"
import { unmovedCopy } from "../unmoved.js"
import type { Secret } from "../keys/secret.js"
import type { Log } from "../node/log.js"
import { connectionSettings, type IpsecConnection } from "./ipsec-connection.js"
import { findSa, type IkeSa, readIkeSas } from "./ipsec-sa.js"
import type { Policy } from "./rotation.js"
import type { Tunnel, TunnelView } from "./tunnel.js"
import type { ViciClient } from "./vici-client.js"
import { viciList } from "./vici-packet.js"

export interface IpsecTunnelOptions {
  /** Name of the connection in charon. */
  readonly name: string
  readonly role: "initiator" | "responder"
  readonly policy: Policy
  readonly connection: IpsecConnection
  readonly vici: ViciClient
  readonly log: Log
  /** How long IKE may take to make an SA. */
  readonly initiateMs: number
}

/** For an old SA to go in peace, before it is simply dropped. */
const TERMINATE_MS = 1500
const VERIFY_MS = 3000
const VERIFY_EVERY_MS = 50

export class IpsecTunnel implements Tunnel {
  readonly #options: IpsecTunnelOptions
  readonly #children: readonly string[]
  /** A switch that was begun: the IKE SAs that were there before it, by unique id. */
  #switching: { readonly generation: number; readonly before: ReadonlySet<string> } | undefined
  #session = ""
  /** What charon holds under the name may be of an older configuration; the initiator's switch loads it anyway. */
  #toLoad: boolean
  /** For `hold-last`: the generation in use, and one that may come to be. */
  #last: { readonly generation: number; readonly key: Secret } | undefined
  #next: { readonly generation: number; readonly key: Secret } | undefined

  constructor(options: IpsecTunnelOptions) {
    this.#options = options
    this.#toLoad = options.role === "responder"
    this.#children = options.connection.children.map(({ name }) => name)
  }

  async look(): Promise<TunnelView> {
    const { vici, name, policy, log } = this.#options
    const known = viciList(await vici.request("get-conns"), "conns")
    if (this.#toLoad || !known.includes(name)) {
      await this.#loadConnection()
      this.#toLoad = false
      log.info({}, "the connection is loaded")
    }
    await this.#keepLast()
    const sas = await this.#sas()
    const naked = policy === "preferred" ? [] : sas.filter((sa) => sa.established && !sa.ppk)
    for (const sa of naked) {
      log.error(
        { ikeSa: sa.uniqueId },
        "an IKE SA without PPK is terminated: the policy forbids it",
      )
      await this.#terminate(sa)
    }
    return { up: sas.some((sa) => !naked.includes(sa) && sa.complete) }
  }

  async install(generation: number, key: Secret): Promise<void> {
    await this.#load(generation, key)
    if (this.#options.policy !== "hold-last") return
    this.#next?.key.wipe()
    this.#next = { generation, key: key.slice(0, key.lengthBytes) }
  }

  arm(): Promise<void> {
    // A responder finds the PPK by the id that the initiator sends: nothing has to change hands.
    return Promise.resolve()
  }

  async switchTo(generation: number): Promise<string> {
    const before = new Set((await this.#sas()).map(({ uniqueId }) => uniqueId))
    this.#switching = { generation, before }
    await this.#loadConnection({ ppkId: this.#ppkId(generation), required: true })
    await this.#initiate()
    const made = (await this.#sas()).filter(({ uniqueId }) => !before.has(uniqueId))
    const sa = made.find(({ complete }) => complete)
    if (sa === undefined)
      throw new QkdError("operation-failed", "charon made no new SA with all children")
    if (!sa.ppk) throw new QkdError("operation-failed", "the new IKE SA does not have the PPK")
    this.#session = sa.session
    return sa.session
  }

  async verify(_generation: number, session: string): Promise<void> {
    const until = Date.now() + VERIFY_MS
    for (;;) {
      const sa = findSa(await this.#sas(), session)
      if (sa?.complete === true && sa.ppk) {
        this.#session = session
        return
      }
      if (Date.now() > until)
        throw new QkdError(
          "operation-failed",
          sa === undefined
            ? "there is no such IKE SA here"
            : "the IKE SA here has no PPK, or no child",
        )
      await new Promise((done) => setTimeout(done, VERIFY_EVERY_MS))
    }
  }

  async retire(generation: number): Promise<void> {
    this.#switching = undefined
    for (const sa of await this.#sas()) if (sa.session !== this.#session) await this.#terminate(sa)
    if (this.#options.policy === "hold-last") {
      this.#last?.key.wipe()
      this.#last = this.#next
      this.#next = undefined
      await this.#unload((id) => id !== this.#sharedId(generation))
      return
    }
    // A PPK is needed in IKE_AUTH only. What is not there cannot be used a second time.
    await this.#unload(() => true)
  }

  async abandon(generation: number): Promise<void> {
    this.#next?.key.wipe()
    this.#next = undefined
    await this.#unload((id) => id === this.#sharedId(generation))
    const switching = this.#switching
    this.#switching = undefined
    if (switching?.generation !== generation) return
    // A half-made SA has no session name yet, and charon would go on trying.
    for (const sa of await this.#sas())
      if (!switching.before.has(sa.uniqueId)) await this.#terminate(sa)
  }

  async reuse(): Promise<void> {
    if (this.#last === undefined) throw new QkdError("data-missing", "no last key is held")
    const { generation, key } = this.#last
    await this.#clear()
    await this.#load(generation, key)
    await this.#loadConnection({ ppkId: this.#ppkId(generation), required: true })
    await this.#initiate()
    const sa = (await this.#sas()).find(({ complete }) => complete)
    if (sa?.ppk !== true) throw new QkdError("operation-failed", "no SA with the last key was made")
    this.#session = sa.session
  }

  async bare(): Promise<void> {
    // The responder's connection lets it pass already.
    if (this.#options.role === "responder") return
    await this.#clear()
    await this.#loadConnection({ required: false })
    await this.#initiate()
  }

  close(): void {
    this.#last?.key.wipe()
    this.#next?.key.wipe()
  }

  /** The PPK id on the wire: says tunnel and generation, nothing of the key. */
  #ppkId(generation: number): string {
    return `keyloom-${this.#options.name}-${generation}`
  }

  /** charon's handle of the secret; the prefix is how ours are told from others. */
  #sharedId(generation: number): string {
    return `${this.#prefix}${generation}`
  }

  get #prefix(): string {
    return `keyloom:${this.#options.name}:`
  }

  async #load(generation: number, key: Secret): Promise<void> {
    const { vici } = this.#options
    const id = this.#sharedId(generation)
    const bytes = key.use(unmovedCopy)
    try {
      await vici.request("load-shared", {
        id,
        type: "PPK",
        data: bytes,
        owners: [this.#ppkId(generation)],
      })
    } finally {
      bytes.fill(0)
    }
    if (!(await this.#loaded()).includes(id))
      throw new QkdError("operation-failed", "charon does not list the secret it was given")
  }

  /** charon was restarted, or `swanctl --load-creds`, as at its start, threw away what is not in its file. */
  async #keepLast(): Promise<void> {
    if (this.#last === undefined) return
    const ids = await this.#loaded()
    // Asked for now, not before: a rotation may have been finished meanwhile.
    const last = this.#last
    if (!ids.includes(this.#sharedId(last.generation))) await this.#load(last.generation, last.key)
  }

  async #loaded(): Promise<readonly string[]> {
    return viciList(await this.#options.vici.request("get-shared"), "keys")
  }

  async #unload(which: (id: string) => boolean): Promise<void> {
    const ours = (await this.#loaded()).filter((id) => id.startsWith(this.#prefix))
    for (const id of ours.filter(which)) await this.#options.vici.request("unload-shared", { id })
  }

  async #loadConnection(ppk?: {
    readonly ppkId?: string
    readonly required: boolean
  }): Promise<void> {
    const { vici, name, connection, policy } = this.#options
    const settings = connectionSettings(connection, ppk ?? { required: policy !== "preferred" })
    await vici.request("load-conn", { [name]: settings })
  }

  async #initiate(): Promise<void> {
    const { vici, name, initiateMs } = this.#options
    for (const child of this.#children)
      await vici.request(
        "initiate",
        { child, ike: name, timeout: String(initiateMs) },
        initiateMs + 2000,
      )
  }

  /** Dead SAs of the same configuration: charon would make children of them instead of a new one. */
  async #clear(): Promise<void> {
    for (const sa of await this.#sas()) await this.#terminate(sa)
  }

  async #terminate(sa: IkeSa): Promise<void> {
    await this.#options.vici
      .request(
        "terminate",
        { "ike-id": sa.uniqueId, timeout: String(TERMINATE_MS), force: "yes" },
        TERMINATE_MS + 2000,
      )
      .catch((error: unknown) => {
        // Gone meanwhile: that is what was wanted.
        if (!(error instanceof QkdError) || error.appTag !== undefined) throw error
      })
  }

  async #sas(): Promise<IkeSa[]> {
    const { vici, name } = this.#options
    const events = await vici.stream("list-sas", "list-sa", { ike: name })
    return readIkeSas(events, name, this.#children)
  }
}
