// A NETCONF server behind TLS for tests, with authorities and certificates made by OpenSSL in a folder that goes away.

import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { certificateFingerprint, type CertToName } from "../../src/transport/certificate-names.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import type { SessionOpener } from "../../src/transport/ssh-server.js"
import type { TlsTarget } from "../../src/transport/tls-client.js"
import { NetconfTlsServer, type TlsRefusal } from "../../src/transport/tls-server.js"
import type { ConnectionLimits } from "../../src/transport/tls-guard.js"

export class CertificateFolder {
  readonly dir = mkdtempSync(path.join(tmpdir(), "keyloom-tls-"))

  file(name: string): string {
    return path.join(this.dir, name)
  }

  pem(name: string): string {
    return readFileSync(this.file(name), "utf8")
  }

  /** `name.pem` and `name.key`, signed by itself. */
  authority(name: string): void {
    this.#openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "2", "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`],
    )
  }

  /** `name.pem` and `name.key`, signed by an authority. @param names such as `email:ada@example.org,DNS:a.example` */
  certificate(name: string, by: string, subject: string, names = ""): void {
    this.#openssl(
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-subj", subject, "-keyout", `${name}.key`, "-out", `${name}.csr`],
    )
    writeFileSync(this.file(`${name}.ext`), names === "" ? "" : `subjectAltName=${names}\n`)
    this.#openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", `${by}.pem`, "-CAkey", `${by}.key`],
      ...["-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.pem`],
    )
  }

  /** `authority.crl`, a list of all that were ever named here. @param times in OpenSSL's form, YYYYMMDDHHMMSSZ */
  revoke(
    authority: string,
    names: readonly string[],
    times?: { readonly from: string; readonly until: string },
  ): string {
    const index = this.file(`${authority}.index`)
    if (!existsSync(index)) {
      writeFileSync(index, "")
      writeFileSync(
        this.file(`${authority}.cnf`),
        `[ca]\ndefault_ca=it\n[it]\ndatabase=${index}\ndefault_md=sha256\ndefault_crl_days=1\n`,
      )
    }
    const ca = ["ca", "-config", `${authority}.cnf`, "-keyfile", `${authority}.key`]
    const signed = [...ca, "-cert", `${authority}.pem`]
    for (const name of names) this.#openssl(...signed, "-revoke", `${name}.pem`)
    const when =
      times === undefined ? [] : ["-crl_lastupdate", times.from, "-crl_nextupdate", times.until]
    this.#openssl(...signed, "-gencrl", ...when, "-out", `${authority}.crl`)
    return this.pem(`${authority}.crl`)
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  #openssl(...args: string[]): void {
    const done = spawnSync("openssl", args, { cwd: this.dir, encoding: "utf8" })
    if (done.status !== 0) throw new Error(`openssl ${args.join(" ")}: ${done.stderr}`)
  }
}

export interface TlsFixture {
  readonly server: NetconfTlsServer
  readonly port: number
  readonly refusals: TlsRefusal[]
  /** As the user behind the certificate of that name. */
  target(name: string): TlsTarget
}

/** `operators` signs users, `nodes` signs the server, `strangers` nobody believes. */
export function makeCertificates(): CertificateFolder {
  const folder = new CertificateFolder()
  for (const name of ["operators", "nodes", "strangers"]) folder.authority(name)
  folder.certificate("node", "nodes", "/CN=node a", "DNS:node.example")
  folder.certificate("ada", "operators", "/CN=ada")
  folder.certificate("mail", "operators", "/O=ops", "email:Olga.B@OPS.Example,DNS:Desk.Example")
  folder.certificate("address", "operators", "/O=ops", "IP:2001:db8::1")
  folder.certificate("bare", "operators", "/O=ops")
  folder.certificate("mallory", "strangers", "/CN=ada")
  return folder
}

/** Users by common name, then by alternative name, of whoever `operators` has signed. */
export function entriesFor(folder: CertificateFolder): CertToName[] {
  const fingerprint = certificateFingerprint(folder.pem("operators.pem"))
  return [
    { id: 2, fingerprint, mapType: "san-any" },
    { id: 1, fingerprint, mapType: "common-name" },
  ]
}

export async function tlsFixture(
  folder: CertificateFolder,
  server: SessionOpener,
  limits: Partial<ConnectionLimits> = {},
): Promise<TlsFixture> {
  const refusals: TlsRefusal[] = []
  const listening = new NetconfTlsServer({
    server,
    tls: {
      identity: { certificatePem: folder.pem("node.pem"), privateKeyPem: folder.pem("node.key") },
      authorities: [folder.pem("operators.pem")],
    },
    certToName: entriesFor(folder),
    limits,
    onRefused: (refusal) => refusals.push(refusal),
  })
  const port = await listening.listen("127.0.0.1", 0)
  return {
    server: listening,
    port,
    refusals,
    target: (name) => ({
      host: "127.0.0.1",
      port,
      certFile: folder.file(`${name}.pem`),
      keyFile: folder.file(`${name}.key`),
      caFile: folder.file("nodes.pem"),
      serverKeySha256: spkiSha256(folder.pem("node.pem")),
    }),
  }
}
