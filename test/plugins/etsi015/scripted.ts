// A NETCONF session that answers as a test tells it, for nodes that our own server cannot be.

import {
  Channel,
  type CommitOptions,
  type EditConfigOptions,
  type NetconfClientSession,
  type NetconfNotification,
  QkdError,
  type ReadOptions,
  type XmlElement,
} from "../../../src/plugin/index.js"
import { parseXml } from "../../../src/yang/xml-tree.js"
import { NODE_NS } from "../../../plugins/etsi015/wire.js"

export const QKDN = "6f0c1a9e-5d3b-4a52-9c39-0a4d8f6f1e01"

export interface Script {
  readonly capabilities: readonly string[]
  /** XML inside `qkd_node` for get and get-config, asked for each time. */
  data?(): string
  /** A get of the node is answered with what was there when it came, but not before this. */
  hold?(): Promise<void>
  /** Decides on each edit; a throw refuses it. */
  edit?(target: string, xml: string, options: EditConfigOptions): void
  rpc?(xml: string): void
  /** XML of the reply to an rpc of its own; `ok` where absent or empty. */
  reply?(xml: string): string
  /** XML of the reply to a `get` of another filter. */
  other?(filter: string): string
}

export class ScriptedSession implements NetconfClientSession {
  readonly capabilities: readonly string[]
  readonly sessionId = 1
  readonly calls: string[] = []
  readonly notifications = new Channel<NetconfNotification>()
  readonly closedReason: Promise<QkdError>
  #over: (reason: QkdError) => void = () => undefined

  constructor(readonly script: Script) {
    this.capabilities = script.capabilities
    this.closedReason = new Promise((resolve) => (this.#over = resolve))
  }

  async rpc(operationXml: string): Promise<XmlElement> {
    this.calls.push(operationXml)
    await Promise.resolve()
    this.script.rpc?.(operationXml)
    const reply = this.script.reply?.(operationXml) ?? ""
    return parseXml(reply === "" ? "<ok/>" : reply)
  }

  async get(
    filterXml: string | undefined,
    { xpath }: ReadOptions = {},
  ): Promise<readonly XmlElement[]> {
    const how = xpath === undefined ? " everything" : ` ${xpath.select}`
    this.calls.push(`get${filterXml === undefined ? how : ""}`)
    if (filterXml?.includes(NODE_NS) === false) {
      const xml = this.script.other?.(filterXml) ?? ""
      return xml === "" ? [] : [parseXml(xml)]
    }
    const node = this.#node()
    await this.script.hold?.()
    return [node]
  }

  getConfig(): Promise<readonly XmlElement[]> {
    this.calls.push("get-config")
    return Promise.resolve([this.#node()])
  }

  async editConfig(
    target: string,
    configXml: string,
    options: EditConfigOptions = {},
  ): Promise<void> {
    this.calls.push(
      `edit ${target}${options.errorOption === undefined ? "" : ` ${options.errorOption}`}`,
    )
    await Promise.resolve()
    this.script.edit?.(target, configXml, options)
  }

  getData(): Promise<readonly XmlElement[]> {
    return Promise.reject(new QkdError("operation-not-supported", "get-data"))
  }

  copyConfig(): Promise<void> {
    return this.#done("copy-config")
  }

  deleteConfig(): Promise<void> {
    return this.#done("delete-config")
  }

  validate(source: string): Promise<void> {
    return this.#done(`validate ${source}`)
  }

  commit({ confirmed, persistId }: CommitOptions = {}): Promise<void> {
    const how = confirmed === undefined ? "" : ` confirmed ${confirmed.timeoutS ?? 600}`
    return this.#done(`commit${how}${persistId === undefined ? "" : ` ${persistId}`}`)
  }

  cancelCommit(): Promise<void> {
    return this.#done("cancel-commit")
  }

  discardChanges(): Promise<void> {
    return this.#done("discard-changes")
  }

  lock(target: string): Promise<void> {
    return this.#done(`lock ${target}`)
  }

  unlock(target: string): Promise<void> {
    return this.#done(`unlock ${target}`)
  }

  createSubscription(): Promise<void> {
    this.calls.push("subscribe")
    return Promise.resolve()
  }

  notify(xml: string): void {
    this.notifications.push({ eventTime: "2030-01-01T00:00:00Z", event: parseXml(xml) })
  }

  close(): Promise<void> {
    this.calls.push("close")
    this.notifications.end()
    this.#over(new QkdError("operation-failed", "closed", { appTag: "closed" }))
    return Promise.resolve()
  }

  async #done(call: string): Promise<void> {
    this.calls.push(call)
    await Promise.resolve()
    this.script.rpc?.(call)
  }

  #node(): XmlElement {
    return parseXml(
      `<qkd_node xmlns="${NODE_NS}"><qkdn_id>${QKDN}</qkdn_id>${this.script.data?.() ?? ""}</qkd_node>`,
    )
  }
}
