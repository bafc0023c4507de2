// Three key managers in a row, each in a process of its own that a test may kill: started, configured and fed.

import { randomBytes, randomUUID } from "node:crypto"
import { KeyNetwork } from "./key-network.js"
import { setupOf } from "./child-setup.js"
import { KeyProcess } from "./key-processes.js"

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

const BLOCK_BYTES = 1024

export class KeySites {
  readonly net = new KeyNetwork(3)
  readonly children: KeyProcess[] = []
  readonly #ports: number[] = []
  running = true

  async start(index: number): Promise<void> {
    const child = new KeyProcess()
    const { net } = this
    const setup = setupOf(net.site(index), net.sites, net.dir(index), this.#ports[index] ?? 0)
    this.#ports[index] = (await child.ask({ do: "open", setup })) as number
    this.children[index] = child
  }

  async configure(index: number): Promise<void> {
    const peers = [index - 1, index + 1]
      .filter((i) => i >= 0 && i <= 2)
      .map((i) => ({
        qkdnId: this.net.site(i).qkdnId,
        host: "127.0.0.1",
        port: this.#ports[i] ?? 0,
      }))
    const config = { ...this.net.configOf(index), peers }
    await this.child(index).ask({ do: "configure", config })
  }

  child(index: number): KeyProcess {
    const child = this.children[index]
    if (child === undefined) throw new RangeError(`no child ${index}`)
    return child
  }

  /** As the modules of a link: the same blocks at both ends, until nothing runs any more. */
  async feed(link: number): Promise<void> {
    const id = this.net.links[link] ?? ""
    while (this.running) {
      const [block, bytes] = [randomUUID(), randomBytes(BLOCK_BYTES).toString("base64")]
      await Promise.all([link, link + 1].map((index) => this.#deliver(index, id, block, bytes)))
      await sleep(20)
    }
  }

  /** Like a module: gives the block again until the key manager says that it has it. */
  async #deliver(index: number, link: string, block: string, bytes: string): Promise<void> {
    while (this.running) {
      try {
        await this.child(index).ask({ do: "add", link, block, bytes })
        return
      } catch (error) {
        // It was stored, and used, before the process was killed.
        if (error instanceof Error && error.message.startsWith("data-exists")) return
        await sleep(50)
      }
    }
  }
}
