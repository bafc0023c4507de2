// The command line. Each command loads only what it needs: a client never loads the server.

import { Command, InvalidArgumentError, Option } from "commander"
import { fileURLToPath } from "node:url"
import { addAuditCommands } from "./cli/audit-commands.js"
import { fail } from "./cli/fail.js"
import { addHsmCommands } from "./cli/hsm-commands.js"
import { addMaintenanceCommands } from "./cli/maintenance-commands.js"
import { addNodeCommands } from "./cli/node-commands.js"
import { addPlanCommands } from "./cli/plan-commands.js"
import { addPolicyCommands } from "./cli/policy-commands.js"
import type { runYangCheck } from "./cli/yang-check.js"
import { programVersion } from "./cli/version.js"

const DEFAULT_DEMO_DIR = ".keyloom/demo"
const DEFAULT_PORT = 8080

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError("not a port number")
  return value
}

function seconds(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text)) throw new InvalidArgumentError("not a number of seconds")
  return Number(text)
}

const program = new Command("keyloom")
  .description("SDN controller for quantum-secured networks")
  .version(programVersion())
  .showHelpAfterError("(keyloom --help shows what there is)")

const demo = program
  .command("demo")
  .description("run a whole network on this machine: fibres, nodes, controller, page")
  .option("--topology <file>", "network to run: Keyloom JSON, NetworkX node-link JSON or GraphML")
  .option("--dir <dir>", "where its state lives and survives", DEFAULT_DEMO_DIR)
  .option("--port <n>", "port of the page and the API; 0 takes a free one", port, DEFAULT_PORT)
  .option("--etsi004", "key streams (ETSI GS QKD 004) at every node, now and at later starts")
  .action(async (options: { topology?: string; dir: string; port: number; etsi004?: true }) => {
    const { runDemo } = await import("./cli/demo.js")
    await runDemo({ ...options, entry: fileURLToPath(import.meta.url) })
  })

for (const verb of ["cut", "mend"] as const) {
  demo
    .command(`${verb} <a> <b>`)
    .description(`${verb} the fibre between two sites; nobody is told, the modules see it`)
    .option("--link <id>", "one of several parallel fibres")
    .action(async (a: string, b: string, options: { link?: string }) => {
      const { askDemo } = await import("./demo/control.js")
      const { dir } = demo.opts<{ dir: string }>()
      const link = options.link === undefined ? {} : { link: options.link }
      process.stdout.write(`${await askDemo(dir, { verb, a, b, ...link })}\n`)
    })
}

demo
  .command("url")
  .description("print a fresh address of the page, with a one-time login")
  .action(async () => {
    const { askDemo } = await import("./demo/control.js")
    process.stdout.write(`${await askDemo(demo.opts<{ dir: string }>().dir, { verb: "url" })}\n`)
  })

demo
  .command("env")
  .description("print the running demo's addresses and certificate files as shell variables")
  .action(async () => {
    const { demoVariables } = await import("./demo/variables.js")
    process.stdout.write(demoVariables(demo.opts<{ dir: string }>().dir))
  })

addNodeCommands(program)
addAuditCommands(program)

program
  .command("controller")
  .description("run the controller")
  .requiredOption("--config <file>", "its configuration")
  .action(async (options: { config: string }) => {
    const { runController } = await import("./cli/controller.js")
    await runController(options.config)
  })

program
  .command("reoptimise")
  .description("move services of a running network to better places, or show what would be moved")
  .requiredOption("--controller <url>", "where the controller answers")
  .requiredOption("--token-file <file>", "holds the bearer token that the controller asks for")
  .option("--ca-file <file>", "PEM certificates that the controller's is checked by")
  .option("--dry-run", "show what would be moved; move nothing")
  .option("--wait <seconds>", "for the end of the moves; the controller lets wait 30", seconds, 30)
  .option("--json", "print one JSON document")
  .action(async (options: Parameters<typeof import("./cli/reoptimise.js").reoptimise>[0]) => {
    const { reoptimise } = await import("./cli/reoptimise.js")
    await reoptimise(options)
  })

addMaintenanceCommands(program)
addPolicyCommands(program)

const consumer = program
  .command("consumer")
  .description("put QKD keys to use: by ETSI 014 from any maker's key manager")

consumer
  .command("ipsec")
  .description("keep an IKEv2 tunnel between two strongSwan gateways on QKD keys (RFC 8784)")
  .requiredOption("--config <file>", "its configuration")
  .action(async (options: { config: string }) => {
    const { runIpsecConsumer } = await import("./cli/consumer-ipsec.js")
    await runIpsecConsumer(options.config)
  })
addHsmCommands(consumer)

consumer
  .command("wireguard")
  .description("keep the preshared key of a WireGuard peer a QKD key")
  .requiredOption("--config <file>", "its configuration")
  .action(async (options: { config: string }) => {
    const { runWireguardConsumer } = await import("./cli/consumer-wireguard.js")
    await runWireguardConsumer(options.config)
  })

function several(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

program
  .command("yang")
  .description("tools for YANG modules")
  .command("check <module...>")
  .description(
    "compile modules, files or names, and say what is wrong with them and with data of theirs;\n" +
      "exits with 0: valid, 1: not valid, 2: wrong usage, no such file",
  )
  .option("--data <file>", "XML or RFC 7951 JSON to hold against them; again for more", several)
  .option("--path <dir>", "look for modules here first; again for more", several)
  .addOption(
    new Option("--type <type>", "what the data is of")
      .choices(["config", "data", "get", "rpc", "reply", "notif"])
      .default("data"),
  )
  .option(
    "--features <m:f,...>",
    "the features a module has, instead of all; again for more",
    several,
  )
  .option("--strict", "warnings count as faults")
  .option(
    "--lenient",
    "conditions may name identities without their prefix, as nodes in the field do",
  )
  .option("--json", "print a report for programs")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .action(async (modules: string[], options: Parameters<typeof runYangCheck>[1]) => {
    const { runYangCheck: run } = await import("./cli/yang-check.js")
    process.exitCode = run(modules, options)
  })

addPlanCommands(program)

try {
  await program.parseAsync()
} catch (error) {
  fail(error)
}
