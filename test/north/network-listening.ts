// A controller's northbound on real sockets: three nodes in a row, NETCONF over SSH and TLS for ada, an operator, and
// vera, an observer who has a certificate only. Holds no assertions.

import { writeFileSync } from "node:fs"
import { NetworkFace, type NetconfListen, type NetconfPorts } from "../../src/north/network-face.js"
import { unconfirmedFile } from "../../src/north/unconfirmed-file.js"
import { MemoryStore } from "../../src/store/memory.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { generateSshKey } from "../../src/transport/ssh-keys.js"
import { Bench } from "../controller/fakes.js"
import { entriesFor, makeCertificates, type CertificateFolder } from "../transport/tls-fixture.js"
import { link, node, schema } from "./network-site.js"

export interface Listening {
  readonly face: NetworkFace
  readonly ports: NetconfPorts
  /** `ada` and `vera` (.pem and .key) and ada.ssh; `nobody` is signed by the same authority and no user. */
  readonly folder: CertificateFolder
  readonly said: readonly { readonly message: string; readonly facts: Readonly<object> }[]
  close(): Promise<void>
}

export async function listening(
  more: Pick<NetconfListen, "callHome" | "callHomeTimings"> = {},
): Promise<Listening> {
  const folder = makeCertificates()
  folder.certificate("vera", "operators", "/CN=vera")
  folder.certificate("nobody", "operators", "/CN=nobody")
  const login = generateSshKey()
  writeFileSync(folder.file("ada.ssh"), login.privateKey, { mode: 0o600 })
  const bench = await Bench.open(new MemoryStore())
  for (const name of "abc") await bench.submit({ kind: "node-added", node: node(name) })
  for (const ends of ["ab", "bc"]) await bench.submit({ kind: "link-added", link: link(ends) })
  const said: { readonly message: string; readonly facts: Readonly<object> }[] = []
  const face = await NetworkFace.open({
    controller: bench.controller,
    schema: schema(),
    unconfirmed: unconfirmedFile(folder.file("unconfirmed.json")),
    clock: systemClock,
    log: (_level, message, facts = {}) => said.push({ message, facts }),
  })
  const ports = await face.listen({
    ...{ host: "127.0.0.1", port: 0, hostKey: generateSshKey().privateKey },
    users: [
      { name: "ada", role: "operator", publicKeys: [login.publicKey] },
      { name: "vera", role: "observer", publicKeys: [] },
    ],
    tls: {
      ...{ host: "127.0.0.1", port: 0, certToName: entriesFor(folder) },
      mutual: {
        identity: {
          certificatePem: folder.pem("node.pem"),
          privateKeyPem: folder.pem("node.key"),
        },
        authorities: [folder.pem("operators.pem")],
      },
    },
    ...more,
  })
  return {
    ...{ face, ports, folder, said },
    close: async () => {
      await face.close()
      folder.remove()
    },
  }
}
