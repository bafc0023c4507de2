// Certificates nobody asked for, made with openssl: self-signed, of a foreign authority, out of time. Knows nothing
// of Keyloom but the subject it copies.

import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import path from "node:path"

export interface Shown {
  readonly certFile: string
  readonly keyFile: string
}

const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" })
}

/** A certificate that vouches for itself. */
export function selfSigned(dir: string, commonName: string): Shown {
  const certFile = path.join(dir, "self-cert.pem")
  const keyFile = path.join(dir, "self-key.pem")
  openssl("req", "-x509", ...EC, "-subj", `/CN=${commonName}`, "-keyout", keyFile, "-out", certFile)
  return { certFile, keyFile }
}

/** The right name, with the extensions of the right one, from an authority nobody here knows. */
export function foreign(dir: string, commonName: string, uri: string): Shown {
  const of = (name: string): string => path.join(dir, `foreign-${name}`)
  const authority = ["-keyout", of("ca-key.pem"), "-out", of("ca.pem")]
  openssl("req", "-x509", ...EC, "-subj", "/CN=Keyloom demo SAEs", ...authority)
  const request = ["-keyout", of("key.pem"), "-out", of("request.pem")]
  openssl("req", ...EC, "-subj", `/CN=${commonName}`, ...request)
  writeFileSync(of("ext"), `subjectAltName=URI:${uri}\nextendedKeyUsage=clientAuth\n`)
  const signed = ["-CA", of("ca.pem"), "-CAkey", of("ca-key.pem"), "-CAcreateserial"]
  openssl(
    "x509",
    "-req",
    "-in",
    of("request.pem"),
    ...signed,
    "-extfile",
    of("ext"),
    "-out",
    of("cert.pem"),
  )
  return { certFile: of("cert.pem"), keyFile: of("key.pem") }
}
