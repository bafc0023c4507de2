// Ports that must be known before who listens there starts: foreign programs and children. Nothing else of this machine
// is given one meanwhile, neither a listener on any port, nor an outgoing connection, nor a demo.

import { HeldPorts } from "../../src/demo/ports.js"

const held = new HeldPorts()

/** Another one each time; held until the tests end. */
export function freePort(): Promise<number> {
  return held.hold(0)
}
