// What one end of mutual TLS shows and believes, out of files: certificate, key, authorities, revocation lists. Files
// are read whenever this is asked, so that newer ones can take their place (tls-renewal.ts).

import { readFile } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import { readRevocationLists } from "./revocation.js"
import type { MutualTls } from "./tls.js"

export interface TlsFiles {
  /** PEM files: our certificate, its key, and the authorities that the other end must chain to. */
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  /** PEM: revocation lists of all these authorities. Nothing is revoked when absent. */
  readonly crlFile?: string
}

/**
 * As a configuration names them.
 *
 * @param leaf the text of cert_file, key_file, ca_file and crl_file there
 * @param baseDir folder that relative names start from
 * @throws QkdError `missing-element`
 */
export function tlsFilesOf(leaf: (name: string) => string | undefined, baseDir: string): TlsFiles {
  const file = (name: string): string => {
    const text = leaf(name)
    if (text === undefined) throw new QkdError("missing-element", `${name} is missing`)
    return path.resolve(baseDir, text)
  }
  return {
    certFile: file("cert_file"),
    keyFile: file("key_file"),
    caFile: file("ca_file"),
    ...(leaf("crl_file") !== undefined && { crlFile: file("crl_file") }),
  }
}

/**
 * @param files without `caFile` nobody else's certificates are believed, nor asked for.
 * @throws QkdError `invalid-value` when a file cannot be read, or holds no revocation list of an authority.
 */
export async function readTlsFiles(
  files: Omit<TlsFiles, "caFile"> & Partial<TlsFiles>,
): Promise<MutualTls> {
  const { caFile, crlFile } = files
  const [certificatePem, privateKeyPem, authority, crl] = await Promise.all([
    textOf(files.certFile),
    textOf(files.keyFile),
    caFile === undefined ? undefined : textOf(caFile),
    crlFile === undefined ? undefined : textOf(crlFile),
  ])
  return {
    identity: { certificatePem, privateKeyPem },
    authorities: authority === undefined ? [] : [authority],
    ...(crl !== undefined && { revocation: listsIn(crl, authority ?? "", crlFile) }),
  }
}

function listsIn(
  text: string,
  authority: string,
  file = "",
): ReturnType<typeof readRevocationLists> {
  try {
    return readRevocationLists(text, [authority])
  } catch (cause) {
    if (!(cause instanceof QkdError)) throw cause
    throw new QkdError(cause.tag, `${file}: ${cause.message}`, { cause })
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  }
}
