// The commands of who plans maintenance of a running network.

import type { Command } from "commander"

export function addMaintenanceCommands(program: Command): void {
  const maintenance = program
    .command("maintenance")
    .description("plan links and nodes of a running network out for a time")

  reached(maintenance.command("plan"))
    .description("plan a link, or a node with all its links, out")
    .option("--link <name>", "what goes out, by id or name")
    .option("--node <name>", "what goes out, by id or name")
    .option("--begin <time>", "RFC 3339; at once where absent")
    .requiredOption("--end <time>", "RFC 3339")
    .requiredOption("--reason <words>", "shown to everybody")
    .option("--json", "print one JSON document")
    .action(async (options: Parameters<typeof import("./maintenance.js").planMaintenance>[0]) => {
      const { planMaintenance } = await import("./maintenance.js")
      await planMaintenance(options)
    })

  reached(maintenance.command("list"))
    .description("what is planned and not over")
    .option("--json", "print one JSON document")
    .action(async (options: Parameters<typeof import("./maintenance.js").listMaintenance>[0]) => {
      const { listMaintenance } = await import("./maintenance.js")
      await listMaintenance(options)
    })

  reached(maintenance.command("change <id>"))
    .description("other times, or words; what is not said stays")
    .option("--begin <time>", "RFC 3339")
    .option("--end <time>", "RFC 3339")
    .option("--reason <words>", "shown to everybody")
    .option("--json", "print one JSON document")
    .action(
      async (
        id: string,
        options: Parameters<typeof import("./maintenance.js").changeMaintenance>[1],
      ) => {
        const { changeMaintenance } = await import("./maintenance.js")
        await changeMaintenance(id, options)
      },
    )

  reached(maintenance.command("cancel <id>"))
    .description("call it off; where it has begun, it is over")
    .action(
      async (
        id: string,
        options: Parameters<typeof import("./maintenance.js").cancelMaintenance>[1],
      ) => {
        const { cancelMaintenance } = await import("./maintenance.js")
        await cancelMaintenance(id, options)
      },
    )
}

function reached(command: Command): Command {
  return command
    .requiredOption("--controller <url>", "where the controller answers")
    .requiredOption("--token-file <file>", "holds the bearer token that the controller asks for")
    .option("--ca-file <file>", "PEM certificates that the controller's is checked by")
}
