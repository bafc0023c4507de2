// Serves the web page's few files from memory. It knows their names beforehand: no path of a request ever
// reaches the file system.

import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { gzipSync } from "node:zlib"
import type { RequestHandler } from "express"

const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/page.js": { file: "page.js", type: "text/javascript; charset=utf-8" },
  "/page.css": { file: "page.css", type: "text/css; charset=utf-8" },
  "/icon.svg": { file: "icon.svg", type: "image/svg+xml" },
}

interface Loaded {
  readonly type: string
  readonly bytes: Buffer
  readonly gzipped: Buffer
  readonly etag: string
}

/** A handler for the page in `folder`, or for a note that it has not been built. */
export function pageFiles(folder: string | undefined): RequestHandler {
  const loaded = new Map<string, Loaded>()
  for (const [url, { file, type }] of Object.entries(FILES)) {
    if (folder === undefined) break
    let bytes: Buffer
    try {
      bytes = readFileSync(path.join(folder, file))
    } catch {
      continue
    }
    const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`
    loaded.set(url, { type, bytes, gzipped: gzipSync(bytes), etag })
  }
  return (request, response, next) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      next()
      return
    }
    const found = loaded.get(request.path)
    if (found === undefined) {
      if (request.path === "/") {
        response.status(200).type("text/plain").send("Keyloom controller. The page is not built.\n")
      } else next()
      return
    }
    response.set({
      "Content-Type": found.type,
      "Cache-Control": "no-cache",
      ETag: found.etag,
      Vary: "Accept-Encoding",
    })
    if (request.get("If-None-Match") === found.etag) {
      response.status(304).end()
    } else if (request.acceptsEncodings("gzip") !== false && found.bytes.length > 1024) {
      response.set("Content-Encoding", "gzip").send(found.gzipped)
    } else response.send(found.bytes)
  }
}
