#!/usr/bin/env node
/**
 * The command line, a thin user of the library: it parses arguments, prints results and turns errors into exit codes. Each
 * verb has its own file, loaded when it is asked for, so that help and wrong usage answer at once.
 */
import { processEnvironment } from './environment.js'
import { runCommand } from './run-command.js'

const { environment, dispose } = processEnvironment()
process.exitCode = await runCommand(process.argv.slice(2), environment)
dispose()
