// The process of one outlet of a node (node/outlet.ts), started by the node and by nobody else: a private pipe to it is
// descriptor 3, connections come over the descriptor after. It holds keys for a moment, so it has a node's protections.

import { Socket } from "node:net"
import { leaveMemoryOutOfDumps } from "../node/core-dumps.js"
import { Outlet } from "../node/outlet.js"
import { compileEarly } from "./compile-early.js"
import { refuseMemoryDoors } from "./memory-doors.js"

const PIPE_FD = 3

refuseMemoryDoors()
compileEarly()
// The node warns where dumps cannot be kept empty.
leaveMemoryOutOfDumps()
// Signals to a whole group reach this process too: it ends when the node says so, or is gone. SIGUSR1 would open the
// inspector.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] as const)
  process.on(signal, () => undefined)

const pipe = new Socket({ fd: PIPE_FD, readable: true, writable: true })
const outlet = new Outlet(pipe, () => process.exit())
process.on("message", (_, socket) => {
  if (socket instanceof Socket) outlet.take(socket)
})
process.on("disconnect", () => process.exit())
if (!process.connected) process.exit(1)
