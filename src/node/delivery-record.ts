// What one line of the audit trail tells of a delivery (THREATS I3), and its text. Never holds key bytes.

export type DeliveryRecord = {
  readonly method: "enc_keys" | "dec_keys" | "skip_new_key" | "skip_key" | "get_key"
  /** The caller, from its certificate. */
  readonly saeId: string
  readonly peerSaeId: string
  /** Further slaves of a group. */
  readonly additionalSaeIds?: readonly string[]
  readonly keyIds: readonly string[]
  readonly keySizeBits: number
  /** Of a chunk of a key stream (004), where it stands. */
  readonly keyStreamId?: string
  readonly index?: number
}

/**
 * The members as JSON.stringify writes them, in the order above: every answer waits for this line, and who asked whom is
 * the same as in the line before, as a rule.
 */
export function deliveryText(record: DeliveryRecord): string {
  const { additionalSaeIds, keyIds, keySizeBits, keyStreamId, index } = record
  let text = whoseText(record)
  if (additionalSaeIds !== undefined)
    text += `,"additionalSaeIds":${JSON.stringify(additionalSaeIds)}`
  text += `,"keyIds":${idsText(keyIds)},"keySizeBits":${keySizeBits}`
  if (keyStreamId !== undefined) text += `,"keyStreamId":${JSON.stringify(keyStreamId)}`
  return index === undefined ? text : `${text},"index":${index}`
}

let last: Pick<DeliveryRecord, "method" | "saeId" | "peerSaeId"> & { readonly text: string } = {
  ...{ method: "enc_keys", saeId: "", peerSaeId: "" },
  text: '"method":"enc_keys","saeId":"","peerSaeId":""',
}

function whoseText({ method, saeId, peerSaeId }: DeliveryRecord): string {
  if (last.method !== method || last.saeId !== saeId || last.peerSaeId !== peerSaeId) {
    const text = JSON.stringify({ method, saeId, peerSaeId }).slice(1, -1)
    last = { method, saeId, peerSaeId, text }
  }
  return last.text
}

/** Ids of ours are UUIDs; those of others may hold what has to be escaped. */
const NOTHING_TO_ESCAPE = /^[0-9A-Za-z-]*$/

function idsText(keyIds: readonly string[]): string {
  const [only = ""] = keyIds
  if (keyIds.length === 1 && NOTHING_TO_ESCAPE.test(only)) return `["${only}"]`
  return JSON.stringify(keyIds)
}
