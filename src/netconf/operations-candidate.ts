// commit, discard-changes, cancel-commit (RFC 6241 sections 8.3.4, 8.4.4). Without a candidate none is supported.

import { QkdError } from "../errors.js"
import { textOf } from "../yang/xml-tree.js"
import type { CommitDesk } from "./confirmed-commit.js"
import { BASE_NS } from "./names.js"
import { OK, type Operation, type OperationHost, type OperationTable } from "./operation.js"
import { parametersOf, tokenOf, uint32Of } from "./parameters.js"
import type { XmlElement } from "../yang/xml-tree.js"

/** Section 8.4.5.1. */
const DEFAULT_TIMEOUT_S = 600

const CONFIRMING = ["confirmed", "confirm-timeout", "persist", "persist-id"]

const commit: Operation = async (host, operation, progress) => {
  const desk = deskOf(host, operation)
  const parameters = parametersOf(operation, host.datastores.canConfirm ? CONFIRMING : [])
  const confirmed = parameters.get("confirmed")
  if (confirmed !== undefined && textOf(confirmed).trim() !== "")
    throw new QkdError("bad-element", "confirmed holds nothing", {
      info: { "bad-element": "confirmed" },
    })
  const persist = tokenOf(parameters, "persist")
  const persistId = tokenOf(parameters, "persist-id")
  const request = {
    confirmed: confirmed !== undefined,
    timeoutS: uint32Of(parameters, "confirm-timeout", 1) ?? DEFAULT_TIMEOUT_S,
    ...(persist !== undefined && { persist }),
    ...(persistId !== undefined && { persistId }),
  }
  progress.layer = "application"
  await desk.commit(request, host.caller, () => host.alive())
  // The session may have ended while the commit was on its way.
  if (!host.alive()) await host.datastores.release(host.caller.sessionId)
  return OK
}

const cancelCommit: Operation = async (host, operation, progress) => {
  const desk = deskOf(host, operation)
  if (!host.datastores.canConfirm) throw notHere(operation)
  const persistId = tokenOf(parametersOf(operation, ["persist-id"]), "persist-id")
  progress.layer = "application"
  await desk.cancel(persistId, host.caller)
  return OK
}

const discardChanges: Operation = async (host, operation) => {
  parametersOf(operation, [])
  const { candidate } = host.datastores
  if (candidate === undefined) throw notHere(operation)
  await candidate.discard(host.caller)
  return OK
}

function deskOf(host: OperationHost, operation: XmlElement): CommitDesk {
  const { commits } = host.datastores
  if (commits === undefined) throw notHere(operation)
  return commits
}

function notHere(operation: XmlElement): QkdError {
  return new QkdError("operation-not-supported", `${operation.name} is not supported`, {
    info: { "bad-element": operation.name },
  })
}

export const CANDIDATE_OPERATIONS: OperationTable = new Map<string, Operation>([
  [`${BASE_NS} commit`, commit],
  [`${BASE_NS} cancel-commit`, cancelCommit],
  [`${BASE_NS} discard-changes`, discardChanges],
])
