// A YANG Patch carried out: its edits in order on a tree of their own, all or nothing, and the status that tells how
// each fared (RFC 8072 sections 2.2-2.6).

import { asQkdError, QkdError } from "../errors.js"
import { dataPathText, valueAt, type DataPath } from "../yang/data-path.js"
import { editAt } from "../yang/edit-at.js"
import { isArray, type JsonObject, type JsonValue } from "../yang/json-text.js"
import type { Place } from "../yang/list-draft.js"
import type { Schema } from "../yang/schema.js"
import { escapeText } from "../yang/xml-tree.js"
import { datastoreBody, parseDocument, targetBody } from "./body.js"
import type { Desk, KnownRequest } from "./desk.js"
import { errorsValue, errorsXml } from "./errors-body.js"
import { RestconfFault, badUri, notFound, statusOf } from "./fault.js"
import { answerEncoding, bodyMedia } from "./media.js"
import type { Encoding, RestconfAnswer } from "./message.js"
import { DATA_MEDIA, YANG_PATCH_NS } from "./names.js"
import { isEntry, resolvePath, resourceAt } from "./resource-path.js"
import type { Target } from "./store.js"
import { parseSegments } from "./uri.js"
import { editStore, siblingKey } from "./write.js"
import { readYangPatch, type PatchEdit, type YangPatch } from "./yang-patch.js"

/** Why a patch was refused, and at which of its edits; none: what the edits made together was refused. */
interface Refusal {
  readonly error: QkdError
  readonly at?: number
}

/** What may go wrong with the request as a whole, rather than with what the patch asks for. */
class PatchRefused extends Error {
  constructor(readonly refusal: Refusal) {
    super("patch refused")
  }
}

/** @throws QkdError when there is no patch to speak of: not readable, target absent, precondition false. */
export async function patchData(
  desk: Desk,
  request: KnownRequest,
  target: Target,
): Promise<RestconfAnswer> {
  const { schema, path } = target
  const { accept, "content-type": sent } = request.headers
  const encoding = answerEncoding(accept, sent)
  const media = bodyMedia(sent, true)
  const patch = readYangPatch(parseDocument(request.body, media.encoding, desk.bodyLimits))
  const progress = { begun: false }
  try {
    await editStore(desk, request, target, (running, readable) => {
      if (resourceAt(readable, path) === undefined)
        throw notFound("the target is not there", dataPathText(path))
      progress.begun = true
      return applyAll(schema, running, path, patch)
    })
  } catch (thrown) {
    if (!(thrown instanceof PatchRefused) && !progress.begun) throw thrown
    const refusal = thrown instanceof PatchRefused ? thrown.refusal : { error: asQkdError(thrown) }
    const hidden = { ...refusal, error: desk.access.concealed(request.caller, refusal.error) }
    return {
      status: statusOf(refusal.error),
      headers: { "Content-Type": DATA_MEDIA[encoding] },
      body: statusText(schema, patch, hidden, encoding),
      ...(thrown instanceof PatchRefused || thrown === refusal.error ? {} : { bug: thrown }),
    }
  }
  return {
    status: 200,
    headers: { "Content-Type": DATA_MEDIA[encoding] },
    body: statusText(schema, patch, undefined, encoding),
  }
}

function applyAll(
  schema: Schema,
  running: JsonObject,
  base: DataPath,
  patch: YangPatch,
): JsonObject {
  let tree = running
  for (const [at, edit] of patch.edits.entries()) {
    try {
      tree = applyOne(schema, tree, base, edit)
    } catch (thrown) {
      if (!(thrown instanceof QkdError)) throw thrown
      throw new PatchRefused({ error: thrown, at })
    }
  }
  return tree
}

function applyOne(schema: Schema, tree: JsonObject, base: DataPath, edit: PatchEdit): JsonObject {
  const path = offset(schema, base, edit.target)
  const { operation, value: document } = edit
  if (operation === "delete" || operation === "remove")
    return editAt(schema, tree, path, { operation })
  if (operation === "move") {
    const value = valueAt(tree, path)
    const place = placeOf(schema, base, path, edit)
    if (value === undefined)
      throw new QkdError("data-missing", "is not there", { path: dataPathText(path) })
    return editAt(schema, tree, path, { operation: "replace", value, place })
  }
  if (document === undefined) throw new QkdError("missing-element", "a value is wanted")
  const value =
    path.length === 0
      ? datastoreBody(schema, document)
      : entryOf(targetBody(schema, path, document).value, path)
  if (operation !== "insert") return editAt(schema, tree, path, { operation, value })
  const place = placeOf(schema, base, path, edit)
  return editAt(schema, tree, path, { operation: "create", value, place })
}

function entryOf(value: JsonValue, path: DataPath): JsonValue {
  const last = path.at(-1)
  if (!isEntry(last)) return value
  return (isArray(value) ? value[0] : undefined) ?? value
}

/** A path below the target of the request (section 2.4, target-resource-offset). */
function offset(schema: Schema, base: DataPath, text: string): DataPath {
  if (!text.startsWith("/")) throw badUri("a target must begin with /")
  if (text === "/") return base
  const { path, action } = resolvePath(schema, parseSegments(text), base)
  if (action !== undefined) throw badUri("an action cannot be edited")
  return path
}

function placeOf(schema: Schema, base: DataPath, path: DataPath, edit: PatchEdit): Place {
  const last = path.at(-1)
  if (last === undefined || !isEntry(last) || !last.node.orderedByUser)
    throw new RestconfFault(
      400,
      "invalid-value",
      `${edit.operation} is for entries of a list ordered by its user`,
    )
  const { where, point } = edit
  if (where === "first" || where === "last") return { where }
  return { where, key: siblingKey(path, offset(schema, base, point ?? "/"), "point") }
}

/** `yang-patch-status` (section 2.3): what went well before the first fault, and that. */
function statusText(
  schema: Schema,
  patch: YangPatch,
  refusal: Refusal | undefined,
  encoding: Encoding,
): string {
  const { patchId, edits } = patch
  const at = refusal?.at
  const passed = at === undefined ? [] : edits.slice(0, at)
  const failed = at === undefined ? undefined : edits[at]
  if (encoding === "json") {
    const status: Record<string, JsonValue> = { "patch-id": patchId }
    if (refusal === undefined) status["ok"] = [null]
    else if (failed === undefined) status["errors"] = errorsValue(refusal.error)
    else
      status["edit-status"] = {
        edit: [
          ...passed.map(({ editId }) => ({ "edit-id": editId, ok: [null] })),
          { "edit-id": failed.editId, errors: errorsValue(refusal.error) },
        ],
      }
    return JSON.stringify({ "ietf-yang-patch:yang-patch-status": status })
  }
  const errors = refusal === undefined ? "" : errorsXml(schema, refusal.error, YANG_PATCH_NS)
  const idOf = (edit: PatchEdit): string => `<edit-id>${escapeText(edit.editId)}</edit-id>`
  let inner = "<ok/>"
  if (refusal !== undefined && failed === undefined) inner = errors
  else if (failed !== undefined) {
    const before = passed.map((edit) => `<edit>${idOf(edit)}<ok/></edit>`).join("")
    inner = `<edit-status>${before}<edit>${idOf(failed)}${errors}</edit></edit-status>`
  }
  return `<yang-patch-status xmlns="${YANG_PATCH_NS}"><patch-id>${escapeText(patchId)}</patch-id>${inner}</yang-patch-status>`
}
