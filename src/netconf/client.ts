// The client's side of a NETCONF session. Placeholder signature until the session is built.

import type { XmlElement } from "../yang/xml-tree.js"
export interface NetconfClientSession {
  readonly capabilities: readonly string[]
  rpc(operationXml: string): Promise<XmlElement>
}
