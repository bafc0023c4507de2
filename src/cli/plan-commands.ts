// The commands of `keyloom plan`: their words and flags. Each loads its code when it is run.

import { type Command, InvalidArgumentError } from "commander"

const TOPOLOGY = "Keyloom JSON, NetworkX node-link JSON or GraphML"
const PROGRESS = "show how far it is, on standard error, where that is no terminal too"
const DEMANDS = "what is asked, as JSON; - reads standard input"

function several(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

function count(text: string): number {
  const value = Number(text)
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new InvalidArgumentError("not a number from 1 to 9999")
  return value
}

export function addPlanCommands(program: Command): void {
  const plan = program
    .command("plan")
    .description("questions about a network, answered from files or from a running controller")
    .hook("preAction", () => {
      // Who reads only the head of an answer has what he wants.
      process.stdout.on("error", (error: NodeJS.ErrnoException) => {
        process.exit(error.code === "EPIPE" ? 0 : 1)
      })
    })

  addOutput(
    addNetwork(
      plan
        .command("paths")
        .description("key paths between nodes: in order, with limits, disjoint")
        .requiredOption("--requests <file>", DEMANDS),
    ),
  )
    .option("--progress", PROGRESS)
    .action(async (options: Parameters<typeof import("./plan-paths.js").planPaths>[0]) => {
      const { planPaths } = await import("./plan-paths.js")
      await planPaths(options)
    })

  addPlacing(
    addOutput(
      addSource(
        plan
          .command("services")
          .description("which demands for key rate a network carries, and over which paths"),
      ),
    ),
  )
    .option("--progress", PROGRESS)
    .action(async (options: Parameters<typeof import("./plan-services.js").planServices>[0]) => {
      const { planServices } = await import("./plan-services.js")
      await planServices(options)
    })

  addPlacing(
    addOutput(
      addSource(
        plan
          .command("what-if")
          .description("what a change of the network does to the services on it"),
      ),
    ),
  )
    .option(
      "--without <what>",
      "a link, a node or a shared-risk group goes; again for more",
      several,
    )
    .option(
      "--add <link>",
      "FROM,TO[,lengthKm=..|lossDb=..|skrBps=..][,module=..][,id=..] comes; again for more",
      several,
    )
    .action(async (options: Parameters<typeof import("./plan-what-if.js").planWhatIf>[0]) => {
      const { planWhatIf } = await import("./plan-what-if.js")
      await planWhatIf(options)
    })

  addPlacing(
    addOutput(
      addSource(
        plan
          .command("survive")
          .description("what each single failure of a link, node or shared-risk group breaks"),
      ),
    ),
  )
    .option("--progress", PROGRESS)
    .action(async (options: Parameters<typeof import("./plan-survive.js").planSurvive>[0]) => {
      const { planSurvive } = await import("./plan-survive.js")
      await planSurvive(options)
    })

  addPlacing(
    addOutput(
      addSource(
        plan
          .command("grow")
          .description("which links to build or to strengthen so that the most is carried"),
      ),
    ),
  )
    .option("--budget <n>", "how many links", count, 1)
    .option("--tries <n>", "candidates evaluated exactly for each link, at most", count, 40)
    .option("--candidates <file>", "what may be built, as JSON; else all pairs within reach")
    .option("--module <name>", "QKD modules of the links to build; else by their loss")
    .option("--progress", PROGRESS)
    .action(async (options: Parameters<typeof import("./plan-grow.js").planGrow>[0]) => {
      const { planGrow } = await import("./plan-grow.js")
      await planGrow(options)
    })

  addOutput(
    addNetwork(
      plan
        .command("bulk")
        .description("volumes of key by deadline, scheduled on what rate services leave")
        .requiredOption("--orders <file>", DEMANDS),
    ),
  )
    .option("--progress", PROGRESS)
    .action(async (options: Parameters<typeof import("./plan-bulk.js").planBulkOrders>[0]) => {
      const { planBulkOrders } = await import("./plan-bulk.js")
      await planBulkOrders(options)
    })
}

function addSource(command: Command): Command {
  return addNetwork(command).option(
    "--demands <file>",
    `${DEMANDS}; without it the services that stand at the controller`,
  )
}

function addNetwork(command: Command): Command {
  return command
    .option("--topology <file>", TOPOLOGY)
    .option("--controller <url>", "take the running network from there, instead of a topology file")
    .option("--token-file <file>", "holds the bearer token that the controller asks for")
    .option("--ca-file <file>", "PEM certificates that the controller's is checked by")
}

function addPlacing(command: Command): Command {
  return command
    .option("--online", "in the order of the file; nothing that was placed moves")
    .option("--split", "over several paths where one does not do")
}

function addOutput(command: Command): Command {
  return command
    .option("--json", "print one JSON document")
    .option("--svg <file>", "write a picture there")
}
